"""The wallet, and one voucher as it is shown at the till."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from flask import Blueprint, render_template, request
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.mobile.words import state as state_words
from coupon_service.vouchers.models import Voucher, VoucherState
from coupon_service.vouchers.qr import qr_svg
from coupon_service.vouchers.queries import own_voucher
from coupon_service.vouchers.queries import wallet as all_vouchers
from coupon_service.vouchers.show import show
from merchants.models import Store
from redemption.models import Redemption, RedemptionState

# Less than this left is worth a warning.
ENDING_SOON = timedelta(hours=24)

bp = Blueprint("mobile_wallet", __name__)


class Shelf(StrEnum):
    """The three shelves of the wallet."""

    USABLE = "usable"
    USED = "used"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Use:
    """Where and for what a voucher was used. Amounts in fen."""

    store: str
    order_no: str
    order_fen: int
    discount_fen: int
    redeemed_at: datetime


def shelf_of(voucher: Voucher, now: datetime) -> Shelf:
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
    with transaction(resources().sessions) as session:
        now = db_now(session)
        vouchers = all_vouchers(session, principal().id)
    shelves: dict[Shelf, list[Voucher]] = {key: [] for key in Shelf}
    for voucher in vouchers:
        shelves[shelf_of(voucher, now)].append(voucher)
    # What ends first is needed first.
    shelves[Shelf.USABLE].sort(key=lambda voucher: voucher.expires_at)
    return render_template(
        "mobile/wallet.html", shelves=shelves, shelf=shelf, now=now, soon=now + ENDING_SOON
    )


@bp.get("/vouchers/<uuid:voucher_id>")
@require(Kind.RESIDENT)
def voucher(voucher_id: UUID) -> str:
    """One voucher: its code while it can be used, what became of it afterwards."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        found = own_voucher(session, principal().id, voucher_id)
        shelf = shelf_of(found, now)
        shown = show(session, found, now=now) if shelf is Shelf.USABLE else None
        uses = _uses(session, voucher_id) if shelf is Shelf.USED else ()
    stale = shelf is Shelf.EXPIRED and found.state == VoucherState.ISSUED
    state = VoucherState.EXPIRED if stale else VoucherState(found.state)
    return render_template(
        "mobile/voucher.html",
        voucher=found,
        campaign=found.release.campaign,
        shown=shown,
        # Drawn by this service from its own token: nothing of a visitor is in it.
        qr=Markup(qr_svg(shown.token)) if shown else None,  # noqa: S704
        refresh_s=resources().settings.token_ttl_s * 3 // 5,
        state=state,
        state_words=state_words(state),
        uses=uses,
        claimed=request.args.get("claimed") == "1" and shown is not None,
        now=now,
        soon=now + ENDING_SOON,
    )


def _uses(session: Session, voucher_id: UUID) -> Sequence[Use]:
    rows = session.execute(
        select(
            Store.name,
            Redemption.order_no,
            Redemption.order_fen,
            Redemption.discount_fen,
            Redemption.redeemed_at,
        )
        .join(Store, Store.id == Redemption.store_id)
        .where(Redemption.voucher_id == voucher_id, Redemption.state == RedemptionState.REDEEMED)
    )
    return [Use(*row) for row in rows]
