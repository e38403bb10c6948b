"""Begin: a resident at an anchor says what a proof of presence shall bring."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.core.ids import new_id
from coupon_service.vouchers.queries import own_voucher
from redemption.ar.errors import ArAnchorClosedError, ArIntentMismatchError
from redemption.ar.models import ArOutcome, ArSession, ArSessionState
from redemption.ar.opening import is_open
from redemption.ar.queries import anchor_or_404

SESSION_TTL = timedelta(minutes=10)
_NONCE_BYTES = 24


@dataclass(frozen=True)
class BeginCommand:
    """What the resident intends. `voucher_id` and `order_fen` belong to redeem anchors only."""

    resident_id: UUID
    anchor_id: UUID
    voucher_id: UUID | None
    order_fen: int | None


def begin(session: Session, command: BeginCommand, *, now: datetime) -> ArSession:
    """Store a one-time intent, good for `SESSION_TTL`; its anchor is loaded.

    Raises:
        ArAnchorUnknownError: no such anchor, or its provider is switched off.
        ArAnchorClosedError: out of the anchor's hours, or of its days.
        ArIntentMismatchError: voucher and order do not fit the anchor's outcome.
        VoucherNotFoundError: the voucher is not this resident's.
    """
    anchor = anchor_or_404(session, command.anchor_id)
    if not is_open(anchor, now):
        raise ArAnchorClosedError
    given = (command.voucher_id is not None, command.order_fen is not None)
    if given != ((True, True) if anchor.outcome == ArOutcome.REDEEM else (False, False)):
        raise ArIntentMismatchError
    if command.voucher_id is not None:
        own_voucher(session, command.resident_id, command.voucher_id)
    begun = ArSession(
        id=new_id(),
        nonce=token_urlsafe(_NONCE_BYTES),
        anchor=anchor,
        resident_id=command.resident_id,
        voucher_id=command.voucher_id,
        order_fen=command.order_fen,
        state=ArSessionState.OPEN,
        created_at=now,
        expires_at=now + SESSION_TTL,
    )
    session.add(begun)
    session.flush()
    return begun
