"""Refusals about vouchers, tokens and keys."""

from coupon_service.core.errors import ConflictError, InvalidRequestError, NotFoundError


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
