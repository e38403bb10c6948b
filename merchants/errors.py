"""What merchants are refused."""

from coupon_service.core.errors import ConflictError, NotFoundError, NotSignedInError


class CodeTakenError(ConflictError):
    slug = "code-taken"
    title = "The code or user name is in use"
    sentence = "该编号或用户名已被使用。"


class DistrictNotFoundError(NotFoundError):
    slug = "district-not-found"
    title = "There is no such district"
    sentence = "没有找到该城区。"


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


class RequestSignatureInvalidError(NotSignedInError):
    slug = "request-signature-invalid"
    title = "The request's signature does not hold"
    sentence = "请求签名无效。"


class RequestTimeOffError(NotSignedInError):
    slug = "request-time-off"
    title = "The request was signed more than five minutes off this service's clock"
    sentence = "请求的签名时间与系统时间相差过大，请校准收银系统的时钟。"


class RequestReplayedError(NotSignedInError):
    slug = "request-replayed"
    title = "A request with this nonce has been received before; sign it anew"
    sentence = "该请求已收到过，请重新签名后再发送。"


class SignatureNeededError(NotSignedInError):
    slug = "signature-needed"
    title = "This till takes signed requests only"
    sentence = "该收银台只接受签名请求，不能使用收银台密钥。"


class TooManyPosKeysError(ConflictError):
    slug = "too-many-pos-keys"
    title = "The till has two keys already; revoke one first"
    sentence = "该收银台已有两把接口密钥，请先停用一把。"


class PosKeyNotFoundError(NotFoundError):
    slug = "pos-key-not-found"
    title = "There is no such point-of-sale key"
    sentence = "没有找到该接口密钥。"


class PosKeyNeededError(ConflictError):
    slug = "pos-key-needed"
    title = "Make a point-of-sale key first; otherwise nothing could use this till"
    sentence = "请先生成接口密钥，否则该收银台将无法使用。"
