"""Print a paper voucher at the counter, for somebody without a phone."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from admin.audit import record
from coupon_service.core.auth import Principal
from coupon_service.vouchers.errors import VoucherNotFoundError
from coupon_service.vouchers.models import PaperVoucher, Voucher
from coupon_service.vouchers.paper import issue_paper
from coupon_service.vouchers.queries import voucher_with_terms


def print_paper(
    session: Session, official: Principal, voucher_id: UUID, *, now: datetime
) -> PaperVoucher:
    """Print a voucher of the official's district; an earlier sheet works no longer.

    Raises:
        VoucherNotFoundError: the official's district has no such voucher.
        VoucherStateError, PaperNotPossibleError, PaperLimitError: as `issue_paper`.
    """
    assert official.district_id is not None  # officials belong to a district
    voucher_of_district(session, official.district_id, voucher_id)
    paper = issue_paper(session, voucher_id, official.id, now)
    record(session, official, "paper.print", voucher_id, {"serial": paper.serial})
    return paper


def voucher_of_district(session: Session, district_id: UUID, voucher_id: UUID) -> Voucher:
    """A voucher with its terms.

    Raises:
        VoucherNotFoundError: the district has no such voucher.
    """
    found = voucher_with_terms(session, voucher_id)
    if found is None or found.release.campaign.season.district_id != district_id:
        raise VoucherNotFoundError
    return found
