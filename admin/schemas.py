"""The office on the wire. Amounts in fen, rates in basis points.

A count of `null` is below ten, or would give away one that is; see `admin/suppression.py`.
"""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from admin.figures import ShownDay, ShownFlow, ShownNode, shown_days, shown_flow, shown_nodes
from admin.models import AuditEntry
from admin.suppression import SUPPRESSED_BELOW
from admin.totals import SeasonTotals, Tally
from coupon_service.campaigns.models import Season
from coupon_service.core.passwords import PASSWORD_LENGTH_MAX
from coupon_service.core.schemas import Body, View


class SignInBody(Body):
    username: Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9._-]{1,40}$")]
    password: Annotated[
        str, StringConstraints(strict=True, min_length=1, max_length=PASSWORD_LENGTH_MAX)
    ]
    code: Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{6}$")]


class OfficialView(View):
    official_id: UUID
    role: str
    district_id: UUID


class SeasonQuery(Body):
    season_id: UUID | None = Field(
        default=None, description="Without it, the running season, else the latest"
    )


class SeasonView(View):
    season_id: UUID
    code: str
    name: str
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, season: Season) -> Self:
        return cls(
            season_id=season.id,
            code=season.code,
            name=season.name,
            starts_at=season.starts_at,
            ends_at=season.ends_at,
        )


class SeasonList(View):
    seasons: list[SeasonView]


class MoneyView(View):
    """allocated = left + reserved + spent, and what merchants owe back of reversed paid orders."""

    allocated_fen: int
    left_fen: int
    reserved_fen: int
    spent_fen: int
    payable_fen: int
    held_fen: int
    in_flight_fen: int
    paid_fen: int

    @classmethod
    def of(cls, tally: Tally) -> Self:
        return cls(**{name: getattr(tally, name) for name in cls.model_fields})


class UseView(View):
    """Vouchers. Rates are of the vouchers issued, that is claimed; leverage is gross."""

    released_count: int
    issued_count: int | None
    issued_fen: int | None
    redeemed_count: int | None
    redeemed_fen: int
    redemption_rate_by_count_bp: int | None
    redemption_rate_by_value_bp: int | None


class NodeView(View):
    node_id: UUID
    parent_id: UUID | None
    level: str
    code: str
    name: str
    money: MoneyView
    use: UseView

    @classmethod
    def of(cls, node: ShownNode) -> Self:
        tally = node.tally
        return cls(
            node_id=node.node_id,
            parent_id=node.parent_id,
            level=node.level,
            code=node.code,
            name=node.name,
            money=MoneyView.of(tally),
            use=UseView(
                released_count=tally.released_count,
                issued_count=node.issued_count,
                issued_fen=None if node.issued_count is None else tally.issued_fen,
                redeemed_count=node.redeemed_count,
                redeemed_fen=tally.redeemed_fen,
                redemption_rate_by_count_bp=node.rate_by_count_bp,
                redemption_rate_by_value_bp=node.rate_by_value_bp,
            ),
        )


class DayView(View):
    day: date
    issued_count: int | None
    redeemed_count: int | None
    redeemed_fen: int | None
    turnover_fen: int | None

    @classmethod
    def of(cls, shown: ShownDay) -> Self:
        return cls(**{name: getattr(shown, name) for name in cls.model_fields})


class FlowView(View):
    """Redemptions by where the voucher was claimed and where it was used."""

    claimed: str
    redeemed: str
    count: int | None

    @classmethod
    def of(cls, shown: ShownFlow) -> Self:
        return cls(claimed=shown.claimed, redeemed=shown.redeemed, count=shown.count)


class TotalsView(View):
    """A season in numbers. The boards add up to the season, the season to the ledger."""

    season_id: UUID
    season: str
    as_of: datetime
    appropriated_fen: int
    treasury_fen: int
    owed_back_fen: int
    money: MoneyView
    released_count: int
    issued_count: int
    issued_fen: int
    redeemed_count: int
    redeemed_fen: int
    redemption_rate_by_count_bp: int | None = Field(description="redeemed ÷ issued vouchers")
    redemption_rate_by_value_bp: int | None = Field(description="discounts ÷ faces issued")
    leverage_gross_bp: int | None = Field(
        description="turnover ÷ discounts without reversals and confirmed fraud; 35500 is 3.55"
    )
    fraud_count: int
    fraud_fen: int
    suppressed_below: int = SUPPRESSED_BELOW
    nodes: list[NodeView]
    days: list[DayView]
    flow: list[FlowView]

    @classmethod
    def of(cls, totals: SeasonTotals) -> Self:
        tally = totals.tally
        return cls(
            season_id=totals.season_id,
            season=totals.season,
            as_of=totals.as_of,
            appropriated_fen=totals.appropriated_fen,
            treasury_fen=totals.treasury_fen,
            owed_back_fen=totals.owed_back_fen,
            money=MoneyView.of(tally),
            released_count=tally.released_count,
            issued_count=tally.issued_count,
            issued_fen=tally.issued_fen,
            redeemed_count=tally.redeemed_count,
            redeemed_fen=tally.redeemed_fen,
            redemption_rate_by_count_bp=tally.rate_by_count_bp,
            redemption_rate_by_value_bp=tally.rate_by_value_bp,
            leverage_gross_bp=tally.leverage_bp,
            fraud_count=tally.fraud_count,
            fraud_fen=tally.fraud_fen,
            nodes=[NodeView.of(node) for node in shown_nodes(totals)],
            days=[DayView.of(day) for day in shown_days(totals)],
            flow=[FlowView.of(flow) for flow in shown_flow(totals)],
        )


class EntryView(View):
    """An act of an official, or of the service itself, which has no id and no name."""

    seq: int
    recorded_at: datetime
    actor_kind: str
    actor_id: UUID | None
    actor: str | None
    action: str
    object_id: UUID
    details: dict[str, Any]

    @classmethod
    def of(cls, entry: AuditEntry, actor: str | None) -> Self:
        return cls(
            seq=entry.seq,
            recorded_at=entry.recorded_at,
            actor_kind=entry.actor_kind,
            actor_id=entry.actor_id,
            actor=actor,
            action=entry.action,
            object_id=entry.object_id,
            details=entry.details,
        )


class EntryList(View):
    entries: list[EntryView]
