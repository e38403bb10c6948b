"""What of a season's totals may be shown.

Counts of people's behaviour below the boards, by day and by channel are suppressed where they are
small. Money in the budget tree is not: it is public accounting, has no person in it, and must add
up on the page as it does in the ledger.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from admin.suppression import publishable
from admin.totals import NodeTotals, SeasonTotals, Tally
from coupon_service.campaigns.models import Channel, NodeLevel


@dataclass(frozen=True)
class ShownNode:
    """A budget node; counts of None are suppressed, and so are the rates made of them."""

    node_id: UUID
    parent_id: UUID | None
    level: NodeLevel
    code: str
    name: str
    tally: Tally
    issued_count: int | None
    redeemed_count: int | None
    children: Sequence["ShownNode"]

    @property
    def rate_by_count_bp(self) -> int | None:
        return None if self._hidden else self.tally.rate_by_count_bp

    @property
    def rate_by_value_bp(self) -> int | None:
        return None if self._hidden else self.tally.rate_by_value_bp

    @property
    def _hidden(self) -> bool:
        return self.issued_count is None or self.redeemed_count is None

    def walk(self) -> Iterator["ShownNode"]:
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class ShownDay:
    """A local day. Amounts in fen; they are suppressed with the count they belong to."""

    day: date
    issued_count: int | None
    redeemed_count: int | None
    redeemed_fen: int | None
    turnover_fen: int | None


@dataclass(frozen=True)
class ShownFlow:
    """Redemptions by where the voucher was claimed and where it was used."""

    claimed: Channel
    redeemed: Channel
    count: int | None


def shown_boards(totals: SeasonTotals) -> list[ShownNode]:
    """The budget tree. Boards are shown in full: a board has many thousands of people."""
    return [
        _shown(board, board.tally.issued_count, board.tally.redeemed_count)
        for board in totals.boards
    ]


def shown_nodes(totals: SeasonTotals) -> list[ShownNode]:
    """All nodes of the tree, each before those below it."""
    return [node for board in shown_boards(totals) for node in board.walk()]


def shown_days(totals: SeasonTotals) -> list[ShownDay]:
    """The days on which anything happened."""
    issued = publishable({day.day: day.issued_count for day in totals.days})
    redeemed = publishable({day.day: day.redeemed_count for day in totals.days})
    return [
        ShownDay(
            day.day,
            issued[day.day],
            redeemed[day.day],
            None if redeemed[day.day] is None else day.redeemed_fen,
            None if redeemed[day.day] is None else day.turnover_fen,
        )
        for day in totals.days
    ]


def shown_flow(totals: SeasonTotals) -> list[ShownFlow]:
    """The pairs of channels, as far as they occurred, the most used first."""
    cells = [
        ShownFlow(claimed, redeemed, count)
        for (claimed, redeemed), count in publishable(totals.flow).items()
    ]
    return sorted(cells, key=lambda cell: -(cell.count or 0))


def _shown(node: NodeTotals, issued_count: int | None, redeemed_count: int | None) -> ShownNode:
    issued = _children_counts(node, issued_count, lambda tally: tally.issued_count)
    redeemed = _children_counts(node, redeemed_count, lambda tally: tally.redeemed_count)
    return ShownNode(
        node_id=node.node_id,
        parent_id=node.parent_id,
        level=node.level,
        code=node.code,
        name=node.name,
        tally=node.tally,
        issued_count=issued_count,
        redeemed_count=redeemed_count,
        children=[
            _shown(child, issued[child.node_id], redeemed[child.node_id]) for child in node.children
        ],
    )


def _children_counts(
    node: NodeTotals, shown_count: int | None, count_of: Callable[[Tally], int]
) -> dict[UUID, int | None]:
    counts = {child.node_id: count_of(child.tally) for child in node.children}
    if shown_count is None:
        # Children in full would add up to the parent that is hidden.
        return {node_id: None if count else 0 for node_id, count in counts.items()}
    return publishable(counts)
