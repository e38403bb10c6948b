"""One voucher: shown at the till while it can be used, and what became of it afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from flask import render_template, request
from markupsafe import Markup
from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Release
from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.db import transaction
from coupon_service.core.display import epoch_ms, local_time, local_until, spoken_time
from coupon_service.core.one_statement import OneStatement
from coupon_service.core.resources import resources
from coupon_service.mobile.shell import fill
from coupon_service.mobile.unread import count_unread, unread_badge
from coupon_service.mobile.wallet import ENDING_SOON, Shelf, bp, shelf_of
from coupon_service.mobile.words import state as state_words
from coupon_service.residents.household import may_act_for
from coupon_service.vouchers.errors import VoucherNotFoundError
from coupon_service.vouchers.keys import current_keyring
from coupon_service.vouchers.models import PhoneKey, Voucher, VoucherState
from coupon_service.vouchers.proof import SHOWN_EVERY_S
from coupon_service.vouchers.qr import qr_svg
from coupon_service.vouchers.show import show_facts
from coupon_service.vouchers.token import NO_PHONE, VoucherFacts
from merchants.models import Store
from redemption.challenge import GOOD_FOR_S
from redemption.models import Order, Redemption, RedemptionState

# Its route is one of the wallet's.
__all__ = ["bp"]


class Seen(NamedTuple):
    """A voucher, and the phone of whoever looks at it. Amounts in fen.

    Attributes:
        unread: how many notices the viewer has not seen.
    """

    now: datetime
    unread: int
    id: UUID
    resident_id: UUID
    state: str
    valid_from: datetime
    expires_at: datetime
    claimed_at: datetime
    seat: int
    release_id: UUID
    release_number: int
    campaign_id: UUID
    face_fen: int
    threshold_fen: int
    phone_key: bytes | None
    phone_usable_from: datetime | None


@dataclass(frozen=True)
class Use:
    """Where and for what a voucher was used. Amounts in fen."""

    store: str
    order_no: str
    order_fen: int
    discount_fen: int
    redeemed_at: datetime


_VOUCHERS, _RELEASES, _CAMPAIGNS, _PHONES = (
    one.__table__.c for one in (Voucher, Release, Campaign, PhoneKey)
)
# Everything of the page that differs from voucher to voucher, in one round trip.
_SEEN = OneStatement(
    select(
        func.clock_timestamp(),
        count_unread("viewer_id"),
        _VOUCHERS.id,
        _VOUCHERS.resident_id,
        _VOUCHERS.state,
        _VOUCHERS.valid_from,
        _VOUCHERS.expires_at,
        _VOUCHERS.claimed_at,
        _VOUCHERS.seat,
        _RELEASES.id,
        _RELEASES.number,
        _CAMPAIGNS.id,
        _CAMPAIGNS.face_fen,
        _CAMPAIGNS.threshold_fen,
        _PHONES.public_key,
        _PHONES.usable_from,
    )
    .select_from(Voucher.__table__)
    .join(Release.__table__, _RELEASES.id == _VOUCHERS.release_id)
    .join(Campaign.__table__, _CAMPAIGNS.id == _RELEASES.campaign_id)
    .outerjoin(
        PhoneKey.__table__,
        and_(_PHONES.resident_id == bindparam("viewer_id"), _PHONES.revoked_at.is_(None)),
    )
    .where(_VOUCHERS.id == bindparam("voucher_id"))
)


@bp.get("/vouchers/<uuid:voucher_id>")
@require(Kind.RESIDENT)
def voucher(voucher_id: UUID) -> str:
    """A voucher of one's own, or of somebody one may act for."""
    viewer_id = principal().id
    found = _SEEN.rows(viewer_id=viewer_id, voucher_id=voucher_id)
    if not found:
        raise VoucherNotFoundError
    seen = Seen(*found[0])
    if seen.resident_id != viewer_id:
        with transaction(resources().sessions) as session:
            if not may_act_for(session, viewer_id, seen.resident_id):
                raise VoucherNotFoundError
    shelf = shelf_of(seen, seen.now)
    return _usable(seen, viewer_id) if shelf is Shelf.USABLE else _over(seen, shelf)


