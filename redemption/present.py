"""Present: what a decision about orders needs, read for any number of them in a few statements.

For each order: the counter it is rung up at, what is stored under its number, and each voucher that
is shown for it with its terms and its holder's phone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel
from coupon_service.campaigns.terms import Place
from coupon_service.campaigns.terms_of import ReleaseTerms, terms_of
from coupon_service.core.db import as_rows
from coupon_service.core.errors import ProblemError
from coupon_service.residents.household import may_act_for
from coupon_service.vouchers.models import VoucherState
from coupon_service.vouchers.phones import phone_of, phone_with_key
from merchants.models import MerchantState
from redemption.errors import CodeNotRecognisedError, TillNotActiveError
from redemption.verify import Scan, SeatRef, Way

# In one order for everybody, so that two batches never wait for each other; and before anything is
# read, so that what is read stays true until the transaction ends.
_LOCK = text("SELECT id FROM vouchers WHERE id = ANY (:ids) ORDER BY id FOR NO KEY UPDATE")
_VOUCHERS = text(
    """
    SELECT voucher.id, voucher.state, voucher.resident_id, voucher.release_id, voucher.valid_from,
           voucher.expires_at, phone.public_key, phone.usable_from, paper.serial,
           (SELECT max(redemption.proof_counter) FROM redemptions redemption
            WHERE redemption.voucher_id = voucher.id) AS last_proof_counter
    FROM vouchers voucher
    LEFT JOIN phone_keys phone
        ON phone.resident_id = voucher.resident_id AND phone.revoked_at IS NULL
    LEFT JOIN paper_vouchers paper ON paper.voucher_id = voucher.id
    WHERE voucher.id = ANY (:ids)
    """
)
_IN_SEATS = text(
    """
    SELECT release.number, voucher.seat, voucher.id
    FROM unnest(CAST(:numbers AS bigint[]), CAST(:seats AS int[])) AS wanted (number, seat)
    JOIN releases release ON release.number = wanted.number
    JOIN vouchers voucher ON voucher.release_id = release.id AND voucher.seat = wanted.seat
    """
)
_COUNTERS = text(
    """
    SELECT asked.position, till.id AS till_id, store.id, store.merchant_id, store.category,
           store.zone, store.tags, store.channel, merchant.state, merchant.district_id,
           stored.id AS earlier_id, clock_timestamp() AS now
    FROM json_to_recordset(CAST(:rows AS json))
        AS asked (position int, till_id uuid, store_id uuid, order_no text)
    LEFT JOIN tills till ON till.id = asked.till_id AND till.is_active
    JOIN stores store ON store.id = coalesce(till.store_id, asked.store_id)
    JOIN merchants merchant ON merchant.id = store.merchant_id
    LEFT JOIN orders stored
        ON stored.merchant_id = store.merchant_id AND stored.order_no = asked.order_no
    WHERE (till.id IS NOT NULL OR asked.till_id IS NULL)
      AND (store.id = asked.store_id OR asked.store_id IS NULL)
    """
)


@dataclass(frozen=True)
class At:
    """Where vouchers are presented: at a till, or without one at a (virtual) store."""

    till_id: UUID | None = None
    store_id: UUID | None = None


@dataclass(frozen=True)
class Showing:
    """A voucher that is to pay, named by its id or by its release's number and seat.

    Attributes:
        scan: how it was shown; none where its holder ordered without showing it.
        second_check: the end of the holder's identity number, for a paper voucher.
        seen_at: when it was shown, where that was earlier: the holder's phone is the one of then.
    """

    voucher: UUID | SeatRef
    scan: Scan | None = None
    second_check: str | None = None
    seen_at: datetime | None = None


@dataclass(frozen=True)
class Asked:
    """What somebody wants to know of an order: its counter, its vouchers, and its number if any."""

    at: At
    showings: Sequence[Showing]
    order_no: str | None = None


@dataclass(frozen=True)
class Counter:
    """A till's store, or a virtual store, as it is at this moment."""

    till_id: UUID | None
    store_id: UUID
    merchant_id: UUID
    district_id: UUID
    is_active: bool
    place: Place


@dataclass(frozen=True)
class Phone:
    """A bound phone: its public key, and from when it may show anything."""

    public_key: bytes
    usable_from: datetime


@dataclass(frozen=True)
class ShownVoucher:
    """A voucher that somebody shows, with its terms.

    Attributes:
        phone: the phone that is bound to the voucher's holder.
        shown_on: the bound phone that the code names, if it is the holder's or of somebody who may
            act for them.
        last_proof_counter: the greatest that a redemption of this voucher has kept.
        paper_serial: of the sheet that was printed last.
    """

    id: UUID
    state: VoucherState
    resident_id: UUID
    release_id: UUID
    valid_from: datetime
    expires_at: datetime
    terms: ReleaseTerms
    showing: Showing
    phone: Phone | None
    shown_on: Phone | None
    last_proof_counter: int | None
    paper_serial: int | None


