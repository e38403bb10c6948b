"""The wallet: every voucher of one resident on three shelves."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, Protocol
from uuid import UUID

from flask import Blueprint, render_template, request
from sqlalchemy import bindparam, func, select

from coupon_service.campaigns.models import Campaign, Release
from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import local_date
from coupon_service.core.db import transaction
from coupon_service.core.display import page_lang
from coupon_service.core.one_statement import OneStatement
from coupon_service.core.resources import resources
from coupon_service.mobile.shell import fill
from coupon_service.mobile.tickets import Style, read_campaigns, tickets
from coupon_service.mobile.unread import count_unread, unread_badge
from coupon_service.vouchers.models import Voucher, VoucherState
from coupon_service.vouchers.queries import WALLET_MAX

# Less than this left is worth a warning.
ENDING_SOON = timedelta(hours=24)

_MOMENT = timedelta(microseconds=1)
_FEET_KEPT = 4_096

bp = Blueprint("mobile_wallet", __name__)


class Shelf(StrEnum):
    """The three shelves of the wallet."""

    USABLE = "usable"
    USED = "used"
    EXPIRED = "expired"


class Kept(NamedTuple):
    """A voucher in the wallet."""

    id: UUID
    state: str
    valid_from: datetime
    expires_at: datetime
    redeemed_at: datetime | None
    campaign_id: UUID


# Put together once, on tables and not on entities, which would be made and thrown away. It asks for
# the time and the notices too, so that a wallet is one round trip.
_VOUCHERS, _RELEASES = (one.__table__.c for one in (Voucher, Release))
_KEPT = OneStatement(
    select(
        func.clock_timestamp(),
        count_unread("resident_id"),
        _VOUCHERS.id,
        _VOUCHERS.state,
        _VOUCHERS.valid_from,
        _VOUCHERS.expires_at,
        _VOUCHERS.redeemed_at,
        _RELEASES.campaign_id,
    )
    .where(
        _VOUCHERS.release_id == _RELEASES.id,
        _VOUCHERS.resident_id == bindparam("resident_id"),
    )
    .order_by(_VOUCHERS.claimed_at.desc(), _VOUCHERS.id.desc())
    .limit(WALLET_MAX)
)


class Stored(Protocol):
    """What tells a voucher's shelf."""

    @property
    def state(self) -> str: ...

    @property
    def expires_at(self) -> datetime: ...


def shelf_of(voucher: Stored, now: datetime) -> Shelf:
    """Where a voucher lies; one whose time is over is not usable even before a job marks it."""
    if voucher.state == VoucherState.REDEEMED:
        return Shelf.USED
    if voucher.state == VoucherState.ISSUED and voucher.expires_at > now:
        return Shelf.USABLE
    return Shelf.EXPIRED


@bp.get("/wallet")
@require(Kind.RESIDENT)
def wallet() -> str:
    """The resident's vouchers: usable, used, expired."""
    wanted = request.args.get("shelf", Shelf.USABLE)
    shelf = Shelf(wanted) if wanted in list(Shelf) else Shelf.USABLE
    unread = 0
    shelves: dict[Shelf, list[tuple[Kept, datetime]]] = {key: [] for key in Shelf}
    for now, unread_count, *columns in _KEPT.rows(resident_id=principal().id):
        unread = unread_count
        kept = Kept(*columns)
        shelves[shelf_of(kept, now)].append((kept, now))
    shown = shelves[shelf]
    style = Style(level=2, off=shelf is not Shelf.USABLE)
    drawn = tickets({kept.campaign_id for kept, _ in shown}, style, _campaigns)
    if shelf is Shelf.USABLE:
        shown.sort(key=lambda pair: pair[0].expires_at)  # what ends first is needed first
    language = page_lang()
    gaps = {key.value: str(len(lying)) for key, lying in shelves.items()}
    gaps["tickets"] = "\n".join(
        drawn[kept.campaign_id].filled(f"/vouchers/{kept.id}", _foot_of(kept, shelf, now, language))
        for kept, now in shown
    )
    gaps["unread"] = unread_badge(unread)
    return fill(
        "mobile/wallet.html", gaps, shelf=shelf.value, empty=not shown, has_unread=unread > 0
    )


def _campaigns(ids: list[UUID]) -> Iterable[Campaign]:
    with transaction(resources().sessions) as session:
        return read_campaigns(session)(ids)


def _foot_of(kept: Kept, shelf: Shelf, now: datetime, language: str) -> str:
    if shelf is Shelf.USABLE and kept.valid_from > now:
        return _foot("early", kept.valid_from, local_date(now), language)
    if shelf is Shelf.EXPIRED and kept.state == VoucherState.VOID:
        return _foot("void", kept.expires_at, None, language)
    if kept.redeemed_at is not None:
        return _foot("used", kept.redeemed_at, None, language)
    return _foot(shelf.value, kept.expires_at, local_date(now), language)


@lru_cache(_FEET_KEPT)
def _foot(kind: str, moment: datetime, today: date | None, _language: str) -> str:
    """What is said below a voucher, drawn once for all of which the same is said that day."""
    days = (local_date(moment - _MOMENT) - today).days if today else None
    return render_template("mobile/wallet_foot.html", kind=kind, moment=moment, days=days)
