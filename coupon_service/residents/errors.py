"""Refusals of signing in and of the real name. None tells whether a phone or number is known."""

from http import HTTPStatus

from coupon_service.core.errors import (
    ConflictError,
    InvalidRequestError,
    ProblemError,
    TooManyRequestsError,
    UnavailableError,
)


class WrongCodeError(ProblemError):
    """Wrong, used, expired, guessed too often, or never sent: always the same answer."""

    slug = "wrong-code"
    status = HTTPStatus.FORBIDDEN
    title = "The phone and the code do not go together"
    sentence = "验证码不正确或已失效，请核对后重试，或重新获取。"


class TooManyCodesError(TooManyRequestsError):
    slug = "too-many-codes"
    title = "Too many codes were asked for"
    sentence = "获取验证码太频繁，请稍后再试。"


class CodeNotSentError(UnavailableError):
    slug = "code-not-sent"
    title = "The text message could not be handed over"
    sentence = "短信暂时发送失败，请稍后再试。"


class InvalidNameError(InvalidRequestError):
    slug = "invalid-name"
    title = "This is not a name as an identity card shows it"
    sentence = "请填写与身份证一致的姓名。"


class InvalidIdNumberError(InvalidRequestError):
    slug = "invalid-id-number"
    title = "This is not a citizen identity number (GB 11643-1999)"
    sentence = "身份证号码有误，请核对后再填。"


class RealNameRefusedError(ConflictError):
    """The number belongs to another resident, or the resident has another number."""

    slug = "real-name-refused"
    title = "The real name could not be confirmed"
    sentence = "未能完成实名认证，请核对信息；如有疑问请联系客服。"
