"""Paper vouchers: printing them, and the second check at the till."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from admin.models import AuditEntry
from coupon_service.core.auth import Kind
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Settings
from coupon_service.residents.models import Resident
from coupon_service.vouchers.models import PaperVoucher, Voucher, VoucherState
from coupon_service.vouchers.paper import TRIES_MAX, paper_of, paper_text
from coupon_service.vouchers.queries import voucher_with_terms
from tests.factories.ar import resident_client
from tests.factories.officials import Enrolled, make_official, signed_in_as
from tests.factories.phones import Phone, bind, holder_of
from tests.factories.redemption import Market, make_voucher, market_with_voucher
from tests.factories.residents import fresh_id_number
from tests.harness.web import at_once
from tests.integration.test_redeem_api import redeem_at, state_of, traces
from tests.invariants import assert_invariants


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"paper_per_official_max": 2, "paper_per_season_max": 3})


@dataclass(frozen=True)
class Desk:
    """A counter where an official prints, and a till that reads what is printed."""

    held: Resources
    till: FlaskClient
    market: Market
    voucher_id: UUID
    id_number: str
    official: Enrolled
    office: FlaskClient

    @property
    def address(self) -> str:
        return f"/admin/paper/{self.voucher_id}"

    def print(self) -> str:
        """Print a sheet; what its code says."""
        answer = self.office.post(self.address)
        assert answer.status_code == 303, answer.text
        with transaction(self.held.sessions) as session:
            voucher = voucher_with_terms(session, self.voucher_id)
            paper = paper_of(session, self.voucher_id)
            assert voucher is not None
            assert paper is not None
            return paper_text(session, voucher, paper)

    def redeem(self, code: str, second_check: str | None = None, **order: object) -> TestResponse:
        shown = {"code": code} | ({} if second_check is None else {"second_check": second_check})
        return redeem_at(self.till, self.market.counter, code, vouchers=[shown], **order)

    def refused(self, code: str, second_check: str | None, slug: str) -> None:
        before = traces(self.held)
        answer = self.redeem(code, second_check)
        assert (answer.status_code, answer.get_json()["slug"]) == (409, slug)
        assert traces(self.held) == before
        assert state_of(self.held, self.voucher_id) == VoucherState.ISSUED


def give_id_number(held: Resources, resident_id: UUID) -> str:
    """A real-looking ID number, as the holder would have confirmed it."""
    number = fresh_id_number()
    with transaction(held.sessions) as session:
        session.execute(
            update(Resident)
            .where(Resident.id == resident_id)
            .values(id_number_sealed=held.vault.seal_text("id_number", number))
        )
    return number


@pytest.fixture
def desk(app: OpenAPI, client: FlaskClient, held: Resources) -> Iterator[Desk]:
    market, voucher_id, _ = market_with_voucher(held)
    with transaction(held.sessions) as session:
        holder_id = holder_of(session, voucher_id)
    official = make_official(held, market.small.district.id)
    office = signed_in_as(app, official)
    number = give_id_number(held, holder_id)
    yield Desk(held, client, market, voucher_id, number, official, office)
    assert_invariants(held)


def wrong(number: str) -> str:
    return f"{(int(number[-4:-1]) + 1) % 1000:03d}{number[-1]}"


def test_a_sheet_redeems_with_the_end_of_the_identity_number(desk: Desk) -> None:
    code = desk.print()
    desk.refused(code, None, "second-check-needed")
    assert desk.redeem(code, desk.id_number[-4:].lower()).status_code == 201
    again = desk.redeem(code)
    assert (again.status_code, again.get_json()["repeated"]) == (200, True)


def test_a_right_answer_forgives_the_wrong_ones(desk: Desk) -> None:
    code = desk.print()
    for _ in range(TRIES_MAX - 1):
        desk.refused(code, wrong(desk.id_number), "second-check-wrong")
    assert desk.redeem(code, desk.id_number[-4:]).status_code == 201
    with transaction(desk.held.sessions) as session:
        assert session.execute(select(PaperVoucher.wrong_tries)).scalar_one() == 0


def test_five_wrong_answers_lock_the_sheet_until_it_is_printed_anew(desk: Desk) -> None:
    code = desk.print()
    for _ in range(TRIES_MAX):
        desk.refused(code, wrong(desk.id_number), "second-check-wrong")
    desk.refused(code, wrong(desk.id_number), "second-check-locked")
    desk.refused(code, desk.id_number[-4:], "second-check-locked")
    fresh = desk.print()
    desk.refused(code, desk.id_number[-4:], "paper-replaced")
    assert desk.redeem(fresh, desk.id_number[-4:]).status_code == 201


def test_guessing_at_once_gains_no_more_tries(desk: Desk) -> None:
    code = desk.print()
    app = desk.till.application

    def guess(index: int) -> str:
        answer = redeem_at(
            app.test_client(),
            desk.market.counter,
            code,
            order_no=f"G-{index}",
            vouchers=[{"code": code, "second_check": wrong(desk.id_number)}],
        )
        return str(answer.get_json()["slug"])

    slugs = at_once(12, guess)
    assert slugs.count("second-check-wrong") == TRIES_MAX
    assert slugs.count("second-check-locked") == 12 - TRIES_MAX


def test_a_quote_asks_for_nothing_and_answers_no_guess(desk: Desk) -> None:
    code = desk.print()
    body = {"vouchers": [{"code": code}], "order_fen": 8_000}
    headers = desk.market.counter.headers
    answer = desk.till.post("/api/v1/quotes", json=body, headers=headers)
    assert (answer.status_code, answer.get_json()["discount_fen"]) == (200, 2_000)
    guess = {"vouchers": [{"code": code, "second_check": wrong(desk.id_number)}]}
    guessed = desk.till.post("/api/v1/quotes", json=body | guess, headers=headers)
    assert guessed.get_json() == answer.get_json()


def test_a_sheet_works_whatever_becomes_of_the_phone(desk: Desk) -> None:
    code = desk.print()
    with transaction(desk.held.sessions) as session:
        holder_id = holder_of(session, desk.voucher_id)
    bind(desk.held, holder_id, Phone())
    bind(desk.held, holder_id, Phone(), replace=True)
    assert desk.redeem(code, desk.id_number[-4:]).status_code == 201


def test_a_used_voucher_is_not_printed(desk: Desk) -> None:
    code = desk.print()
    assert desk.redeem(code, desk.id_number[-4:]).status_code == 201
    answer = desk.office.post(desk.address)
    assert answer.status_code == 409
    assert "这张消费券当前不能进行此操作" in answer.text
    assert "这张消费券已经不能使用" in desk.office.get(desk.address).text


def test_a_holder_without_a_real_name_gets_no_sheet(desk: Desk) -> None:
    with transaction(desk.held.sessions) as session:
        session.execute(update(Resident).values(id_number_sealed=None))
    assert "还没有实名认证" in desk.office.post(desk.address).text
    with transaction(desk.held.sessions) as session:
        assert session.execute(select(func.count(PaperVoucher.voucher_id))).scalar_one() == 0


def test_an_official_and_a_season_print_only_so_many(desk: Desk, app: OpenAPI) -> None:
    colleague = signed_in_as(app, make_official(desk.held, desk.official.district_id))

    def another() -> str:
        with transaction(desk.held.sessions) as session:
            voucher_id = make_voucher(session, desk.market.release)
            holder_id = session.get_one(Voucher, voucher_id).resident_id
        give_id_number(desk.held, holder_id)
        return f"/admin/paper/{voucher_id}"

    assert [desk.office.post(another()).status_code for _ in range(3)] == [303, 303, 409]
    assert [colleague.post(another()).status_code for _ in range(2)] == [303, 409]


def test_printing_is_written_down_and_shows_no_number(desk: Desk) -> None:
    before = desk.office.get(desk.address).text
    assert "制作纸质券" in before
    desk.print()
    page = desk.office.get(desk.address).text
    assert "<svg" in page
    assert desk.id_number[-4:] not in page.partition("<article")[2].partition("<svg")[0]
    assert desk.id_number not in page
    with transaction(desk.held.sessions) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "paper.print")).one()
    assert (entry.actor_id, entry.object_id) == (desk.official.id, desk.voucher_id)
    assert entry.details == {"serial": 1}


def test_only_officials_of_the_district_print(desk: Desk, app: OpenAPI, held: Resources) -> None:
    other, _, _ = market_with_voucher(held)
    stranger = signed_in_as(app, make_official(held, other.small.district.id))
    auditor = signed_in_as(app, make_official(held, desk.official.district_id, role=Kind.AUDITOR))
    for visitor in (stranger, auditor):
        for answer in (visitor.get(desk.address), visitor.post(desk.address)):
            assert answer.status_code in (401, 403, 404)
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count(PaperVoucher.voucher_id))).scalar_one() == 0


def test_the_tills_page_asks_and_sends_the_answer_with_the_same_order(desk: Desk) -> None:
    code = desk.print()
    till = desk.till
    assert till.post("/till/sign-in", data={"key": desk.market.counter.key}).status_code == 303
    form = {"amount": "80", "order_no": "P-1", "code": code}
    asked = till.post("/till/redeem", data=form)
    assert asked.status_code == 409
    assert "证件号码后 4 位" in asked.text
    assert code in asked.text
    short = till.post("/till/redeem", data={**form, "second_check": "12"})
    assert (short.status_code, "请输入 4 位数字或字母" in short.text) == (400, True)
    missed = till.post("/till/redeem", data={**form, "second_check": wrong(desk.id_number)})
    assert "证件号码后 4 位不对" in missed.text
    done = till.post("/till/redeem", data={**form, "second_check": desk.id_number[-4:]})
    assert (done.status_code, done.location) == (303, "/till/orders/P-1")


def test_the_holders_own_browser_never_sees_the_sheet(desk: Desk, app: OpenAPI) -> None:
    code = desk.print()
    with transaction(desk.held.sessions) as session:
        holder_id = holder_of(session, desk.voucher_id)
        assert db_now(session)
    shown = resident_client(app, holder_id).get(f"/api/v1/vouchers/{desk.voucher_id}")
    assert code not in shown.text
