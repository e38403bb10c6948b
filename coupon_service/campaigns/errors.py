"""Refusals about releases."""

from coupon_service.core.errors import ConflictError, NotFoundError


class ReleaseNotFoundError(NotFoundError):
    slug = "release-not-found"
    title = "There is no such release"
    sentence = "没有找到这个活动。"


class CampaignNotFoundError(NotFoundError):
    slug = "campaign-not-found"
    title = "There is no such campaign"
    sentence = "没有找到这个活动。"


class TermsFixedError(ConflictError):
    """Somebody may have claimed on these terms."""

    slug = "terms-fixed"
    title = "The campaign's terms are fixed once a release of it was published"
    sentence = "该活动已有批次发布，领取条件不能再修改。"


class ReleaseStateError(ConflictError):
    slug = "release-state"
    title = "The release is not in a state that allows this"
    sentence = "当前投放状态不允许此操作。"


class NotOpenYetError(ConflictError):
    """`opens_at` says when to come back."""

    slug = "not-open-yet"
    title = "The release has not opened yet"
    sentence = "还没到领取时间，请稍后再来。"


class ReleaseClosedError(ConflictError):
    slug = "release-closed"
    title = "The release has closed"
    sentence = "本场领取已经结束。"


class ReleasePausedError(ConflictError):
    slug = "release-paused"
    title = "The release is paused"
    sentence = "本场领取暂停中，请稍后再试。"


class QuantityChangedError(ConflictError):
    """`quantity` is what it is now."""

    slug = "quantity-changed"
    title = "Somebody else has changed the quantity meanwhile"
    sentence = "投放数量刚刚被修改过，请核对后重试。"


class QuantityOutOfBoundsError(ConflictError):
    """`lowest` and `highest` bound what is possible."""

    slug = "quantity-out-of-bounds"
    title = "The quantity must cover the seats that are taken or kept for groups"
    sentence = "投放数量不能少于已领取和预留的数量。"
