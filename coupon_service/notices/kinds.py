"""Each kind of notice: what it belongs to, what its words need, and what is told once only."""

from collections.abc import Mapping
from dataclasses import dataclass

from coupon_service.notices.models import NoticeKind, Topic, Way


@dataclass(frozen=True)
class KindFacts:
    """What holds for every notice of a kind.

    Attributes:
        needs: parameters its words cannot do without; others are kept too.
        once_per: the parameter that may be told of once only; none: each one is told.
        at_once: whether it is delivered in the quiet hours too.
    """

    topic: Topic
    needs: frozenset[str] = frozenset()
    once_per: str | None = None
    at_once: bool = False


_CAMPAIGN = frozenset({"campaign"})
_VOUCHER = _CAMPAIGN | {"voucher_id"}

KINDS: Mapping[NoticeKind, KindFacts] = {
    NoticeKind.CLAIMED: KindFacts(Topic.ARRIVED, _VOUCHER, once_per="voucher_id"),
    NoticeKind.GRANTED: KindFacts(Topic.ARRIVED, _VOUCHER, once_per="voucher_id"),
    NoticeKind.AWARDED: KindFacts(Topic.ARRIVED, _VOUCHER, once_per="voucher_id"),
    NoticeKind.STAFF_CLAIMED: KindFacts(Topic.ARRIVED, _VOUCHER, once_per="voucher_id"),
    NoticeKind.VOUCHER_RETURNED: KindFacts(Topic.ARRIVED, _VOUCHER | {"expires_at"}),
    NoticeKind.EXPIRES_TOMORROW: KindFacts(
        Topic.EXPIRING, frozenset({"count", "face_fen", "day"}), once_per="day"
    ),
    NoticeKind.LOTTERY_WON: KindFacts(Topic.DRAWN, _VOUCHER, once_per="voucher_id"),
    NoticeKind.LOTTERY_LOST: KindFacts(
        Topic.DRAWN, _CAMPAIGN | {"release_id"}, once_per="release_id"
    ),
    NoticeKind.CAME_BACK: KindFacts(Topic.DRAWN, _CAMPAIGN | {"release_id"}),
    # Whoever did not do this themselves must hear of it at night too.
    NoticeKind.PHONE_REBOUND: KindFacts(Topic.ACCOUNT, at_once=True),
    NoticeKind.PROXY_ASKED: KindFacts(Topic.ACCOUNT),
    NoticeKind.PROXY_WITHDRAWN: KindFacts(Topic.ACCOUNT),
}

# What leaves the application unless the resident says otherwise. A text message costs public
# money, so it is kept for what cannot wait to be seen.
WANTED_BY_DEFAULT: frozenset[tuple[Topic, Way]] = frozenset(
    {
        (Topic.EXPIRING, Way.WECHAT),
        (Topic.DRAWN, Way.WECHAT),
        (Topic.DRAWN, Way.SMS),
        (Topic.ACCOUNT, Way.WECHAT),
        (Topic.ACCOUNT, Way.SMS),
    }
)
# Nobody who takes over an account may silence what its owner is told of that.
NOT_TO_BE_REFUSED: frozenset[tuple[Topic, Way]] = frozenset({(Topic.ACCOUNT, Way.SMS)})


def is_wanted(topic: Topic, way: Way, choice: bool | None) -> bool:
    """Whether notices of a topic leave on this way, given the resident's own choice, if any."""
    if choice is None or (topic, way) in NOT_TO_BE_REFUSED:
        return (topic, way) in WANTED_BY_DEFAULT
    return choice
