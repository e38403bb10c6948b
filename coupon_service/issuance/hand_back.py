"""Hand back: a resident returns a voucher they have no use for; somebody else may have it."""

from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.core.errors import ForbiddenError
from coupon_service.residents.household import may_act_for
from coupon_service.residents.models import Relation
from coupon_service.vouchers.lifecycle import void
from coupon_service.vouchers.models import VoidReason, Voucher
from coupon_service.vouchers.queries import own_voucher

# They care for somebody without a phone; a grown-up relative gives nothing of another's away.
_CARING = (Relation.GUARDIAN, Relation.CARER)


def hand_back(session: Session, resident_id: UUID, voucher_id: UUID) -> UUID:
    """Cancel an unused voucher of the resident's own, or of somebody they care for.

    Its value goes back to the budget node, and on to whoever waits for the release. The holder's
    count of that release stays used. Returns the release's id.

    Raises:
        VoucherNotFoundError: it is not theirs to see.
        ForbiddenError: it is not theirs to give away.
        VoucherStateError: it is used, expired or cancelled already.
    """
    voucher = own_voucher(session, resident_id, voucher_id)
    if not may_hand_back(session, resident_id, voucher):
        raise ForbiddenError
    void(session, voucher.id, VoidReason.RETURNED)
    return voucher.release_id


def may_hand_back(session: Session, resident_id: UUID, voucher: Voucher) -> bool:
    """Whether the voucher is theirs to give away."""
    return (
        voucher.resident_id == resident_id
        or may_act_for(session, resident_id, voucher.resident_id) in _CARING
    )
