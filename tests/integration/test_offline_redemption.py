"""What an offline till brings in becomes redemptions, judged by the moment it was signed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.ledger.models import Payable
from coupon_service.ledger.queries import balance_fen
from coupon_service.vouchers.lifecycle import expire_due
from coupon_service.vouchers.models import PhoneKey, Voucher, VoucherState
from merchants.models import Merchant, MerchantState
from redemption.models import Order
from redemption.offline.exposure import pool
from redemption.offline.models import LossPolicy, OfflineLease, OfflineLoss, OfflineRecord
from redemption.present import At
from tests.factories.offline import OfflineTill, ShownPhone, allow_offline, in_a_moment, shown_phone
from tests.factories.phones import Phone, bind, holder_of
from tests.factories.redemption import Market, make_counter, make_market, redeemed
from tests.invariants import assert_invariants

REDEEMED = ("redeemed", None)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    changed = {"offline_vouchers_max": 3, "offline_fen_max": 5_000, "phone_rebind_cooldown_s": 0}
    return settings.model_copy(update=changed)


@pytest.fixture
def market(held: Resources) -> Market:
    with transaction(held.sessions) as session:
        market = make_market(session)
    allow_offline(held, market, market.counter)
    return market


@pytest.fixture
def till(client: FlaskClient, market: Market) -> OfflineTill:
    till = OfflineTill(client, market.counter)
    till.go_offline()
    return till


@pytest.fixture
def shown(held: Resources, market: Market) -> ShownPhone:
    return shown_phone(held, market)


def state_of(held: Resources, shown: ShownPhone) -> str:
    with transaction(held.sessions) as session:
        return session.get_one(Voucher, shown.voucher_id).state


def test_an_offline_order_is_redeemed_at_its_signed_time_and_once(
    held: Resources, till: OfflineTill, shown: ShownPhone
) -> None:
    at = datetime.now(UTC)
    till.accept(shown.code(at), at=at, order_no="B1-0007")
    assert till.outcomes() == [REDEEMED]
    assert till.outcomes() == [REDEEMED]
    with transaction(held.sessions) as session:
        order = session.scalars(select(Order)).one()
        assert (order.order_no, order.discount_fen) == ("B1-0007", 2_000)
        assert abs(order.redeemed_at - at) < timedelta(milliseconds=2)
    assert state_of(held, shown) == VoucherState.REDEEMED
    assert_invariants(held)


def test_an_order_whose_online_answer_was_lost_is_the_same_order_offline(
    held: Resources, client: FlaskClient, till: OfflineTill, shown: ShownPhone
) -> None:
    code = shown.code()
    body = {"vouchers": [{"code": code}], "order_no": "lost-1", "order_fen": 8_000}
    online = client.post("/api/v1/redemptions", json=body, headers=till.counter.headers)
    assert online.status_code == 201
    till.accept(code, order_no="lost-1")
    assert till.outcomes() == [REDEEMED]
    with transaction(held.sessions) as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 1
    assert_invariants(held)


def test_what_was_used_online_first_is_a_conflict_that_the_district_pays(
    held: Resources, market: Market, till: OfflineTill, shown: ShownPhone
) -> None:
    till.accept(shown.code())
    with transaction(held.sessions) as session:
        elsewhere = make_counter(session, market.small.district)
        redeemed(session, shown.voucher_id, At(elsewhere.till.id))
    assert till.outcomes() == [("conflict", "voucher-used")]
    with transaction(held.sessions) as session:
        loss = session.scalars(select(OfflineLoss)).one()
        assert (loss.amount_fen, loss.policy) == (2_000, LossPolicy.DISTRICT)
        assert session.get_one(Payable, loss.id).merchant_id == market.counter.merchant.id
        assert balance_fen(session, pool(market.small.season.id)) == 1_000_000 - 2_000
    assert_invariants(held)


@pytest.mark.parametrize("why", ["policy", "itself"])
def test_a_merchant_bears_its_loss_by_policy_and_whenever_it_is_its_own(
    held: Resources, client: FlaskClient, market: Market, shown: ShownPhone, why: str
) -> None:
    if why == "policy":
        allow_offline(held, market, market.counter, policy=LossPolicy.MERCHANT, pool_fen=0)
    till = OfflineTill(client, market.counter)
    till.go_offline()
    till.accept(shown.code())
    with transaction(held.sessions) as session:
        other = make_counter(session, market.small.district)
        winner = other if why == "policy" else market.counter
        redeemed(session, shown.voucher_id, At(winner.till.id))
    assert till.outcomes() == [("conflict", "voucher-used")]
    with transaction(held.sessions) as session:
        assert session.scalars(select(OfflineLoss)).one().policy == LossPolicy.MERCHANT
        assert session.scalar(select(func.count()).select_from(Payable)) == 1
        assert balance_fen(session, pool(market.small.season.id)) == 1_000_000
    assert_invariants(held)


def test_a_voucher_that_expired_on_the_way_is_redeemed_all_the_same(
    held: Resources, market: Market, till: OfflineTill
) -> None:
    shown = shown_phone(held, market, expires_at=in_a_moment(3_600))
    at = datetime.now(UTC)
    till.accept(shown.code(at), at=at)
    with transaction(held.sessions) as session:
        assert expire_due(session, now=in_a_moment(4_000)) == 1
    assert state_of(held, shown) == VoucherState.EXPIRED
    assert till.outcomes() == [REDEEMED]
    assert state_of(held, shown) == VoucherState.REDEEMED
    assert_invariants(held)


def test_the_phone_that_counts_is_the_one_of_the_signed_time(
    held: Resources, till: OfflineTill, shown: ShownPhone
) -> None:
    till.accept(shown.code())
    with transaction(held.sessions) as session:
        holder_id = holder_of(session, shown.voucher_id)
    bind(held, holder_id, Phone(), replace=True)
    assert till.outcomes() == [REDEEMED]
    assert_invariants(held)


Wrong = Callable[[OfflineTill, ShownPhone], object]
WRONG: dict[str, tuple[Wrong, str]] = {
    "a screenshot": (
        lambda till, shown: till.accept(shown.code(in_a_moment(-60))),
        "expired-token",
    ),
    "below the threshold": (
        lambda till, shown: till.accept(shown.code(), order_fen=4_999),
        "below-threshold",
    ),
    "another discount": (
        lambda till, shown: till.accept(shown.code(), discount_fen=2_001),
        "offline-amount-differs",
    ),
    "before its lease": (
        lambda till, shown: till.accept(shown.code(in_a_moment(-20)), at=in_a_moment(-20)),
        "offline-lease-over",
    ),
    "tomorrow": (
        lambda till, shown: till.accept(shown.code(in_a_moment(3_600)), at=in_a_moment(3_600)),
        "offline-lease-over",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_the_till_should_not_have_accepted_is_refused_and_costs_nobody(
    held: Resources, till: OfflineTill, shown: ShownPhone, case: str
) -> None:
    act, slug = WRONG[case]
    act(till, shown)
    assert till.outcomes() == [("refused", slug)]
    assert state_of(held, shown) == VoucherState.ISSUED
    with transaction(held.sessions) as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 0
        assert session.scalar(select(func.count()).select_from(OfflineLoss)) == 0
    assert_invariants(held)


def test_nothing_is_taken_in_beyond_the_cap_or_under_the_same_number_twice(
    held: Resources, market: Market, till: OfflineTill
) -> None:
    for number in ("n-1", "n-1", "n-3"):
        till.accept(shown_phone(held, market).code(), order_no=number)
    assert till.outcomes() == [
        REDEEMED,
        ("refused", "order-number-reused"),
        ("refused", "offline-cap-reached"),
    ]
    assert_invariants(held)


@pytest.mark.parametrize(
    ("over_for_h", "outcome"),
    [(71, REDEEMED), (73, ("refused", "offline-too-late"))],
)
def test_a_record_comes_in_until_the_grace_has_passed(
    held: Resources,
    market: Market,
    till: OfflineTill,
    over_for_h: int,
    outcome: tuple[str, str | None],
) -> None:
    shown = shown_phone(held, market, valid_from=in_a_moment(-400_000))
    with transaction(held.sessions) as session:
        session.execute(text("ALTER TABLE offline_leases DISABLE TRIGGER USER"))
        expires_at = in_a_moment(-over_for_h * 3_600)
        session.execute(
            update(OfflineLease).values(
                issued_at=expires_at - timedelta(hours=24), expires_at=expires_at
            )
        )
        session.execute(text("ALTER TABLE offline_leases ENABLE TRIGGER USER"))
        long_ago = in_a_moment(-400_000)
        session.execute(update(PhoneKey).values(bound_at=long_ago, usable_from=long_ago))
    at = expires_at - timedelta(minutes=1)
    till.accept(shown.code(at), at=at)
    assert till.outcomes() == [outcome]
    assert_invariants(held)


def test_a_stopped_merchant_brings_its_records_in_once_it_may_work_again(
    held: Resources, market: Market, till: OfflineTill, shown: ShownPhone
) -> None:
    till.accept(shown.code())

    def become(state: MerchantState) -> None:
        with transaction(held.sessions) as session:
            which = Merchant.id == market.counter.merchant.id
            session.execute(update(Merchant).where(which).values(state=state))

    become(MerchantState.SUSPENDED)
    assert till.bring_in().get_json()["slug"] == "merchant-not-active"
    with transaction(held.sessions) as session:
        assert session.scalar(select(func.count()).select_from(OfflineRecord)) == 0
    become(MerchantState.ACTIVE)
    assert till.outcomes() == [REDEEMED]
    assert_invariants(held)
