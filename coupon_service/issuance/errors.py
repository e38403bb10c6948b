"""Why a claim was refused."""

from coupon_service.core.errors import ConflictError, TooManyRequestsError


class SoldOutError(ConflictError):
    slug = "sold-out"
    title = "Every coupon of this release has been claimed"
    sentence = "本场消费券已领完，欢迎参加下一场。"


class LimitReachedError(ConflictError):
    slug = "limit-reached"
    title = "This release gives one person no more than that"
    sentence = "您已达到本场每人领取上限。"


class ChannelClosedError(ConflictError):
    slug = "channel-closed"
    title = "This campaign is not claimed through this channel"
    sentence = "本活动不支持此领取方式。"


class ModeMismatchError(ConflictError):
    """`mode` says how the release is claimed."""

    slug = "mode-mismatch"
    title = "This release is claimed in another way"
    sentence = "本场消费券需要用其他方式领取，请看活动说明。"


class ClaimsTooFastError(TooManyRequestsError):
    slug = "claims-too-fast"
    title = "Too many attempts to claim"
    sentence = "点得太快了，请稍等几秒再试。"
