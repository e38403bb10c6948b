"""Refusals of signing in, of the real name and of families.

None tells whether a phone, a number or a person is known.
"""

from http import HTTPStatus

from coupon_service.core.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
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
    sentence = "请填写与证件一致的姓名。"


class InvalidIdNumberError(InvalidRequestError):
    slug = "invalid-id-number"
    title = "This is not a number of such a document"
    sentence = "证件号码有误，请核对后再填。"


class BirthDateNeededError(InvalidRequestError):
    slug = "birth-date-needed"
    title = "This document's number has no date of birth; give it too"
    sentence = "请填写出生日期。"


class InvalidBirthDateError(InvalidRequestError):
    slug = "invalid-birth-date"
    title = "The date of birth is impossible, or not the one in the number"
    sentence = "出生日期有误，请与证件核对。"


class RealNameRefusedError(ConflictError):
    """The number belongs to another resident, or the resident has another number."""

    slug = "real-name-refused"
    title = "The real name could not be confirmed"
    sentence = "未能完成实名认证，请核对信息；如有疑问请联系客服。"


class CodeUnknownError(NotFoundError):
    """No such invitation: mistyped, taken up, withdrawn or run out; always the same answer."""

    slug = "invitation-unknown"
    title = "There is no such invitation, or it has been used"
    sentence = "邀请码不正确或已失效，请让家人重新邀请。"


class OwnInvitationError(ConflictError):
    slug = "own-invitation"
    title = "An invitation is taken up by somebody else"
    sentence = "这是您自己发出的邀请，请让家人来接受。"


class ProxyNotFoundError(NotFoundError):
    slug = "proxy-not-found"
    title = "There is no such proxy of yours in this state"
    sentence = "没有找到这项家人代办。"


class InvalidInvitationCodeError(InvalidRequestError):
    slug = "invalid-invitation-code"
    title = "An invitation's code has ten digits"
    sentence = "邀请码是 10 位数字，请核对。"


class ProxyEndedError(ConflictError):
    slug = "proxy-ended"
    title = "This request was declined, taken back or has run out"
    sentence = "这项请求已失效，请让家人重新发起。"


class AlreadyFamilyError(ConflictError):
    slug = "already-family"
    title = "These two have a proxy, or a request for one, already"
    sentence = "您与这位家人已有代办关系或待处理的请求。"


class TooManyPrincipalsError(ConflictError):
    """`limit` is how many."""

    slug = "too-many-principals"
    title = "One person acts for no more than that many others"
    sentence = "代办的家人已达到上限。"


class TooManyGuardiansError(ConflictError):
    slug = "too-many-guardians"
    title = "A child has two guardians at most here"
    sentence = "一名儿童最多由两位监护人代办。"


class NotAnAdultError(ConflictError):
    slug = "not-an-adult"
    title = "Only an adult acts for others"
    sentence = "年满 18 周岁才能为家人代办。"


class NotAChildError(ConflictError):
    slug = "not-a-child"
    title = "This person is of age: ask for their consent instead"
    sentence = "这位家人已满 18 周岁，请改用“邀请家人”。"


class StillAChildError(ConflictError):
    slug = "still-a-child"
    title = "This person is a child: a guardian adds them"
    sentence = "这位家人未满 18 周岁，请改用“添加孩子”。"


class FamilyRefusedError(ConflictError):
    """Name and number do not go together, or that person cannot be added: never which."""

    slug = "family-refused"
    title = "This person cannot be added with what was given"
    sentence = "未能添加，请核对姓名和证件号码；如有疑问请联系客服。"


class NotYourFamilyError(NotFoundError):
    """Also where no such person exists: ids are not to be searched."""

    slug = "not-your-family"
    title = "You do not act for this person"
    sentence = "您还不能为这位家人代办。"


class SessionNotFoundError(NotFoundError):
    slug = "session-not-found"
    title = "There is no such sign-in of yours"
    sentence = "这台设备已经退出登录。"


class PhoneNeededError(ConflictError):
    slug = "phone-needed"
    title = "This is confirmed by a code to the resident's own phone"
    sentence = "需要用您的手机号验证。"


class WechatRefusedError(ProblemError):
    """The answer is not of this browser's own sign-in, has aged, or WeChat does not know it."""

    slug = "wechat-refused"
    status = HTTPStatus.FORBIDDEN
    title = "WeChat did not vouch for this sign-in"
    sentence = "微信登录未完成，请重试，或用手机号登录。"


class WechatAwayError(UnavailableError):
    slug = "wechat-away"
    title = "WeChat could not be asked"
    sentence = "微信暂时没有响应，请稍后再试，或用手机号登录。"


class DeclarationNeededError(InvalidRequestError):
    slug = "declaration-needed"
    title = "The declaration of consent is missing"
    sentence = "请先阅读并勾选声明。"
