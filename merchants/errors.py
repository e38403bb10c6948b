"""What merchants are refused."""

from coupon_service.core.errors import ConflictError, NotFoundError, NotSignedInError


class CodeTakenError(ConflictError):
    slug = "code-taken"
    title = "The code or user name is in use"
    sentence = "该编号或用户名已被使用。"


class MerchantNotFoundError(NotFoundError):
    slug = "merchant-not-found"
    title = "There is no such merchant"
    sentence = "没有找到该商户。"


class TillNotFoundError(NotFoundError):
    slug = "till-not-found"
    title = "There is no such till"
    sentence = "没有找到该收银台。"


class WrongPasswordError(NotSignedInError):
    slug = "wrong-password"
    title = "The user name and password do not fit together"
    sentence = "用户名或密码不正确。"
