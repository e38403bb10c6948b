"""Shared reads: the voucher that is presented, the counter it is presented at, and past orders."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, exists, false, func, select
from sqlalchemy.orm import Session, contains_eager

from coupon_service.core.clock import local_date, local_day_start
from coupon_service.ledger.models import Account, AccountKind
from coupon_service.residents.household import may_act_for
from coupon_service.vouchers.models import PaperVoucher, PhoneKey, Voucher
from coupon_service.vouchers.paper import paper_of
from coupon_service.vouchers.phones import phone_with_key
from coupon_service.vouchers.queries import voucher_at_seat, voucher_with_terms
from merchants.errors import TillNotFoundError
from merchants.models import Store, Till
from merchants.queries import till_with_store
from redemption.errors import CodeNotRecognisedError, RedemptionNotFoundError, TillNotActiveError
from redemption.models import Redemption
from redemption.verify import Scan, SeatRef, Way

TODAY_MAX = 200


@dataclass(frozen=True)
class At:
    """Where a voucher is presented: at a till, or without one at a (virtual) store."""

    till_id: UUID | None = None
    store_id: UUID | None = None


@dataclass(frozen=True)
class Presented:
    """A voucher with its terms, the store with its merchant, and what became of the order so far.

    Attributes:
        has_accounts: the merchant's accounts of the voucher's season are open.
        earlier: what is stored under the order number already.
        phone: the phone that is bound to the voucher's holder.
        shown_on: the bound phone that the code names, if it is the holder's or of somebody who may
            act for them.
        last_proof_counter: the greatest that a redemption of this voucher has kept.
        paper: the sheet that was printed last, if a sheet is presented.
    """

    voucher: Voucher
    store: Store
    has_accounts: bool
    earlier: Redemption | None
    phone: PhoneKey | None
    shown_on: PhoneKey | None = None
    last_proof_counter: int | None = None
    paper: PaperVoucher | None = None


def present(
    session: Session,
    voucher: UUID | SeatRef,
    at: At,
    *,
    order_no: str | None = None,
    scan: Scan | None = None,
) -> Presented:
    """Everything a decision about this voucher at this counter needs, in two reads.

    A phone's proof and a paper voucher take one more.

    Raises:
        CodeNotRecognisedError: there is no such voucher in the merchant's district.
        TillNotActiveError: the till, or the store, is no longer there.
    """
    found = _voucher(session, voucher)
    if found is None:
        raise CodeNotRecognisedError
    season = found.release.campaign.season
    takes_part = exists().where(
        Account.season_id == season.id,
        Account.kind == AccountKind.PAYABLE,
        Account.owner_id == Store.merchant_id,
    )
    query = (
        select(Store, takes_part, Redemption, PhoneKey)
        .join(Store.merchant)
        .options(contains_eager(Store.merchant))
        .outerjoin(
            Redemption,
            and_(Redemption.merchant_id == Store.merchant_id, Redemption.order_no == order_no)
            if order_no is not None
            else false(),
        )
        .outerjoin(
            PhoneKey,
            and_(PhoneKey.resident_id == found.resident_id, PhoneKey.revoked_at.is_(None)),
        )
    )
    if at.till_id is not None:
        query = query.join(Till, Till.store_id == Store.id).where(
            Till.id == at.till_id, Till.is_active
        )
    if at.store_id is not None or at.till_id is None:
        query = query.where(Store.id == at.store_id)
    row = session.execute(query).one_or_none()
    if row is None:
        raise TillNotActiveError
    store, has_accounts, earlier, phone = row
    if store.merchant.district_id != season.district_id:
        raise CodeNotRecognisedError
    presented = Presented(found, store, has_accounts, earlier, phone)
    if scan is not None and scan.way is Way.PROOF:
        return _with_proof(session, presented, scan)
    if scan is not None and scan.way is Way.PAPER:
        return replace(presented, paper=paper_of(session, found.id))
    return presented


def active_till(session: Session, till_id: UUID) -> Till:
    """A till with its store and merchant, if it may still work.

    Raises:
        TillNotActiveError: it was switched off, or is no longer there.
    """
    try:
        till = till_with_store(session, till_id)
    except TillNotFoundError:
        raise TillNotActiveError from None
    if not till.is_active:
        raise TillNotActiveError
    return till


def by_order_no(session: Session, merchant_id: UUID, order_no: str) -> Redemption | None:
    """What is stored under a merchant's order number."""
    return session.scalars(
        select(Redemption).where(
            Redemption.merchant_id == merchant_id, Redemption.order_no == order_no
        )
    ).one_or_none()


def order_or_refuse(session: Session, merchant_id: UUID, order_no: str) -> Redemption:
    """What is stored under a merchant's order number.

    Raises:
        RedemptionNotFoundError: nothing is.
    """
    found = by_order_no(session, merchant_id, order_no)
    if found is None:
        raise RedemptionNotFoundError
    return found


def today_at_till(session: Session, till_id: UUID, *, now: datetime) -> Sequence[Redemption]:
    """What this till did on the current local day, newest first."""
    return session.scalars(
        select(Redemption)
        .where(
            Redemption.till_id == till_id,
            Redemption.redeemed_at >= local_day_start(local_date(now)),
        )
        .order_by(Redemption.redeemed_at.desc(), Redemption.id.desc())
        .limit(TODAY_MAX)
    ).all()


def _with_proof(session: Session, presented: Presented, scan: Scan) -> Presented:
    voucher, phone = presented.voucher, presented.phone
    assert scan.phone_key is not None  # a proof is around a token with one
    last = session.execute(
        select(func.max(Redemption.proof_counter)).where(Redemption.voucher_id == voucher.id)
    ).scalar_one()
    shown_on = phone
    if phone is None or phone.public_key != scan.phone_key:
        shown_on = phone_with_key(session, scan.phone_key)
        if shown_on is not None and not may_act_for(
            session, shown_on.resident_id, voucher.resident_id
        ):
            shown_on = None
    return replace(presented, shown_on=shown_on, last_proof_counter=last)


def _voucher(session: Session, reference: UUID | SeatRef) -> Voucher | None:
    if isinstance(reference, SeatRef):
        return voucher_at_seat(session, reference.release_number, reference.seat)
    return voucher_with_terms(session, reference)
