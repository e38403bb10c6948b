"""The hard rules at the till, against real redemptions."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, func, select

from coupon_service.campaigns.models import Channel
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.resources import Resources
from coupon_service.core.risk import RedemptionAttempt
from redemption.errors import RefusedByRuleError
from redemption.models import Redemption
from tests.factories.fraud import Scene, Shop, bought, make_scene, make_shop
from tests.factories.people import make_resident
from tests.invariants import assert_invariants

TIANJIN = (39.1350, 117.2100)
NEXT_DOOR = (39.9080, 116.3745)


@pytest.fixture
def scene(held: Resources) -> Scene:
    return make_scene(held)


@pytest.fixture
def resident_id(held: Resources) -> UUID:
    with transaction(held.sessions) as session:
        return make_resident(session)


def shop_at(
    held: Resources, scene: Scene, place: tuple[float, float], channel: Channel = Channel.ONSITE
) -> Shop:
    with transaction(held.sessions) as session:
        return make_shop(
            session, scene.small.district.id, name="分店", place=place, channel=channel
        )


def redemption_count(held: Resources) -> int:
    with transaction(held.sessions) as session:
        return session.execute(select(func.count()).select_from(Redemption)).scalar_one()


def test_a_picture_of_the_code_does_not_pay_in_another_city(
    held: Resources, scene: Scene, resident_id: UUID
) -> None:
    far = shop_at(held, scene, TIANJIN)
    bought(held, scene, resident_id=resident_id, at=timedelta(minutes=1))
    with pytest.raises(RefusedByRuleError):
        bought(held, scene, shop=far, resident_id=resident_id, ordinal=2, at=timedelta(minutes=9))
    assert redemption_count(held) == 1
    assert_invariants(held)


def test_the_shop_next_door_and_the_far_one_an_hour_later_are_fine(
    held: Resources, scene: Scene, resident_id: UUID
) -> None:
    near, far = shop_at(held, scene, NEXT_DOOR), shop_at(held, scene, TIANJIN)
    bought(held, scene, resident_id=resident_id, at=timedelta(minutes=1))
    bought(
        held,
        scene,
        shop=near,
        resident_id=resident_id,
        ordinal=2,
        at=timedelta(minutes=1, seconds=9),
    )
    bought(held, scene, shop=far, resident_id=resident_id, ordinal=3, at=timedelta(minutes=90))
    assert redemption_count(held) == 3
    assert_invariants(held)


def test_another_residents_purchase_far_away_is_nobodys_concern(
    held: Resources, scene: Scene, resident_id: UUID
) -> None:
    far = shop_at(held, scene, TIANJIN)
    bought(held, scene, at=timedelta(minutes=1))
    bought(held, scene, shop=far, resident_id=resident_id, at=timedelta(minutes=2))
    assert redemption_count(held) == 2


def test_a_virtual_storefront_is_nowhere_and_never_too_far(
    held: Resources, scene: Scene, resident_id: UUID
) -> None:
    virtual = shop_at(held, scene, TIANJIN, Channel.VIRTUAL)
    bought(held, scene, shop=virtual, resident_id=resident_id, at=timedelta(minutes=1))
    bought(held, scene, resident_id=resident_id, ordinal=2, at=timedelta(minutes=2))
    bought(held, scene, shop=virtual, resident_id=resident_id, ordinal=3, at=timedelta(minutes=3))
    assert redemption_count(held) == 3


def test_the_gate_asks_once_and_by_index(held: Resources, scene: Scene) -> None:
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    attempt = RedemptionAttempt(
        voucher_id=new_id(),
        resident_id=new_id(),
        merchant_id=scene.shop.merchant.id,
        store_id=scene.shop.store.id,
        till_id=scene.shop.till.id,
        order_fen=6_000,
        at=scene.now,
    )
    with transaction(held.sessions) as session:
        event.listen(held.engine, "before_cursor_execute", note)
        try:
            assert held.risk.forbids(session, [attempt, attempt]) == [False, False]
        finally:
            event.remove(held.engine, "before_cursor_execute", note)
    assert len(statements) == 1
