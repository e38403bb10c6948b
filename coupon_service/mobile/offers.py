"""What is offered to one visitor: of each release, the one thing they can do about it now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from sqlalchemy import bindparam, or_, select, true
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import BudgetNode, Channel, Mode, Release, ReleaseState
from coupon_service.campaigns.queries import PUBLISHED
from coupon_service.core.one_statement import OneStatement
from coupon_service.issuance.gate import gate
from coupon_service.mobile.near import Nearest
from coupon_service.mobile.unread import count_unread
from coupon_service.mobile.window import Window
from coupon_service.vouchers.models import Voucher

# From then on the waiting room is open.
ROOM_OPENS_AHEAD = timedelta(minutes=30)

_GIVEN = frozenset({Mode.GRANT, Mode.AWARD, Mode.STAFF})
_OWN = (
    select(Voucher.release_id, Voucher.id)
    .where(Voucher.resident_id == bindparam("resident_id"))
    .order_by(Voucher.ordinal)
)
_OWN_OF_ONE = _OWN.where(Voucher.release_id == bindparam("release_id"))
_VOUCHERS, _RELEASES = (one.__table__.c for one in (Voucher, Release))
_ON_OFFER = (
    select(_VOUCHERS.release_id, _VOUCHERS.id, _VOUCHERS.ordinal)
    .join(Release.__table__, _RELEASES.id == _VOUCHERS.release_id)
    .where(
        _VOUCHERS.resident_id == bindparam("resident_id"),
        or_(*(_RELEASES.state == state.value for state in PUBLISHED)),
    )
    .subquery()
)
# The count comes even if there is no voucher.
_UNREAD = select(count_unread("resident_id").label("unread")).subquery()
_OWN_ON_OFFER = OneStatement(
    select(_UNREAD.c.unread, _ON_OFFER.c.release_id, _ON_OFFER.c.id)
    .select_from(_UNREAD.outerjoin(_ON_OFFER, true()))
    .order_by(_ON_OFFER.c.ordinal)
)


class Step(StrEnum):
    """What a visitor can do about a release."""

    CLAIM = "claim"
    ROOM = "room"  # go to the waiting room
    DRAW = "draw"  # enter the lottery
    CODE = "code"  # type a code
    WAIT = "wait"  # sold out: queue for what comes back
    LATER = "later"  # it has not opened
    USE = "use"  # it is theirs already
    PAUSED = "paused"
    GIVEN = "given"  # nothing: it comes by itself
    ELSEWHERE = "elsewhere"  # not on this phone
    OVER = "over"


@dataclass(frozen=True)
class Offer:
    """One release as one visitor sees it.

    Attributes:
        left: seats nobody has, as far as the gate knows.
        voucher_ids: the visitor's own vouchers of it, the first claimed first.
        near: the nearest store where it can be used, if the visitor said where they are.
    """

    release: Release
    left: int | None
    voucher_ids: Sequence[UUID]
    now: datetime
    near: Nearest | None = None

    @property
    def upcoming(self) -> bool:
        return self.release.opens_at > self.now

    @property
    def sold_out(self) -> bool:
        return self.left == 0

    @property
    def over(self) -> bool:
        return self.release.closes_at <= self.now or self.release.state == ReleaseState.CLOSED

    @property
    def next_ordinal(self) -> int | None:
        """The visitor's next coupon of this release; None when they have all they may."""
        had = len(self.voucher_ids)
        return had + 1 if had < self.release.campaign.per_person else None

    @cached_property
    def step(self) -> Step:
        """The one thing to do now; a claim decides for itself."""
        if self.over:
            return Step.OVER
        if self.next_ordinal is None:
            return Step.USE
        if self.release.state == ReleaseState.PAUSED:
            return Step.PAUSED
        return self._step_by_mode() or self._step_by_time()

    def _step_by_mode(self) -> Step | None:
        match self.release.mode:
            case Mode.LOTTERY:
                return Step.DRAW
            case Mode.CODE:
                return Step.LATER if self.upcoming else Step.CODE
            case mode if mode in _GIVEN:
                return Step.GIVEN
        if Channel.ONLINE not in self.release.campaign.claim_channels:
            return Step.ELSEWHERE
        return None

    def _step_by_time(self) -> Step:
        if self.sold_out:
            return Step.USE if self.voucher_ids else Step.WAIT
        if self.release.waiting_room and self.now >= self.release.opens_at - ROOM_OPENS_AHEAD:
            return Step.ROOM
        return Step.LATER if self.upcoming else Step.CLAIM


@dataclass(frozen=True)
class Board:
    """A board of the season and what is offered from it."""

    node: BudgetNode
    offers: Sequence[Offer]


def own_vouchers(resident_id: UUID) -> tuple[Mapping[UUID, Sequence[UUID]], int]:
    """The resident's vouchers of published releases, by release; and how many unread notices."""
    mine: dict[UUID, list[UUID]] = {}
    unread = 0
    for unread_count, release_id, voucher_id in _OWN_ON_OFFER.rows(resident_id=resident_id):
        unread = unread_count
        if voucher_id is not None:
            mine.setdefault(release_id, []).append(voucher_id)
    return mine, unread


def one_offer(session: Session, release: Release, resident_id: UUID | None, now: datetime) -> Offer:
    """One release, whatever its state."""
    asked = {"resident_id": resident_id, "release_id": release.id}
    mine = session.execute(_OWN_OF_ONE, asked).all() if resident_id else ()
    left = gate().left([release.id])
    return Offer(release, left.get(release.id), [voucher_id for _, voucher_id in mine], now)


def by_board(window: Window, offers: Iterable[Offer]) -> list[Board]:
    """Offers under their boards, in the boards' order; boards without any are left out."""
    nodes: dict[UUID, BudgetNode] = {}
    grouped: dict[UUID, list[Offer]] = {}
    for offer in offers:
        node = window.boards[offer.release.campaign.node_id]
        nodes[node.id] = node
        grouped.setdefault(node.id, []).append(offer)
    order = sorted(nodes.values(), key=lambda node: (node.season_id, node.position, node.code))
    return [Board(node, grouped[node.id]) for node in order]
