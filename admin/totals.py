"""A season in numbers: what each means, and how they add up.

- allocated: what came down to a node. left: what it has neither reserved nor spent.
- reserved: kept for vouchers in people's hands and seats still to be claimed.
- spent: discounts of redemptions that were not reversed, wherever that money stands now.
- issued: vouchers claimed, void ones out. redeemed: of those, used and not reversed.
- redemption rate by count: redeemed ÷ issued vouchers; by value: discounts ÷ faces issued.
- leverage, gross: turnover ÷ discounts, without reversals and confirmed fraud. Turnover counts the
  order after the merchant's own discount. What would have been spent anyway is not taken off.

For the season and for every node: allocated = left + reserved + spent + owed back by merchants,
the last only where a paid redemption was reversed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from admin.queries import (
    ClaimCell,
    RedemptionCell,
    ReleaseFacts,
    allocated_fen,
    claim_cells,
    nodes_of,
    published_releases,
    redemption_cells,
    spent_fen,
)
from coupon_service.campaigns.models import BudgetNode, Channel, NodeLevel, Season
from coupon_service.core.money import BASIS_POINTS, share_half_up
from coupon_service.ledger.models import AccountKind
from coupon_service.ledger.queries import balances_fen


@dataclass
class Tally:
    """Counts and amounts of a season or of a node with everything below it. Amounts in fen."""

    allocated_fen: int = 0
    left_fen: int = 0
    reserved_fen: int = 0
    payable_fen: int = 0
    held_fen: int = 0
    in_flight_fen: int = 0
    paid_fen: int = 0
    released_count: int = 0
    issued_count: int = 0
    issued_fen: int = 0
    redeemed_count: int = 0
    redeemed_fen: int = 0
    turnover_fen: int = 0
    fraud_count: int = 0
    fraud_fen: int = 0
    fraud_turnover_fen: int = 0

    @property
    def spent_fen(self) -> int:
        return self.payable_fen + self.held_fen + self.in_flight_fen + self.paid_fen

    @property
    def rate_by_count_bp(self) -> int | None:
        return _rate_bp(self.redeemed_count, self.issued_count)

    @property
    def rate_by_value_bp(self) -> int | None:
        return _rate_bp(self.redeemed_fen, self.issued_fen)

    @property
    def leverage_bp(self) -> int | None:
        """Turnover per fen of subsidy, gross: 35,500 means 3.55 to 1."""
        return _rate_bp(
            self.turnover_fen - self.fraud_turnover_fen, self.redeemed_fen - self.fraud_fen
        )

    def add(self, other: "Tally") -> None:
        """Take another tally in, all but what was allocated: levels would count it again."""
        for name in _ADDITIVE:
            setattr(self, name, getattr(self, name) + getattr(other, name))


_ADDITIVE = [name for name in Tally.__dataclass_fields__ if name != "allocated_fen"]


@dataclass
class NodeTotals:
    """A node of the budget tree; its tally covers everything below it."""

    node_id: UUID
    parent_id: UUID | None
    level: NodeLevel
    code: str
    name: str
    tally: Tally = field(default_factory=Tally)
    children: list["NodeTotals"] = field(default_factory=list)

    def walk(self) -> Iterable["NodeTotals"]:
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass
class DayTotals:
    """One local day. Amounts in fen."""

    day: date
    issued_count: int = 0
    redeemed_count: int = 0
    redeemed_fen: int = 0
    turnover_fen: int = 0


@dataclass(frozen=True)
class SeasonTotals:
    """Everything the overview shows.

    Attributes:
        appropriated_fen: the public money granted to the season.
        treasury_fen: what has not come down to a board yet.
        owed_back_fen: paid redemptions that were reversed, not netted yet.
        flow: redemptions by where the voucher was claimed and where it was used.
    """

    season_id: UUID
    season: str
    as_of: datetime
    appropriated_fen: int
    treasury_fen: int
    owed_back_fen: int
    tally: Tally
    boards: Sequence[NodeTotals]
    days: Sequence[DayTotals]
    flow: Mapping[tuple[Channel, Channel], int]

    def nodes(self) -> Iterable[NodeTotals]:
        """All nodes, each before those below it."""
        for board in self.boards:
            yield from board.walk()


def season_totals(session: Session, season: Season, now: datetime) -> SeasonTotals:
    """The numbers of a season at this moment.

    Call it in a transaction that `queries.freeze` began, or statements may see different moments.
    """
    kinds = [
        AccountKind.APPROPRIATION,
        AccountKind.TREASURY,
        AccountKind.BUDGET,
        AccountKind.RESERVED,
        AccountKind.MERCHANT_DEBIT,
    ]
    balances = balances_fen(session, season.id, kinds)
    releases = {facts.release_id: facts for facts in published_releases(session, season.id)}
    claims = claim_cells(session, season.id)
    redemptions = redemption_cells(session, season.id)

    nodes = _own_tallies(nodes_of(session, season.id))
    for node_id, amount_fen in allocated_fen(session, season.id).items():
        nodes[node_id].tally.allocated_fen = amount_fen
    for (kind, owner_id), amount_fen in balances.items():
        if kind is AccountKind.BUDGET:
            nodes[owner_id].tally.left_fen += amount_fen
        elif kind is AccountKind.RESERVED:
            nodes[releases[owner_id].node_id].tally.reserved_fen += amount_fen
    for (release_id, standing), amount_fen in spent_fen(session, season.id).items():
        tally = nodes[releases[release_id].node_id].tally
        name = f"{standing}_fen"
        setattr(tally, name, getattr(tally, name) + amount_fen)
    _count(nodes, releases, claims, redemptions)
    boards = _tree(nodes)

    whole = Tally(allocated_fen=sum(board.tally.allocated_fen for board in boards))
    for board in boards:
        whole.add(board.tally)
    return SeasonTotals(
        season_id=season.id,
        season=season.name,
        as_of=now,
        appropriated_fen=-_sum(balances, AccountKind.APPROPRIATION),
        treasury_fen=_sum(balances, AccountKind.TREASURY),
        owed_back_fen=_sum(balances, AccountKind.MERCHANT_DEBIT),
        tally=whole,
        boards=boards,
        days=_days(claims, redemptions),
        flow=_flow(redemptions),
    )


def _own_tallies(nodes: Sequence[BudgetNode]) -> dict[UUID, NodeTotals]:
    return {
        node.id: NodeTotals(node.id, node.parent_id, NodeLevel(node.level), node.code, node.name)
        for node in nodes
    }


def _count(
    nodes: Mapping[UUID, NodeTotals],
    releases: Mapping[UUID, ReleaseFacts],
    claims: Sequence[ClaimCell],
    redemptions: Sequence[RedemptionCell],
) -> None:
    for facts in releases.values():
        nodes[facts.node_id].tally.released_count += facts.quantity
    for claim in claims:
        facts = releases[claim.release_id]
        tally = nodes[facts.node_id].tally
        tally.issued_count += claim.count
        tally.issued_fen += claim.count * facts.face_fen
    for cell in redemptions:
        tally = nodes[cell.node_id].tally
        tally.redeemed_count += cell.count
        tally.redeemed_fen += cell.discount_fen
        tally.turnover_fen += cell.order_fen
        if cell.is_fraud:
            tally.fraud_count += cell.count
            tally.fraud_fen += cell.discount_fen
            tally.fraud_turnover_fen += cell.order_fen


def _tree(nodes: Mapping[UUID, NodeTotals]) -> list[NodeTotals]:
    """Hang the nodes under their parents and add each up into those above it."""
    boards = []
    for node in nodes.values():
        if node.parent_id is None:
            boards.append(node)
        else:
            nodes[node.parent_id].children.append(node)
    for board in boards:
        _add_up(board)
    return boards


def _add_up(node: NodeTotals) -> None:
    for child in node.children:
        _add_up(child)
        node.tally.add(child.tally)


def _days(claims: Sequence[ClaimCell], redemptions: Sequence[RedemptionCell]) -> list[DayTotals]:
    """The days on which anything happened, in order."""
    days: dict[date, DayTotals] = {}

    def on(day: date) -> DayTotals:
        return days.setdefault(day, DayTotals(day))

    for claim in claims:
        on(claim.day).issued_count += claim.count
    for cell in redemptions:
        day = on(cell.day)
        day.redeemed_count += cell.count
        day.redeemed_fen += cell.discount_fen
        day.turnover_fen += cell.order_fen
    return [days[day] for day in sorted(days)]


def _flow(redemptions: Sequence[RedemptionCell]) -> dict[tuple[Channel, Channel], int]:
    flow: defaultdict[tuple[Channel, Channel], int] = defaultdict(int)
    for cell in redemptions:
        flow[Channel(cell.claim_channel), Channel(cell.channel)] += cell.count
    return dict(sorted(flow.items()))


def _sum(balances: Mapping[tuple[AccountKind, UUID], int], kind: AccountKind) -> int:
    return sum(amount_fen for (found, _), amount_fen in balances.items() if found is kind)


def _rate_bp(part: int, whole: int) -> int | None:
    """`part ÷ whole` in basis points, rounded half up; none of nothing is no rate."""
    return share_half_up(BASIS_POINTS, part, whole) if whole else None
