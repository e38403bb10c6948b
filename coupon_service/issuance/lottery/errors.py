"""Refusals about lotteries."""

from enum import StrEnum

from coupon_service.core.errors import ConflictError, InvalidRequestError, NotFoundError


class DrawNotFoundError(NotFoundError):
    slug = "draw-not-found"
    title = "No draw has been announced for this release"
    sentence = "这个活动没有抽签。"


class NotEnteredError(NotFoundError):
    slug = "not-entered"
    title = "This person is not among the entries"
    sentence = "您没有参加这次抽签。"


class EntriesClosedError(ConflictError):
    slug = "entries-closed"
    title = "Entries can no longer be made or withdrawn"
    sentence = "报名已截止，不能再报名或退出。"


class ResultNotPublishedError(NotFoundError):
    slug = "result-not-published"
    title = "The draw has no published result yet"
    sentence = "抽签结果尚未公布。"


class DrawStateError(ConflictError):
    slug = "draw-state"
    title = "The draw is not at a point that allows this"
    sentence = "抽签当前所处阶段不允许此操作。"


class AnnouncementFault(StrEnum):
    """What is wrong with an announcement; machine-readable."""

    NOT_A_LOTTERY = "not-a-lottery"
    RELEASE_OVER = "release-over"
    HAS_QUOTAS = "has-quotas"
    NOT_ONLINE = "not-online"
    WINDOW_EMPTY = "window-empty"
    SEED_TOO_SOON = "seed-too-soon"
    GRANT_TOO_LATE = "grant-too-late"
    ANNOUNCED = "announced"


class AnnouncementRefusedError(ConflictError):
    """`fault` says which rule of an announcement is broken."""

    slug = "announcement-refused"
    title = "The draw cannot be announced like this"
    sentence = "这样的抽签公告不符合规则，没有发布。"


class UnknownSeedSourceError(InvalidRequestError):
    slug = "unknown-seed-source"
    title = "There is no such source of public randomness here"
    sentence = "没有这种公开随机数来源，或期号格式不对。"


class SeedEvidenceError(InvalidRequestError):
    slug = "seed-evidence"
    title = "This is not what the announced source publishes"
    sentence = "录入的号码不符合该玩法的开奖规则，请核对。"


class SeedNotYetError(ConflictError):
    slug = "seed-not-yet"
    title = "The announced source has not spoken yet"
    sentence = "还没到公告的开奖时间，不能录入。"


class OwnConfirmationError(ConflictError):
    slug = "own-confirmation"
    title = "A second official has to confirm the numbers"
    sentence = "须由另一位经办独立录入同样的号码。"


class SeedDiffersError(ConflictError):
    slug = "seed-differs"
    title = "The two officials typed different numbers"
    sentence = "与第一位经办录入的号码不一致，没有生效。请核对后重录，或撤回第一次录入。"


class SeedUnavailableError(ConflictError):
    slug = "seed-unavailable"
    title = "The source of public randomness did not answer as announced"
    sentence = "暂时取不到公告的公开随机数，系统会自动重试。"
