"""Refusals about claim codes."""

from coupon_service.core.errors import ConflictError, InvalidRequestError, NotFoundError


class ClaimCodeNotGoodError(InvalidRequestError):
    """Unknown, used up, stopped, early or late: one answer, so that guessing tells nothing."""

    slug = "claim-code-not-good"
    title = "This claim code is wrong, used up, or not valid now"
    sentence = "领券码不正确、已用完或不在使用时间内，请核对后再试。"


class ClaimCodeNotFoundError(NotFoundError):
    """For officials, who ask by id."""

    slug = "claim-code-not-found"
    title = "There is no such claim code"
    sentence = "没有找到这个领券码。"


class NoCodesHereError(ConflictError):
    slug = "no-codes-here"
    title = "This release is not claimed by code"
    sentence = "这个批次不使用领券码。"
