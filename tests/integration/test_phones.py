"""One phone shows the vouchers: binding it, changing it, and what a till makes of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.notices.models import Notice, NoticeKind
from coupon_service.residents.models import Proxy, ProxyState, Relation
from coupon_service.vouchers.models import PhoneKey, VoucherState
from coupon_service.vouchers.show import Shown
from redemption.models import Redemption
from tests.factories.ar import resident_client
from tests.factories.people import make_resident
from tests.factories.phones import Phone, bind, bound_token, holder_of
from tests.factories.redemption import Market, market_with_voucher
from tests.harness.web import at_once
from tests.integration.test_redeem_api import redeem_at, state_of, traces
from tests.invariants import assert_invariants

COOL_DOWN = timedelta(minutes=10)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"phone_binds_per_day": 3})


@dataclass(frozen=True)
class Stage:
    """A voucher, its holder with a browser and a phone, and a till."""

    held: Resources
    till: FlaskClient
    market: Market
    voucher_id: UUID
    code: Shown
    holder_id: UUID
    browser: FlaskClient
    phone: Phone

    def now(self) -> datetime:
        with transaction(self.held.sessions) as session:
            return db_now(session)

    def proof(self, *, ago: timedelta = timedelta(), phone: Phone | None = None) -> str:
        """What the phone shows, or showed some time ago."""
        phone = phone or self.phone
        token = bound_token(self.held, self.voucher_id, phone)
        return phone.prove(token, self.now() - ago)

    def redeem(self, code: str, order_no: str = "A-1") -> TestResponse:
        return redeem_at(self.till, self.market.counter, code, order_no=order_no)

    def refused(self, code: str, slug: str, status: int = 409) -> None:
        """The till is refused, and nothing changes."""
        before = traces(self.held)
        answer = self.redeem(code, order_no="refused")
        assert answer.json is not None
        assert (answer.status_code, answer.json["slug"]) == (status, slug)
        assert traces(self.held) == before
        assert state_of(self.held, self.voucher_id) == VoucherState.ISSUED

    def ask(self, phone: Phone, *, replace: bool = False) -> TestResponse:
        body = {"public_key": phone.public_key.hex(), "replace": replace}
        return self.browser.post("/api/v1/phone-keys", json=body)

    def cool_down(self) -> None:
        """Let the cool-down of the bound phone pass."""
        with transaction(self.held.sessions) as session:
            session.execute(
                update(PhoneKey)
                .where(PhoneKey.revoked_at.is_(None))
                .values(
                    bound_at=PhoneKey.bound_at - COOL_DOWN,
                    usable_from=PhoneKey.usable_from - COOL_DOWN,
                )
            )


@pytest.fixture
def stage(app: OpenAPI, client: FlaskClient, held: Resources) -> Iterator[Stage]:
    market, voucher_id, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        holder_id = holder_of(session, voucher_id)
    browser = resident_client(app, holder_id)
    yield Stage(held, client, market, voucher_id, code, holder_id, browser, Phone())
    assert_invariants(held)


def test_the_first_phone_is_usable_at_once_and_its_proof_redeems(stage: Stage) -> None:
    answer = stage.ask(stage.phone)
    assert answer.status_code == 200
    assert answer.get_json()["usable_from"] == answer.get_json()["bound_at"]
    shown = stage.browser.get(f"/api/v1/vouchers/{stage.voucher_id}").get_json()
    assert shown["phone_key"] == stage.phone.public_key.hex()
    redeemed = stage.redeem(stage.phone.prove(shown["token"], stage.now()))
    assert redeemed.status_code == 201
    with transaction(stage.held.sessions) as session:
        kept = session.execute(select(Redemption.proof_counter)).scalar_one()
    assert kept == stage.phone.counter


def test_binding_the_same_phone_again_changes_nothing(stage: Stage) -> None:
    first = stage.ask(stage.phone).get_json()
    again = stage.ask(stage.phone, replace=True).get_json()
    assert (again["bound_at"], again["usable_from"]) == (first["bound_at"], first["usable_from"])
    with transaction(stage.held.sessions) as session:
        assert session.execute(select(func.count(PhoneKey.id))).scalar_one() == 1


def test_a_token_without_its_phones_proof_is_refused(stage: Stage) -> None:
    bind(stage.held, stage.holder_id, stage.phone)
    stage.refused(bound_token(stage.held, stage.voucher_id, stage.phone), "proof-needed")
    # One for no particular phone, drawn before the phone was bound or fetched past it.
    stage.refused(stage.code.token, "proof-needed")


def test_digits_go_on_working_with_a_bound_phone(stage: Stage) -> None:
    bind(stage.held, stage.holder_id, stage.phone)
    assert stage.redeem(stage.code.typed_code).status_code == 201


def test_a_screenshot_dies_and_a_fast_clock_is_told(stage: Stage) -> None:
    bind(stage.held, stage.holder_id, stage.phone)
    stage.refused(stage.proof(ago=timedelta(seconds=40)), "expired-token", 400)
    stage.refused(stage.proof(ago=timedelta(days=2)), "expired-token", 400)
    stage.refused(stage.proof(ago=timedelta(seconds=-40)), "phone-clock-off")
    assert stage.redeem(stage.proof(ago=timedelta(seconds=20))).status_code == 201


def test_a_used_proof_does_not_come_back_with_a_reversal(stage: Stage) -> None:
    bind(stage.held, stage.holder_id, stage.phone)
    earlier, used = stage.proof(), stage.proof()
    assert stage.redeem(used).status_code == 201
    reversal = stage.till.post(
        "/api/v1/redemptions/A-1/reversal", headers=stage.market.counter.headers
    )
    assert reversal.status_code == 200
    stage.refused(used, "proof-used")
    stage.refused(earlier, "proof-used")
    assert stage.redeem(stage.proof(), order_no="A-2").status_code == 201


def test_a_repeat_of_the_order_gets_its_answer_after_the_proofs_time(stage: Stage) -> None:
    bind(stage.held, stage.holder_id, stage.phone)
    token = bound_token(stage.held, stage.voucher_id, stage.phone)
    assert stage.redeem(stage.phone.prove(token, stage.now())).status_code == 201
    late = stage.redeem(stage.phone.prove(token, stage.now() - timedelta(hours=1)))
    assert (late.status_code, late.get_json()["repeated"]) == (200, True)


def test_sixteen_tills_scan_one_proof_and_one_wins(stage: Stage) -> None:
    bind(stage.held, stage.holder_id, stage.phone)
    proof = stage.proof()
    app = stage.till.application

    def scan(index: int) -> int:
        answer = redeem_at(app.test_client(), stage.market.counter, proof, order_no=f"T-{index}")
        return answer.status_code

    assert sorted(at_once(16, scan)) == [201] + [409] * 15


def test_a_second_phone_asks_before_it_takes_the_place(stage: Stage) -> None:
    bind(stage.held, stage.holder_id, stage.phone)
    answer = stage.ask(Phone())
    assert (answer.status_code, answer.get_json()["slug"]) == (409, "phone-bound-elsewhere")
    assert stage.redeem(stage.proof()).status_code == 201


def test_a_stolen_session_gains_nothing_before_its_owner_can_answer(stage: Stage) -> None:
    bind(stage.held, stage.holder_id, stage.phone)
    thief = Phone()
    bound = stage.ask(thief, replace=True).get_json()
    waits = datetime.fromisoformat(bound["usable_from"]) - datetime.fromisoformat(bound["bound_at"])
    assert waits == COOL_DOWN
    # The old key is dead at once, the new one not yet alive, and nothing goes round them.
    stage.refused(stage.proof(), "phone-replaced")
    stage.refused(stage.proof(phone=thief), "phone-cooling-down")
    stage.refused(stage.code.token, "phone-cooling-down")
    stage.refused(stage.code.typed_code, "phone-cooling-down")
    shown = stage.browser.get(f"/api/v1/vouchers/{stage.voucher_id}").get_json()
    assert (shown["token"], shown["typed_code"]) == (None, None)
    for picture in ("svg", "png"):
        drawn = stage.browser.get(f"/api/v1/vouchers/{stage.voucher_id}/qr.{picture}")
        assert (drawn.status_code, drawn.get_json()["slug"]) == (409, "phone-cooling-down")
    with transaction(stage.held.sessions) as session:
        notice = session.scalars(select(Notice)).one()
    assert (notice.resident_id, notice.kind) == (stage.holder_id, NoticeKind.PHONE_REBOUND)
    # The owner takes it back, and the thief's phone is dead for good.
    assert stage.ask(stage.phone, replace=True).status_code == 200
    stage.cool_down()
    stage.refused(stage.proof(phone=thief), "phone-replaced")
    assert stage.redeem(stage.proof()).status_code == 201


def test_a_new_phone_works_after_the_cool_down(stage: Stage) -> None:
    bind(stage.held, stage.holder_id, stage.phone)
    new = Phone()
    bind(stage.held, stage.holder_id, new, replace=True)
    stage.cool_down()
    assert stage.redeem(stage.proof(phone=new)).status_code == 201


def test_phones_are_changed_only_so_often_a_day(stage: Stage) -> None:
    for _ in range(3):
        assert stage.ask(Phone(), replace=True).status_code == 200
    answer = stage.ask(stage.phone, replace=True)
    assert (answer.status_code, answer.get_json()["slug"]) == (429, "too-many-phones")
    with transaction(stage.held.sessions) as session:
        assert session.execute(select(func.count(PhoneKey.id))).scalar_one() == 3


def test_of_many_phones_at_once_exactly_one_is_bound(stage: Stage) -> None:
    def ask(_index: int) -> int:
        browser = resident_client(stage.till.application, stage.holder_id)  # type: ignore[arg-type]
        body = {"public_key": Phone().public_key.hex()}
        return browser.post("/api/v1/phone-keys", json=body).status_code

    assert sorted(at_once(8, ask)) == [200] + [409] * 7


def test_what_is_no_point_of_the_curve_is_not_bound(stage: Stage) -> None:
    for key in ("", "02", f"04{'51' * 32}", f"02{'50' * 32}", f"02{'GG' * 32}"):
        answer = stage.browser.post("/api/v1/phone-keys", json={"public_key": key})
        assert answer.status_code == 400, key


def test_nobody_binds_a_key_that_is_somebody_elses(stage: Stage, app: OpenAPI) -> None:
    bind(stage.held, stage.holder_id, stage.phone)
    with transaction(stage.held.sessions) as session:
        other_id = make_resident(session)
    answer = resident_client(app, other_id).post(
        "/api/v1/phone-keys", json={"public_key": stage.phone.public_key.hex()}
    )
    assert (answer.status_code, answer.get_json()["slug"]) == (400, "invalid-phone-key")


def test_the_phone_of_whoever_may_act_for_the_holder_shows_too(stage: Stage, app: OpenAPI) -> None:
    with transaction(stage.held.sessions) as session:
        agent_id = make_resident(session)
        stranger_id = make_resident(session)
    agents, strangers = Phone(), Phone()
    bind(stage.held, agent_id, agents)
    bind(stage.held, stranger_id, strangers)
    stage.refused(stage.proof(phone=agents), "phone-replaced")
    with transaction(stage.held.sessions) as session:
        now = db_now(session)
        session.add(
            Proxy(
                id=agent_id,
                principal_id=stage.holder_id,
                agent_id=agent_id,
                relation=Relation.RELATIVE,
                state=ProxyState.LIVE,
                asked_by_id=agent_id,
                asked_at=now,
                consented_at=now,
            )
        )
    address = f"/api/v1/vouchers/{stage.voucher_id}"
    assert resident_client(app, stranger_id).get(address).status_code == 404
    shown = resident_client(app, agent_id).get(address).get_json()
    stage.refused(stage.proof(phone=strangers), "phone-replaced")
    assert stage.redeem(agents.prove(shown["token"], stage.now())).status_code == 201
