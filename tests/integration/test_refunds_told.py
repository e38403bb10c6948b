"""What others hear of a refund: the voucher's holder, awards, and the figures of officials."""

from uuid import UUID

import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import select

from admin.queries import redemption_cells, spent_fen
from coupon_service.campaigns.models import Mode, RefundPolicy
from coupon_service.core.db import transaction
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.notices.models import Notice, NoticeKind
from coupon_service.vouchers.models import VoidReason, Voucher, VoucherState
from redemption.awards.rule import NewRule, make_rule
from tests.factories.campaigns import make_campaign
from tests.factories.refunds import Shop
from tests.factories.waves import make_mode_release
from tests.invariants import assert_invariants

KEEP, POOL = RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY, RefundPolicy.RETURN_SHARE_TO_POOL
NEXT_DAY, CONSUMED = RefundPolicy.RETURN_ON_FULL_REFUND_NEXT_DAY, RefundPolicy.CONSUMED


@pytest.fixture(scope="module")
def app(shared_app: OpenAPI) -> OpenAPI:
    return shared_app


@pytest.fixture
def shop(held: Resources) -> Shop:
    return Shop(held)


def test_the_holder_hears_of_a_voucher_that_returns_and_from_when_it_works(
    held: Resources, shop: Shop
) -> None:
    order = shop.sold(KEEP, NEXT_DAY, CONSUMED)
    shop.refund(order.order_no)
    drain(held.sessions)
    with transaction(held.sessions) as session:
        told = session.scalars(
            select(Notice)
            .join(Voucher, Voucher.resident_id == Notice.resident_id)
            .where(
                Notice.kind == NoticeKind.VOUCHER_RETURNED,
                Voucher.id.in_([line.voucher_id for line in order.lines]),
            )
        ).all()
    by_voucher = {notice.params["voucher_id"]: notice for notice in told}
    now, later, spent = (shop.stored(line.voucher_id) for line in order.lines)
    assert set(by_voucher) == {str(now.id), str(later.id)}
    assert by_voucher[str(now.id)].resident_id == now.resident_id
    assert "usable_from" not in by_voucher[str(now.id)].params
    assert by_voucher[str(later.id)].params["usable_from"] == later.valid_from.isoformat()
    assert spent.state == VoucherState.REDEEMED
    assert_invariants(held)


def earning(shop: Shop) -> UUID:
    """Every redemption earns a coupon of a second campaign; returns that one's release."""
    with transaction(shop.held.sessions) as session:
        campaign = make_campaign(session, shop.small, per_person=5)
        release = make_mode_release(session, campaign, Mode.AWARD)
        make_rule(session, release.id, NewRule(None, 0, 5))
        return release.id


def earned(shop: Shop, release_id: UUID) -> list[Voucher]:
    drain(shop.held.sessions)
    with transaction(shop.held.sessions) as session:
        return list(session.scalars(select(Voucher).where(Voucher.release_id == release_id)))


@pytest.mark.parametrize("policy", RefundPolicy)
def test_what_an_order_earned_is_withdrawn_once_all_of_it_has_come_back(
    held: Resources, shop: Shop, policy: RefundPolicy
) -> None:
    second = earning(shop)
    order = shop.sold(policy)
    assert [one.state for one in earned(shop, second)] == [VoucherState.ISSUED]
    shop.refund(order.order_no, 999)
    assert [one.state for one in earned(shop, second)] == [VoucherState.ISSUED]
    shop.refund(order.order_no)
    (voucher,) = earned(shop, second)
    assert (voucher.state, voucher.void_reason) == (VoucherState.VOID, VoidReason.UNEARNED)
    assert_invariants(held)


@pytest.mark.parametrize("policy", RefundPolicy)
def test_what_came_back_before_it_was_looked_at_earns_nothing(
    held: Resources, shop: Shop, policy: RefundPolicy
) -> None:
    second = earning(shop)
    order = shop.sold(policy)
    shop.refund(order.order_no)
    assert earned(shop, second) == []
    assert_invariants(held)


@pytest.mark.parametrize("policy", RefundPolicy)
def test_officials_totals_shrink_by_exactly_what_came_back(
    held: Resources, shop: Shop, policy: RefundPolicy
) -> None:
    release = shop.release(policy, face_fen=3_000, rate_bp=1_234)
    order = shop.sell(shop.voucher(release), shop.voucher(shop.release(CONSUMED)), order_fen=7_777)
    shop.sold(KEEP)  # nothing of this one comes back

    def totals() -> tuple[int, int]:
        with transaction(held.sessions) as session:
            cells = redemption_cells(session, shop.small.season.id)
        return sum(cell.discount_fen for cell in cells), sum(cell.order_fen for cell in cells)

    discount_fen, turnover_fen = totals()
    assert (discount_fen, turnover_fen) == (order.discount_fen + 300, 7_777 + 1_000)
    for goods_fen in (1, 3_333, None):
        made = shop.refund(order.order_no, goods_fen)
        discount_fen -= made.district_fen
        turnover_fen -= made.goods_fen
        assert totals() == (discount_fen, turnover_fen)
        assert_invariants(held)
    assert totals() == (300, 1_000)
    with transaction(held.sessions) as session:
        spent = spent_fen(session, shop.small.season.id)
    assert sum(spent.values()) == 300
