"""A shop that sells against vouchers, takes goods back, is paid by a bank, and may be held."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from coupon_service.campaigns.fund import budget
from coupon_service.campaigns.models import RefundPolicy, Release, Stacking
from coupon_service.campaigns.terms import Order as OrderAmounts
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.resources import Resources
from coupon_service.ledger.models import AccountKind, Payable
from coupon_service.ledger.queries import balance_fen, season_totals_fen
from coupon_service.vouchers.models import Voucher
from merchants.models import Payout
from merchants.settlement.answer import import_answer
from redemption.models import Order, Redemption, Refund
from redemption.present import At, Showing
from redemption.receipt import Receipt, receipt_of
from redemption.redeem import RedeemCommand, Refused, redeem
from redemption.refund import RefundCommand, Refunded, refund
from redemption.reverse import reverse
from tests.factories.campaigns import SEASON_FEN, make_campaign, make_release, make_season
from tests.factories.merchants import (
    Bazaar,
    bank_answer,
    batch_file,
    hold_items,
    make_payee,
    settle_now,
)
from tests.factories.redemption import make_voucher

FACE_FEN = 300
ORDER_FEN = 1_000


class Shop:
    """One merchant of one season, told what happens to it in one line each."""

    def __init__(self, held: Resources, *, amount_fen: int = SEASON_FEN) -> None:
        self.held = held
        with transaction(held.sessions) as session:
            self.small = make_season(session, amount_fen=amount_fen)
        self.kept = self.release()
        self.bazaar = Bazaar(self.small, self.kept)
        with transaction(held.sessions) as session:
            self.counter = make_payee(held, session, self.bazaar)

    @property
    def till_id(self) -> UUID:
        return self.counter.till.id

    def release(
        self,
        policy: RefundPolicy = RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY,
        *,
        face_fen: int = FACE_FEN,
        **terms: Any,
    ) -> Release:
        """Twenty vouchers of a campaign with that policy, for any order and beside any other."""
        fixed: dict[str, Any] = {"threshold_fen": 0, "stacking": Stacking.ANY, "name": policy.value}
        with transaction(self.held.sessions) as session:
            campaign = make_campaign(
                session, self.small, face_fen=face_fen, refund_policy=policy, **(fixed | terms)
            )
            return make_release(session, campaign, quantity=20)

    def voucher(self, release: Release, *, expires_at: datetime | None = None) -> UUID:
        with transaction(self.held.sessions) as session:
            return make_voucher(session, release, expires_at=expires_at)

    def sell(
        self,
        *voucher_ids: UUID,
        order_fen: int = ORDER_FEN,
        order_no: str | None = None,
        now: datetime | None = None,
    ) -> Receipt:
        """Redeem these vouchers for one order.

        Raises:
            ProblemError: the refusal.
        """
        command = RedeemCommand(
            showings=[Showing(voucher_id) for voucher_id in voucher_ids],
            at=At(till_id=self.till_id),
            order_no=order_no or uuid4().hex,
            order=OrderAmounts(order_fen, order_fen),
            channel=self.counter.store.channel,
        )
        with transaction(self.held.sessions) as session:
            (outcome,) = redeem(session, [command], risk=self.held.risk, now=now)
        if isinstance(outcome, Refused):
            raise outcome.error
        return outcome.receipt

    def sold(
        self,
        *policies: RefundPolicy,
        order_fen: int = ORDER_FEN,
    ) -> Receipt:
        """An order with one new voucher of each policy."""
        return self.sell(
            *(self.voucher(self.release(policy)) for policy in policies), order_fen=order_fen
        )

    def refund(
        self,
        order_no: str,
        goods_fen: int | None = None,
        *,
        refund_no: str | None = None,
        now: datetime | None = None,
    ) -> Refunded:
        command = RefundCommand(self.till_id, order_no, refund_no or uuid4().hex, goods_fen)
        with transaction(self.held.sessions) as session:
            return refund(session, command, now=now or db_now(session))

    def reverse(self, order_no: str) -> Receipt:
        """Reverse the order, at the moment it was paid so that the day is the same."""
        with transaction(self.held.sessions) as session:
            paid_at = session.execute(
                select(Order.redeemed_at).where(Order.order_no == order_no)
            ).scalar_one()
            return reverse(session, self.till_id, order_no, now=paid_at)

    def receipt(self, order_no: str) -> Receipt:
        with transaction(self.held.sessions) as session:
            found = receipt_of(session, self.counter.merchant.id, order_no)
        assert found is not None
        return found

    def stored(self, voucher_id: UUID) -> Voucher:
        with transaction(self.held.sessions) as session:
            return session.get_one(Voucher, voucher_id)

    def redemption(self, redemption_id: UUID) -> Redemption:
        with transaction(self.held.sessions) as session:
            return session.get_one(Redemption, redemption_id)

    def payable(self, redemption_id: UUID) -> Payable:
        with transaction(self.held.sessions) as session:
            return session.get_one(Payable, redemption_id)

    def hold(self, payable_ids: Collection[UUID]) -> UUID:
        with transaction(self.held.sessions) as session:
            return hold_items(session, self.bazaar, self.counter, payable_ids)

    def settle(self) -> Payout | None:
        """The shop's payout of a new batch; none if it is owed nothing."""
        batch = settle_now(self.held, self.small.season.id)
        if batch is None:
            return None
        with transaction(self.held.sessions) as session:
            return session.scalars(select(Payout).where(Payout.batch_id == batch.id)).one()

    def settled(self) -> Payout:
        payout = self.settle()
        assert payout is not None
        return payout

    def answer(self, payout: Payout, *, paid: bool = True) -> None:
        """The bank says what became of the transfer."""
        file = batch_file(self.held, payout.batch_id)
        content = bank_answer(file, rejected=() if paid else (payout.position,)).encode()
        with transaction(self.held.sessions) as session:
            import_answer(session, payout.batch_id, content, now=db_now(session))

    @property
    def budget_fen(self) -> int:
        """What the event's budget node holds."""
        with transaction(self.held.sessions) as session:
            return balance_fen(session, budget(self.small.season.id, self.small.event.id))

    @property
    def totals(self) -> dict[AccountKind, int]:
        with transaction(self.held.sessions) as session:
            return season_totals_fen(session, self.small.season.id)

    @property
    def now(self) -> datetime:
        with transaction(self.held.sessions) as session:
            return db_now(session)

    def in_days(self, days: int) -> datetime:
        return self.now + timedelta(days=days)


def refused(work: Callable[[], object], error: type[ProblemError], shop: Shop) -> ProblemError:
    """The refusal, which has changed nothing."""
    before = _everything(shop)
    with pytest.raises(error) as caught:
        work()
    assert _everything(shop) == before
    return caught.value


def _everything(shop: Shop) -> object:
    with transaction(shop.held.sessions) as session:
        vouchers = session.execute(
            select(Voucher.id, Voucher.state, Voucher.valid_from, Voucher.expires_at)
        ).all()
        refunds = session.execute(select(func.count(Refund.id))).scalar_one()
    return sorted(vouchers), refunds, shop.totals