@dataclass(frozen=True)
class Presented:
    """One order with its counter and vouchers.

    Attributes:
        earlier_id: what has its number already.
        now: when this was read, by the database's clock.
    """

    counter: Counter
    vouchers: Sequence[ShownVoucher]
    earlier_id: UUID | None
    now: datetime


def lock_vouchers(session: Session, showings: Sequence[Showing]) -> None:
    """Keep everybody else from these vouchers until the transaction ends.

    All that a transaction will want, at once: who came back for more could wait for somebody who
    waits for them.
    """
    in_seats = _in_seats(session, showings)
    ids = {id_ for showing in showings if (id_ := _id_of(showing, in_seats))}
    if ids:
        session.execute(_LOCK, {"ids": list(ids)})


def present(session: Session, asked: Sequence[Asked]) -> list[Presented | ProblemError]:
    """What each of these needs, or why it can go no further.

    The refusals are `CodeNotRecognisedError` (there is no such voucher in the merchant's district)
    and `TillNotActiveError` (the till, or the store, is no longer there).
    """
    in_seats = _in_seats(session, [showing for one in asked for showing in one.showings])
    ids = {id_ for one in asked for showing in one.showings if (id_ := _id_of(showing, in_seats))}
    rows = {row.id: row for row in session.execute(_VOUCHERS, {"ids": list(ids)})} if ids else {}
    terms = terms_of(session, {row.release_id for row in rows.values()})
    counters = _counters(session, asked)
    found: list[Presented | ProblemError] = []
    for position, one in enumerate(asked):
        counter = counters.get(position)
        if counter is None:
            found.append(TillNotActiveError())
            continue
        shown = []
        for showing in one.showings:
            id_ = _id_of(showing, in_seats)
            row = rows.get(id_) if id_ is not None else None
            if row is None or terms[row.release_id].district_id != counter.district_id:
                break
            shown.append(_shown(session, row, terms[row.release_id], showing))
        if len(shown) < len(one.showings):
            found.append(CodeNotRecognisedError())
            continue
        found.append(Presented(_counter(counter), shown, counter.earlier_id, counter.now))
    return found


def _in_seats(session: Session, showings: Sequence[Showing]) -> Mapping[SeatRef, UUID]:
    seats = {showing.voucher for showing in showings if isinstance(showing.voucher, SeatRef)}
    if not seats:
        return {}
    wanted = {"numbers": [s.release_number for s in seats], "seats": [s.seat for s in seats]}
    return {SeatRef(row.number, row.seat): row.id for row in session.execute(_IN_SEATS, wanted)}


def _id_of(showing: Showing, in_seats: Mapping[SeatRef, UUID]) -> UUID | None:
    voucher = showing.voucher
    return in_seats.get(voucher) if isinstance(voucher, SeatRef) else voucher


def _counters(session: Session, asked: Sequence[Asked]) -> dict[int, Any]:
    """The counters that may work, by place in the list. A till must be of the store it names."""
    rows = as_rows(
        {"position": position, **vars(one.at), "order_no": one.order_no}
        for position, one in enumerate(asked)
    )
    return {row.position: row for row in session.execute(_COUNTERS, {"rows": rows})}


def _counter(row: Any) -> Counter:
    return Counter(
        till_id=row.till_id,
        store_id=row.id,
        merchant_id=row.merchant_id,
        district_id=row.district_id,
        is_active=row.state == MerchantState.ACTIVE,
        place=Place(row.id, row.category, row.zone, tuple(row.tags), Channel(row.channel)),
    )


def _shown(session: Session, row: Any, terms: ReleaseTerms, showing: Showing) -> ShownVoucher:
    phone = None if row.public_key is None else Phone(row.public_key, row.usable_from)
    if showing.seen_at is not None:
        phone = _phone_then(session, row.resident_id, showing.seen_at)
    shown = ShownVoucher(
        id=row.id,
        state=VoucherState(row.state),
        resident_id=row.resident_id,
        release_id=row.release_id,
        valid_from=row.valid_from,
        expires_at=row.expires_at,
        terms=terms,
        showing=showing,
        phone=phone,
        shown_on=phone,
        last_proof_counter=row.last_proof_counter,
        paper_serial=row.serial,
    )
    scan = showing.scan
    if scan is None or scan.way is not Way.PROOF:
        return shown
    assert scan.phone_key is not None  # a proof is around a token with one
    if phone is not None and phone.public_key == scan.phone_key:
        return shown
    return replace(shown, shown_on=_relatives_phone(session, scan.phone_key, row.resident_id))


def _phone_then(session: Session, resident_id: UUID, moment: datetime) -> Phone | None:
    found = phone_of(session, resident_id, at=moment)
    return None if found is None else Phone(found.public_key, found.usable_from)


def _relatives_phone(session: Session, public_key: bytes, holder_id: UUID) -> Phone | None:
    """The phone with this key, if it is of somebody who may act for the holder."""
    found = phone_with_key(session, public_key)
    if found is None or not may_act_for(session, found.resident_id, holder_id):
        return None
    return Phone(found.public_key, found.usable_from)
