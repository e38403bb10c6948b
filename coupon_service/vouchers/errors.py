"""Refusals about vouchers, tokens and keys."""

from coupon_service.core.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    TooManyRequestsError,
)


class VoucherNotFoundError(NotFoundError):
    slug = "voucher-not-found"
    title = "There is no such voucher"
    sentence = "没有找到这张消费券。"


class VoucherStateError(ConflictError):
    slug = "voucher-state"
    title = "The voucher is not in a state that allows this"
    sentence = "这张消费券当前不能进行此操作。"


class InvalidTokenError(InvalidRequestError):
    """Not a voucher of ours, however it fails: the reason would help a forger."""

    slug = "invalid-token"
    title = "This is not a valid voucher code"
    sentence = "二维码无效，请顾客刷新后再试。"


class ExpiredTokenError(InvalidRequestError):
    """Genuine, but drawn too long ago: a screenshot, or a phone that slept."""

    slug = "expired-token"
    title = "This voucher code is too old; show a fresh one"
    sentence = "二维码已过期，请顾客刷新后再试。"


class KeyStateError(ConflictError):
    slug = "key-state"
    title = "The signing key is not in a state that allows this"


class InvalidPhoneKeyError(InvalidRequestError):
    slug = "invalid-phone-key"
    title = "This is not a compressed point of P-256"


class PhoneBoundElsewhereError(ConflictError):
    """Another phone shows this resident's vouchers; `replace` takes its place."""

    slug = "phone-bound-elsewhere"
    title = "Another phone shows these vouchers; ask to replace it"
    sentence = "您的消费券已绑定另一部手机。"


class PhoneCoolingDownError(ConflictError):
    """A phone that took another's place shows nothing yet; `usable_from` says from when."""

    slug = "phone-cooling-down"
    title = "The phone was changed a moment ago and cannot show vouchers yet"
    sentence = "刚更换过手机，稍后才能出示消费券。"


class TooManyPhonesError(TooManyRequestsError):
    slug = "too-many-phones"
    title = "The phone was changed too often today"
    sentence = "今天更换手机的次数太多，请明天再试。"


class PaperNotPossibleError(ConflictError):
    """Without a confirmed identity number there is nothing a till could ask for."""

    slug = "paper-not-possible"
    title = "A paper voucher needs a holder with a confirmed identity document"
    sentence = "持券人还没有实名认证，不能打印纸质券。"


class PaperLimitError(ConflictError):
    """The season, or this official in it, has printed as many as the settings allow."""

    slug = "paper-limit"
    title = "No more paper vouchers may be printed"
    sentence = "可打印的纸质券已达上限，请联系管理员。"


class SecondCheckNeededError(ConflictError):
    """The till asks the holder, and sends the answer as `second_check` with the same order."""

    slug = "second-check-needed"
    title = "This needs the last four characters of the holder's identity number"
    sentence = "请输入顾客证件号码的后 4 位。"


class SecondCheckWrongError(ConflictError):
    slug = "second-check-wrong"
    title = "These are not the last four characters of the holder's identity number"
    sentence = "证件号码后 4 位不对，请核对后重新输入。"


class SecondCheckLockedError(ConflictError):
    """Too many wrong answers: refused alike from now on, right or wrong."""

    slug = "second-check-locked"
    title = "This paper voucher is locked after too many wrong answers"
    sentence = "输错次数太多，这张纸质券已锁定，请顾客到服务点重新打印。"


class PaperReplacedError(ConflictError):
    slug = "paper-replaced"
    title = "A newer sheet was printed of this voucher"
    sentence = "这张纸质券已重新打印过，请顾客出示最新的一张。"
