"""What settlement refuses."""

from http import HTTPStatus

from coupon_service.core.errors import (
    InvalidRequestError,
    NotFoundError,
    ProblemError,
    UnsupportedMediaTypeError,
)


class SeasonNotFoundError(NotFoundError):
    slug = "season-not-found"
    title = "There is no such season"
    sentence = "没有找到该消费季。"


class BatchNotFoundError(NotFoundError):
    slug = "settlement-not-found"
    title = "There is no such settlement batch"
    sentence = "没有找到该结算批次。"


class RunNotFoundError(NotFoundError):
    slug = "settlement-run-not-found"
    title = "There is no such settlement run"
    sentence = "没有找到该结算任务。"


class CutoffInFutureError(InvalidRequestError):
    slug = "cutoff-in-future"
    title = "A settlement's cut-off cannot lie in the future"
    sentence = "结算截止时间不能晚于当前时间。"


class CsvNeededError(UnsupportedMediaTypeError):
    slug = "csv-needed"
    title = "Send text/csv"
    sentence = "请上传 CSV 文件。"


class BankAnswerInvalidError(InvalidRequestError):
    """`faults` lists line numbers and what is wrong there; nothing of the file was taken in."""

    slug = "bank-answer-invalid"
    title = "The bank's answer has faults; nothing was taken in"
    sentence = "银行回执文件有误，未导入任何内容。"


class PayoutFileAlteredError(ProblemError):
    """The rows no longer give the file that was instructed: somebody changed them."""

    slug = "payout-file-altered"
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    title = "The payout file no longer matches its hash"
    sentence = "付款文件与记录的校验值不一致，请联系管理员。"
