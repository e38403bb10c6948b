"""Where vouchers are claimed and where they are used: traffic both ways, by local day.

On the street are a shop and an AR place; on the net are the pages and a virtual shop. A voucher
claimed on the net and used on the street has brought somebody there, and the other way round.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Date, cast, func, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Channel, Release
from coupon_service.core.clock import LOCAL_ZONE
from coupon_service.vouchers.models import Voucher
from fraud.queries import confirmed_redemptions
from redemption.models import Redemption, RedemptionState

_STREET = frozenset({Channel.ONSITE, Channel.AR})


class Direction(StrEnum):
    ONLINE_TO_OFFLINE = "online_to_offline"
    OFFLINE_TO_ONLINE = "offline_to_online"
    ONLINE = "online"  # claimed and used on the net
    OFFLINE = "offline"  # claimed and used on the street


@dataclass(frozen=True)
class FlowRow:
    """Redemptions of one local day by channels, without reversals, refunds and confirmed fraud.

    Amounts in fen: the faces of the vouchers, what they took off, and what was bought with them.
    """

    day: date
    claim_channel: Channel
    redeem_channel: Channel
    count: int
    face_fen: int
    discount_fen: int
    turnover_fen: int

    @property
    def direction(self) -> Direction:
        match self.claim_channel in _STREET, self.redeem_channel in _STREET:
            case False, True:
                return Direction.ONLINE_TO_OFFLINE
            case True, False:
                return Direction.OFFLINE_TO_ONLINE
            case True, True:
                return Direction.OFFLINE
            case _:
                return Direction.ONLINE


def flow_rows(session: Session, season_id: UUID) -> list[FlowRow]:
    """The season's redemptions, by local day and channels, in that order."""
    day = cast(func.timezone(LOCAL_ZONE.key, Redemption.redeemed_at), Date)
    fraud = confirmed_redemptions().subquery()
    keys = (day, Voucher.claim_channel, Redemption.channel)
    rows = session.execute(
        select(
            *keys,
            func.count(),
            func.sum(Campaign.face_fen),
            func.sum(Redemption.discount_fen - Redemption.refunded_discount_fen),
            func.sum(Redemption.turnover_fen - Redemption.refunded_turnover_fen),
        )
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .join(Release, Release.id == Voucher.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(
            Redemption.season_id == season_id,
            Redemption.state == RedemptionState.REDEEMED,
            Redemption.id.not_in(select(fraud.c[0])),
        )
        .group_by(*keys)
        .order_by(*keys)
    )
    return [
        FlowRow(on, Channel(claimed), Channel(used), count, *map(int, amounts))
        for on, claimed, used, count, *amounts in rows
    ]
