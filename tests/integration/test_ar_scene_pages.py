"""The scene's pages without any script: lanterns, shop, and what became of a visit."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from pydantic import SecretStr
from sqlalchemy import func, select, update

from coupon_service.campaigns.models import Channel
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Environment, Settings
from coupon_service.entrypoints.app import create_app
from coupon_service.vouchers.models import Voucher, VoucherState
from redemption.ar.models import ArEvent, ArProvider, ArSession
from redemption.models import Order
from tests.factories.ar import Stage, make_shop, make_stage, resident_client, whole_state
from tests.factories.people import make_resident
from tests.invariants import assert_invariants

HTML = {"Accept": "text/html"}


@pytest.fixture
def stage(app: OpenAPI, held: Resources) -> Stage:
    return make_scene_stage(app, held)


def make_scene_stage(app: OpenAPI, held: Resources, **terms: Any) -> Stage:
    stage = make_stage(app, held, **terms)
    with transaction(held.sessions) as session:
        session.execute(update(ArProvider).values(is_built_in=True))
        scene = stage.scene
        make_shop(session, scene.small, scene.provider, scene.award)
    return stage


def address(stage: Stage, *parts: str) -> str:
    return "/".join(["/scene", stage.scene.award.code, *parts])


def win(stage: Stage, **place: str) -> Any:
    return stage.browser.post(
        address(stage, "lanterns"), data=place, headers=HTML, follow_redirects=True
    )


def order(stage: Stage, voucher_id: object, *goods: str) -> Any:
    form = {"voucher_id": str(voucher_id), "good": list(goods)}
    return stage.browser.post(
        address(stage, "orders"), data=form, headers=HTML, follow_redirects=True
    )


def the_voucher(held: Resources) -> Voucher:
    with transaction(held.sessions) as session:
        return session.scalars(select(Voucher)).one()


def test_lanterns_are_lit_one_by_one_and_then_there_is_a_button(stage: Stage) -> None:
    page = stage.browser.get(address(stage), headers=HTML)
    assert page.status_code == 200
    assert f"{address(stage)}?lit=1" in page.text
    assert "data-win data-once hidden" in page.text
    # The way the phone is held is told to this page only.
    assert "gyroscope=(self)" in page.headers["Permissions-Policy"]
    other = stage.browser.get("/wallet", headers=HTML)
    assert "gyroscope=()" in other.headers["Permissions-Policy"]
    two = stage.browser.get(f"{address(stage)}?lit=1.3", headers=HTML).text
    assert f"{address(stage)}?lit=1.2.3" in two
    assert "已点亮 2 盏" in two
    three = stage.browser.get(f"{address(stage)}?lit=1.2.3.9.x", headers=HTML).text
    assert "data-win data-once hidden" not in three
    assert "领取消费券" in three


def test_all_lanterns_win_a_voucher_by_a_signed_event(stage: Stage, held: Resources) -> None:
    page = win(stage)
    assert page.status_code == 200
    assert page.request.path.startswith("/ar/sessions/")
    assert "赢到一张消费券" in page.text
    voucher = the_voucher(held)
    assert (voucher.resident_id, voucher.claim_channel) == (stage.scene.resident_id, Channel.AR)
    with transaction(held.sessions) as session:
        event = session.scalars(select(ArEvent)).one()
    assert event.webhook_id.startswith("scene_")
    assert stage.scene.secret not in page.text
    assert_invariants(held)


def test_what_the_scene_refuses_is_said_in_words_and_nothing_is_won(
    stage: Stage, held: Resources
) -> None:
    win(stage)
    page = win(stage)
    assert 'data-standing="open"' in page.text
    assert "上限" in page.text or "已领" in page.text
    far = win(stage, lat="31.2", lon="121.5")
    assert "您不在活动点位附近。" in far.text
    assert the_voucher(held).state == VoucherState.ISSUED
    assert_invariants(held)


def test_a_place_that_is_none_is_refused(stage: Stage, held: Resources) -> None:
    before = whole_state(held)
    for place in ({"lat": "north"}, {"lat": "nan", "lon": "1"}, {"lat": "91", "lon": "0"}):
        assert win(stage, **place).status_code == 400
    assert whole_state(held) == before


def test_the_shop_takes_a_voucher_for_what_is_in_the_basket(stage: Stage, held: Resources) -> None:
    win(stage)
    voucher = the_voucher(held)
    shop = stage.browser.get(address(stage, "shop"), headers=HTML).text
    assert "茉莉花茶" in shop
    assert str(voucher.id) in shop
    below_the_threshold = order(stage, voucher.id, "2")
    assert 'role="alert"' in below_the_threshold.text
    assert the_voucher(held).state == VoucherState.ISSUED
    page = order(stage, voucher.id, "1", "2")
    assert "券用好了" in page.text
    assert "¥74" in page.text  # 68 + 26 - 20
    with transaction(held.sessions) as session:
        placed = session.scalars(select(Order)).one()
    assert (placed.order_fen, placed.discount_fen, placed.channel) == (9_400, 2_000, "virtual")
    assert the_voucher(held).state == VoucherState.REDEEMED
    assert "您还没有这里能用的券" in stage.browser.get(address(stage, "shop"), headers=HTML).text
    assert_invariants(held)


def test_a_basket_of_what_is_not_sold_is_refused(stage: Stage, held: Resources) -> None:
    win(stage)
    before = whole_state(held)
    for goods in ((), ("3",), ("1", "9"), ("-1",)):
        assert order(stage, the_voucher(held).id, *goods).status_code == 400
    assert order(stage, "no-voucher", "1").status_code == 400
    assert whole_state(held) == before


def test_somebody_elses_voucher_pays_for_nothing(
    app: OpenAPI, stage: Stage, held: Resources
) -> None:
    win(stage)
    with transaction(held.sessions) as session:
        other = resident_client(app, make_resident(session))
    before = whole_state(held)
    form = {"voucher_id": str(the_voucher(held).id), "good": ["1"]}
    assert other.post(address(stage, "orders"), data=form, headers=HTML).status_code == 404
    assert whole_state(held) == before


def test_a_visit_waits_looks_again_and_times_out(stage: Stage, held: Resources) -> None:
    started = stage.begin(stage.scene.award)
    path = f"/ar/sessions/{started['session_id']}"
    waiting = stage.browser.get(path, headers=HTML).text
    assert 'http-equiv="refresh"' in waiting
    assert "等待AR平台确认" in waiting
    with transaction(held.sessions) as session:
        now = db_now(session)
        session.execute(
            update(ArSession)
            .where(ArSession.id == UUID(started["session_id"]))
            .values(created_at=now - timedelta(minutes=11), expires_at=now - timedelta(minutes=1))
        )
    over = stage.browser.get(path, headers=HTML).text
    assert "这次体验已超时" in over
    assert 'http-equiv="refresh"' not in over


def test_scenes_are_listed_only_where_the_service_plays_the_provider(
    client: FlaskClient, stage: Stage, held: Resources
) -> None:
    assert address(stage) in client.get("/scenes", headers=HTML).text
    with transaction(held.sessions) as session:
        session.execute(update(ArProvider).values(is_built_in=False))
    assert address(stage) not in client.get("/scenes", headers=HTML).text
    assert stage.browser.get(address(stage), headers=HTML).status_code == 404
    assert win(stage).status_code == 404


PRODUCTION = {
    "env": Environment.PRODUCTION,
    "public_url": "https://coupon.example",
    "metrics_token": SecretStr("metrics"),
}


def test_production_has_no_scene_unless_it_is_asked_for(settings: Settings) -> None:
    assert not settings.model_copy(update=PRODUCTION).has_scenes
    assert settings.model_copy(update=PRODUCTION | {"ar_scene": True}).has_scenes
    app = create_app(settings.model_copy(update={"ar_scene": False}))
    with app.app_context():
        held = app.extensions["coupon_service"]
        stage = make_scene_stage(app, held)
        before = whole_state(held)
        assert stage.browser.get(address(stage), headers=HTML).status_code == 404
        assert win(stage).status_code == 404
        assert whole_state(held) == before
        held.engine.dispose()


def test_production_asks_where_the_phone_is(settings: Settings) -> None:
    app = create_app(settings.model_copy(update=PRODUCTION | {"ar_scene": True}))
    with app.app_context():
        held = app.extensions["coupon_service"]
        stage = make_scene_stage(app, held)
        before = whole_state(held)
        assert win(stage).status_code == 400
        assert whole_state(held) == before
        assert "赢到一张消费券" in win(stage, lat="39.8948", lon="116.3908").text
        with transaction(held.sessions) as session:
            assert session.execute(select(func.count()).select_from(Voucher)).scalar_one() == 1
        assert_invariants(held)
        held.engine.dispose()
