"""The home page of one visitor: boards of offers, most of each drawn before they came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from flask import Response, render_template, url_for
from markupsafe import Markup

from coupon_service.campaigns.models import Channel, Season
from coupon_service.core.auth import Principal
from coupon_service.core.display import large_text, page_lang
from coupon_service.core.resources import resources
from coupon_service.mobile.near import NEAR_MAX_M, Nearest, Position, nearest
from coupon_service.mobile.offers import Board, Offer, Step, by_board, own_vouchers
from coupon_service.mobile.packed import pack, packed_page, takes_gzip
from coupon_service.mobile.tickets import Style, Ticket, tickets
from coupon_service.mobile.unread import unread_badge
from coupon_service.mobile.window import Window, stores_of

OFFERS_PER_BOARD = 3
UPCOMING_SHOWN = 4
# With large type a page has few choices.
FEW = 3
EVERYTHING = "all"

# What can be had now comes first, and what cannot last.
_RANK = {
    Step.CLAIM: 0,
    Step.ROOM: 0,
    Step.DRAW: 1,
    Step.CODE: 1,
    Step.GIVEN: 2,
    Step.ELSEWHERE: 2,
    Step.USE: 3,
    Step.PAUSED: 4,
    Step.WAIT: 5,
}


@dataclass(frozen=True)
class Shelf:
    """A heading, its tickets as HTML, and how many more there are."""

    code: str
    name: str
    tickets: Sequence[Markup]
    count: int


@dataclass(frozen=True)
class Visitor:
    """What of the visitor the page depends on.

    Attributes:
        mine: their own vouchers of what is on offer, by release.
        badge: what the page says of unread notices.
    """

    may_claim: bool
    mine: Mapping[UUID, Sequence[UUID]]
    position: Position | None
    badge: str = ""

    @classmethod
    def of(cls, found: Principal | None, position: Position | None) -> Self:
        """Who asks, with what they have already."""
        if found is None:
            return cls(may_claim=False, mine={}, position=position)
        mine, unread = own_vouchers(found.id)
        return cls(found.verified, mine, position, unread_badge(unread))

    @property
    def is_usual(self) -> bool:
        """Whether many others see the same page."""
        return not self.mine and self.position is None


@dataclass(frozen=True)
class Home:
    """Everything the template says.

    Attributes:
        season: the running season, if there is exactly one.
        boards: code and name of each board with something on offer.
        chosen: the board the page is narrowed to, or `EVERYTHING`.
        next_one: the next release that opens.
        placed: the visitor said where they are.
        few: only a handful of choices.
        has_scenes: AR scenes can be opened.
    """

    season: Season | None
    boards: Sequence[tuple[str, str]]
    chosen: str | None
    shelves: Sequence[Shelf]
    upcoming: Sequence[Markup]
    next_one: Offer | None
    placed: bool
    few: bool
    has_scenes: bool
    now: datetime


def home_page(window: Window, visitor: Visitor, *, board: str | None) -> Response:
    """The page. A usual one is drawn once."""
    few = large_text()
    chosen = board if board == EVERYTHING or board in window.board_codes else None
    if not visitor.is_usual:
        return packed_page(_html(window, visitor, chosen, few))
    key = ("home", takes_gzip(), page_lang(), few, chosen, visitor.may_claim, visitor.badge)
    page = window.pages.get(key)
    if page is None:
        html = _html(window, visitor, chosen, few)
        page = window.pages[key] = pack(html) if takes_gzip() else html
    return packed_page(page)


def _html(window: Window, visitor: Visitor, chosen: str | None, few: bool) -> str:
    home = _home(window, visitor, chosen, few=few)
    return render_template("mobile/home.html", page=home, unread_badge=visitor.badge)


def _home(window: Window, visitor: Visitor, chosen: str | None, *, few: bool) -> Home:
    now = window.now
    offers = _offers(window, visitor, now)
    boards = by_board(window, sorted((o for o in offers if not o.upcoming), key=_order))
    upcoming = [
        offer
        for offer in offers
        if offer.upcoming and Channel.ONLINE in offer.release.campaign.claim_channels
    ]
    draw = _Drawing(window, may_claim=visitor.may_claim)
    if few and chosen is None:
        picked = [one.offers[0] for one in boards][:FEW]
        shelves = [Shelf("", "", draw.all(picked), len(picked))] if picked else []
    else:
        shelves = [
            _shelf(one, draw, whole=chosen is not None)
            for one in boards
            if chosen in (None, EVERYTHING, one.node.code)
        ]
    return Home(
        season=window.seasons[0] if len(window.seasons) == 1 else None,
        boards=[(one.node.code, one.node.name) for one in boards],
        chosen=chosen,
        shelves=shelves,
        upcoming=[] if few or chosen else draw.all(upcoming[:UPCOMING_SHOWN]),
        next_one=upcoming[0] if upcoming and not chosen else None,
        placed=visitor.position is not None,
        few=few,
        has_scenes=resources().settings.has_scenes,
        now=now,
    )


def _offers(window: Window, visitor: Visitor, now: datetime) -> list[Offer]:
    near: Mapping[UUID, Nearest | None] = {}
    if visitor.position is not None:
        position = visitor.position
        near = {id_: nearest(position, stores) for id_, stores in stores_of(window).items()}
    mine = visitor.mine
    return [
        Offer(one, window.left.get(one.id), mine.get(one.id, ()), now, near.get(one.campaign_id))
        for one in window.releases
        if one.closes_at > now
    ]


def _order(offer: Offer) -> tuple[int, float]:
    return _RANK.get(offer.step, len(_RANK)), offer.near.metres if offer.near else NEAR_MAX_M


def _shelf(board: Board, draw: "_Drawing", *, whole: bool) -> Shelf:
    shown = board.offers if whole else board.offers[:OFFERS_PER_BOARD]
    return Shelf(board.node.code, board.node.name, draw.all(shown), len(board.offers))


class _Drawing:
    """Draws offers as tickets; what is the same for most visitors is drawn once per window."""

    def __init__(self, window: Window, *, may_claim: bool) -> None:
        self._window = window
        self._may_claim = may_claim
        self._page = (page_lang(), large_text(), may_claim)

    def all(self, offers: Sequence[Offer]) -> list[Markup]:
        campaigns = {offer.release.campaign_id: offer.release.campaign for offer in offers}
        both: dict[bool, dict[UUID, Ticket]] = {}
        for off in {_spent(offer) for offer in offers}:
            both[off] = tickets(
                campaigns, Style(level=3, off=off), lambda ids: [campaigns[id_] for id_ in ids]
            )
        return [
            # The parts come from templates, which escape what they are given.
            Markup(  # noqa: S704
                both[_spent(offer)][offer.release.campaign_id].filled(
                    url_for("mobile.campaign", release_id=offer.release.id), self._foot(offer)
                )
            )
            for offer in offers
        ]

    def _foot(self, offer: Offer) -> str:
        if offer.voucher_ids or offer.near is not None:
            return self._drawn(offer)
        key = (offer.release.id, offer.step, *self._page)
        foot = self._window.feet.get(key)
        if foot is None:
            foot = self._window.feet[key] = self._drawn(offer)
        return foot

    def _drawn(self, offer: Offer) -> str:
        return render_template(
            "mobile/offer.html", offer=offer, release=offer.release, may_claim=self._may_claim
        )


def _spent(offer: Offer) -> bool:
    return offer.sold_out and not offer.voucher_ids