def _usable(seen: Seen, viewer_id: UUID) -> str:
    """The code to be scanned; while a new phone waits there is none yet.

    It is drawn here for the first sight of it; after that the phone draws by itself.
    """
    cooling = seen.phone_usable_from is not None and seen.phone_usable_from > seen.now
    gaps = _gaps(seen) | {"viewer_id": str(viewer_id)}
    if seen.phone_key is not None and seen.phone_usable_from is not None:
        gaps["phone_key"] = seen.phone_key.hex()
        gaps["phone_usable_from"] = str(epoch_ms(seen.phone_usable_from))
    if not cooling:
        facts = VoucherFacts(
            voucher_id=seen.id,
            release_number=seen.release_number,
            face_fen=seen.face_fen,
            threshold_fen=seen.threshold_fen,
            not_before=seen.valid_from,
            expires_at=seen.expires_at,
            phone_key=seen.phone_key or NO_PHONE,
        )
        shown = show_facts(current_keyring(), facts, seen.seat, now=seen.now)
        code = shown.typed_code
        gaps["typed_code"] = f"{code[:4]} {code[4:8]} {code[8:]}"
        gaps["token"] = shown.token
        gaps["good_until"] = str(epoch_ms(shown.token_expires_at))
        # Drawn by this service from its own token: nothing of a visitor is in it.
        gaps["qr"] = Markup(qr_svg(shown.token))  # noqa: S704
    if seen.valid_from > seen.now:
        gaps["usable_from"] = spoken_time(seen.valid_from, seen.now)
    return fill(
        "mobile/voucher.html",
        gaps,
        about=seen.campaign_id,
        load=lambda: _terms(seen.campaign_id),
        showing=True,
        shown=not cooling,
        has_phone=seen.phone_key is not None,
        early=seen.valid_from > seen.now,
        ending=seen.expires_at <= seen.now + ENDING_SOON,
        claimed=request.args.get("claimed") == "1",
        has_unread=seen.unread > 0,
    )


def _over(seen: Seen, shelf: Shelf) -> str:
    """What became of it."""
    uses: Sequence[Use] = ()
    if shelf is Shelf.USED:
        with transaction(resources().sessions) as session:
            uses = _uses(session, seen.id)
    stale = shelf is Shelf.EXPIRED and seen.state == VoucherState.ISSUED
    state = VoucherState.EXPIRED if stale else VoucherState(seen.state)
    return render_template(
        "mobile/voucher.html",
        gap=_gaps(seen),
        **_terms(seen.campaign_id),
        showing=False,
        state=state,
        state_words=state_words(state),
        uses=uses,
        just_used=request.args.get("used") == "1" and bool(uses),
        has_unread=seen.unread > 0,
    )


def _gaps(seen: Seen) -> dict[str, str]:
    return {
        "unread": unread_badge(seen.unread),
        "voucher_id": str(seen.id),
        "release_id": str(seen.release_id),
        "seat": str(seen.seat),
        "valid_from": local_time(seen.valid_from),
        "valid_until": local_until(seen.expires_at),
        "claimed_at": local_time(seen.claimed_at, "full"),
    }


def _terms(campaign_id: UUID) -> Mapping[str, Any]:
    """What the page says of every voucher of a campaign."""
    settings = resources().settings
    with transaction(resources().sessions) as session:
        campaign = session.get_one(Campaign, campaign_id)
    return {
        "campaign": campaign,
        "wait_minutes": -(-settings.phone_rebind_cooldown_s // 60),
        "refresh_s": settings.token_ttl_s * 3 // 5,
        "shown_every_s": SHOWN_EVERY_S,
        "is_large": campaign.face_fen >= settings.challenge_from_fen,
        "challenge_good_for_s": GOOD_FOR_S,
    }


def _uses(session: Session, voucher_id: UUID) -> Sequence[Use]:
    rows = session.execute(
        select(
            Store.name,
            Order.order_no,
            Order.order_fen,
            Redemption.discount_fen,
            Redemption.redeemed_at,
        )
        .join(Order, Order.id == Redemption.order_id)
        .join(Store, Store.id == Redemption.store_id)
        .where(Redemption.voucher_id == voucher_id, Redemption.state == RedemptionState.REDEEMED)
    )
    return [Use(*row) for row in rows]
