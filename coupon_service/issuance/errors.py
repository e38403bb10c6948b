"""Why a claim was refused."""

from collections.abc import Mapping

from coupon_service.campaigns.eligibility import Condition
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


class NotEligibleError(ConflictError):
    """The subclass says which condition of the campaign is not met."""

    slug = "not-eligible"
    title = "The resident does not meet a condition of this campaign"
    sentence = "您暂不符合本活动的领取条件。"


class GuardianNeededError(NotEligibleError):
    slug = "guardian-needed"
    title = "A minor claims through a guardian"
    sentence = "未满 18 周岁请由监护人代领：监护人可在“我的”里添加您为家人。"


class TooYoungError(NotEligibleError):
    slug = "too-young"
    title = "The resident is younger than this campaign allows"
    sentence = "您还没到本活动要求的年龄，请看看其他活动。"


class TooOldError(NotEligibleError):
    slug = "too-old"
    title = "The resident is older than this campaign allows"
    sentence = "您的年龄超出了本活动的范围，请看看其他活动。"


class OtherAreaError(NotEligibleError):
    slug = "other-area"
    title = "The campaign is for residents of certain areas"
    sentence = "本活动面向指定地区户籍的居民，请看看其他活动。"


class NotOnListError(NotEligibleError):
    slug = "not-on-list"
    title = "The campaign is for the residents on a list"
    sentence = "本活动只面向名单内的居民，如有疑问请联系您的社区。"


class ClaimedBeforeError(NotEligibleError):
    slug = "claimed-before"
    title = "The campaign is for those who claim for the first time"
    sentence = "本活动面向本季首次领券的居民，您已领过其他消费券。"


class HoldsAnotherError(NotEligibleError):
    slug = "holds-another"
    title = "The resident holds another unused voucher"
    sentence = "您还有未使用的消费券，用完后再来领取。"


class DeviceLimitError(ConflictError):
    slug = "device-limit"
    title = "This device has claimed as much of this release as one may"
    sentence = "这部手机在本场的领取次数已达上限。"


class NetworkLimitError(ConflictError):
    slug = "network-limit"
    title = "This network has claimed as much of this release as one may"
    sentence = "当前网络领取的人太多，请换用手机流量再试。"


class ClaimsTooFastError(TooManyRequestsError):
    slug = "claims-too-fast"
    title = "Too many attempts to claim"
    sentence = "点得太快了，请稍等几秒再试。"


NOT_ELIGIBLE: Mapping[Condition, type[NotEligibleError]] = {
    Condition.GUARDIAN_NEEDED: GuardianNeededError,
    Condition.TOO_YOUNG: TooYoungError,
    Condition.TOO_OLD: TooOldError,
    Condition.OTHER_AREA: OtherAreaError,
    Condition.NOT_ON_LIST: NotOnListError,
    Condition.CLAIMED_BEFORE: ClaimedBeforeError,
    Condition.HOLDS_ANOTHER: HoldsAnotherError,
}
