"""Merchants that are owed money by real redemptions, and a bank that answers payout files."""

import csv
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from uuid import UUID

from flask import Response, current_app
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.http import parse_cookie

from coupon_service.campaigns.models import Release
from coupon_service.core.auth import Principal, start_session
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.money import BASIS_POINTS
from coupon_service.core.resources import Resources
from fraud.holds import hold
from fraud.models import Case
from merchants.models import SettlementBatch
from merchants.payout_account import BankAccount, set_payout_account
from merchants.settlement.payout_file import payout_file
from merchants.settlement.settle import settle
from redemption.models import Order, Redemption
from redemption.present import At
from redemption.reverse import reverse
from tests.factories.campaigns import SmallSeason, make_campaign, make_release, make_season
from tests.factories.redemption import Counter, make_counter, make_voucher, redeemed

# A voucher of the campaign below takes off the whole order up to this.
ITEM_FEN_MAX = 10_000


@dataclass(frozen=True)
class Bazaar:
    """A season whose release pays any order in full, so that a test chooses what is owed."""

    small: SmallSeason
    release: Release

    @property
    def season_id(self) -> UUID:
        return self.small.season.id


def make_bazaar(session: Session, *, quantity: int = 500) -> Bazaar:
    small = make_season(session)
    campaign = make_campaign(
        session,
        small,
        face_fen=ITEM_FEN_MAX,
        rate_bp=BASIS_POINTS,
        threshold_fen=0,
        name="全额券",
    )
    return Bazaar(small, make_release(session, campaign, quantity=quantity))


def make_payee(
    held: Resources, session: Session, bazaar: Bazaar, *, name: str | None = None
) -> Counter:
    """A merchant with one till and a payout account that counts at once."""
    counter = make_counter(session, bazaar.small.district)
    if name is not None:
        counter.merchant.name = name
    set_payout_account(
        session,
        held.vault,
        counter.merchant.id,
        BankAccount(f"{counter.merchant.name}有限公司", "示例银行", "6299990000000000012"),
        now=db_now(session) - timedelta(days=30),
    )
    return counter


def owe(session: Session, bazaar: Bazaar, counter: Counter, amount_fen: int) -> UUID:
    """Redeem a voucher for an order of that amount; returns the payable's id."""
    voucher_id = make_voucher(session, bazaar.release)
    receipt = redeemed(session, voucher_id, At(till_id=counter.till.id), order_fen=amount_fen)
    return receipt.lines[0].redemption_id


def take_back(session: Session, payable_id: UUID) -> None:
    """Reverse the redemption, at the moment it happened so that the day is the same."""
    found = session.scalars(
        select(Order).join(Order.redemptions).where(Redemption.id == payable_id)
    ).one()
    assert found.till_id is not None
    reverse(session, found.till_id, found.order_no, now=found.redeemed_at)


def hold_items(
    session: Session, bazaar: Bazaar, counter: Counter, payable_ids: Collection[UUID]
) -> UUID:
    """Open a case on the merchant and hold these items; returns the case."""
    now = db_now(session)
    case = Case(
        id=new_id(),
        season_id=bazaar.season_id,
        merchant_id=counter.merchant.id,
        opened_at=now,
        due_at=now + timedelta(days=7),
    )
    session.add(case)
    session.flush()
    assert hold(session, case.id, payable_ids, now=now) == len(payable_ids)
    return case.id


def settle_now(
    held: Resources, season_id: UUID, *, cutoff_at: datetime | None = None
) -> SettlementBatch | None:
    """Settle in a transaction of its own, up to this moment unless told otherwise."""
    with transaction(held.sessions) as session:
        now = db_now(session)
        return settle(session, held.vault, season_id=season_id, cutoff_at=cutoff_at or now, now=now)


def batch_file(held: Resources, batch_id: UUID) -> bytes:
    with transaction(held.sessions) as session:
        batch = session.get(SettlementBatch, batch_id)
        assert batch is not None
        return payout_file(session, held.vault, batch)


def bank_answer(file: bytes, *, rejected: Collection[int] = (), only: Collection[int] = ()) -> str:
    """What a bank would answer to the payout file; `only` answers some positions."""
    head, _columns, *transfers, _sums = csv.reader(StringIO(file.decode("utf-8-sig"), newline=""))
    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["batch_id", "position", "merchant", "amount_yuan", "result", "bank_reference"])
    for position, merchant, _name, _holder, _bank, _number, amount in transfers:
        if only and int(position) not in only:
            continue
        result = "rejected" if int(position) in rejected else "paid"
        reference = f"B{head[1][-6:]}-{position}"
        writer.writerow([head[1], position, merchant, amount, result, reference])
    return out.getvalue()


def sign_in_as(client: FlaskClient, held: Resources, principal: Principal) -> None:
    """Give this browser the cookie that signing in would give it."""
    response = Response()
    with current_app.test_request_context(), transaction(held.sessions) as session:
        start_session(session, principal, response)
    cookie = response.headers["Set-Cookie"].split(";")[0]
    for name, value in parse_cookie(cookie).items():
        client.set_cookie(name, value or "")
