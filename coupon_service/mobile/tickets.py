"""Tickets, drawn once: published terms do not change, so neither does most of a ticket.

A wallet or a home page has dozens of them, and drawing them anew for each visitor would be most of
the work. What differs from visitor to visitor, the address and the foot, is filled in.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from flask import current_app, render_template
from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign
from coupon_service.core.display import page_lang

_KEPT_MAX = 4_000
_DRAWN = "mobile.tickets"
# Neither can be in a campaign's texts: PostgreSQL keeps no NUL, and HTML has none.
_ADDRESS, _FOOT = "\x00", "\x01"


@dataclass(frozen=True)
class Ticket:
    """The three fixed parts of a ticket's HTML."""

    before_address: str
    before_foot: str
    end: str

    def filled(self, address: str, foot: str) -> str:
        """The whole ticket. Both arguments are HTML already."""
        return f"{self.before_address}{address}{self.before_foot}{foot}{self.end}"


@dataclass(frozen=True)
class Style:
    """How a page draws its tickets: `off` without colour, and at which level of headings."""

    level: int
    off: bool = False


def tickets(
    campaign_ids: Collection[UUID], style: Style, load: Callable[[list[UUID]], Iterable[Campaign]]
) -> dict[UUID, Ticket]:
    """A ticket for each campaign; `load` reads those that have not been drawn yet."""
    drawn: dict[tuple[UUID, Style, str], Ticket] = current_app.extensions.setdefault(_DRAWN, {})
    language = page_lang()
    missing = [id_ for id_ in campaign_ids if (id_, style, language) not in drawn]
    if missing:
        if len(drawn) > _KEPT_MAX:
            drawn.clear()
        for campaign in load(missing):
            drawn[campaign.id, style, language] = _draw(campaign, style)
    return {id_: drawn[id_, style, language] for id_ in campaign_ids}


def read_campaigns(session: Session) -> Callable[[list[UUID]], Iterable[Campaign]]:
    """A `load` for `tickets` that asks the database."""
    return lambda ids: session.scalars(select(Campaign).where(Campaign.id.in_(ids))).all()


def _draw(campaign: Campaign, style: Style) -> Ticket:
    html = render_template(
        "mobile/ticket.html", campaign=campaign, style=style, address=_ADDRESS, foot=_FOOT
    )
    before_address, _, rest = html.partition(_ADDRESS)
    before_foot, _, end = rest.partition(_FOOT)
    return Ticket(before_address, before_foot, end)
