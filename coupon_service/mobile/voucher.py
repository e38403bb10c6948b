"""One voucher: shown at the till while it can be used, and what became of it afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import render_template, request
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.mobile.wallet import ENDING_SOON, Shelf, bp, shelf_of
from coupon_service.mobile.words import state as state_words
from coupon_service.vouchers.errors import PhoneCoolingDownError
from coupon_service.vouchers.models import PhoneKey, Voucher, VoucherState
from coupon_service.vouchers.phones import key_to_show_with, phone_of
from coupon_service.vouchers.proof import SHOWN_EVERY_S
from coupon_service.vouchers.qr import qr_svg
from coupon_service.vouchers.queries import own_voucher
from coupon_service.vouchers.show import Shown, show
from merchants.models import Store
from redemption.models import Redemption, RedemptionState

# Its route is one of the wallet's.
__all__ = ["bp"]


@dataclass(frozen=True)
class Use:
    """Where and for what a voucher was used. Amounts in fen."""

    store: str
    order_no: str
    order_fen: int
    discount_fen: int
    redeemed_at: datetime


@dataclass(frozen=True)
class Showing:
    """What there is to show. While a new phone waits, `shown` is none.

    `qr` is drawn here for the first sight of it; after that the phone draws by itself.
    """

    shown: Shown | None
    qr: Markup | None
    phone: PhoneKey | None


@bp.get("/vouchers/<uuid:voucher_id>")
@require(Kind.RESIDENT)
def voucher(voucher_id: UUID) -> str:
    """A voucher of one's own, or of somebody one may act for."""
    viewer_id = principal().id
    with transaction(resources().sessions) as session:
        now = db_now(session)
        found = own_voucher(session, viewer_id, voucher_id)
        shelf = shelf_of(found, now)
        showing = _showing(session, found, viewer_id, now) if shelf is Shelf.USABLE else None
        uses = _uses(session, voucher_id) if shelf is Shelf.USED else ()
    stale = shelf is Shelf.EXPIRED and found.state == VoucherState.ISSUED
    state = VoucherState.EXPIRED if stale else VoucherState(found.state)
    settings = resources().settings
    return render_template(
        "mobile/voucher.html",
        voucher=found,
        viewer_id=viewer_id,
        campaign=found.release.campaign,
        showing=showing,
        wait_minutes=-(-settings.phone_rebind_cooldown_s // 60),
        refresh_s=settings.token_ttl_s * 3 // 5,
        shown_every_s=SHOWN_EVERY_S,
        state=state,
        state_words=state_words(state),
        uses=uses,
        claimed=request.args.get("claimed") == "1" and showing is not None,
        just_used=request.args.get("used") == "1" and bool(uses),
        now=now,
        soon=now + ENDING_SOON,
    )


def _showing(session: Session, found: Voucher, viewer_id: UUID, now: datetime) -> Showing:
    phone = phone_of(session, viewer_id)
    try:
        shown = show(session, found, now=now, phone_key=key_to_show_with(phone, now))
    except PhoneCoolingDownError:
        return Showing(None, None, phone)
    # Drawn by this service from its own token: nothing of a visitor is in it.
    return Showing(shown, Markup(qr_svg(shown.token)), phone)  # noqa: S704


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
