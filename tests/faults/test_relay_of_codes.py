"""Codes that pay somewhere else than where their holder stands: pictures, and live relays."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from coupon_service.campaigns.models import Stacking
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.residents.models import Resident
from coupon_service.vouchers.models import VoucherState
from redemption.challenge import IDENTITY_TRIES_PER_DAY, good_numbers
from redemption.present import At
from tests.factories.campaigns import make_release
from tests.factories.phones import Phone, bind, bound_token, holder_of
from tests.factories.redemption import (
    Counter,
    Market,
    another_till,
    make_voucher,
    market_with_voucher,
    shown,
)
from tests.integration.test_paper import give_id_number, wrong
from tests.integration.test_redeem_api import redeem_at, state_of, traces
from tests.invariants import assert_invariants

LARGE: dict[str, Any] = {"face_fen": 20_000, "threshold_fen": 50_000, "stacking": Stacking.ANY}
ORDER_FEN = 60_000
HALF_MINUTE = timedelta(seconds=40)


@dataclass(frozen=True)
class Town:
    """A voucher on its holder's phone, and a till."""

    held: Resources
    client: FlaskClient
    market: Market
    voucher_id: UUID
    phone: Phone

    @property
    def till(self) -> Counter:
        return self.market.counter

    def now(self) -> datetime:
        with transaction(self.held.sessions) as session:
            return db_now(session)

    def code(
        self,
        *,
        ago: timedelta = timedelta(),
        challenge: str | None = None,
        voucher_id: UUID | None = None,
    ) -> str:
        token = bound_token(self.held, voucher_id or self.voucher_id, self.phone)
        return self.phone.prove(token, self.now() - ago, challenge=challenge)

    def redeem(
        self, *codes: str, order_no: str = "A-1", till: Counter | None = None, **body: object
    ) -> TestResponse:
        order = {"vouchers": [{"code": code} for code in codes], "order_fen": ORDER_FEN}
        at = till or self.till
        return redeem_at(self.client, at, codes[0], order_no=order_no, **(order | body))

    def refused(self, code: str, slug: str, **body: object) -> dict[str, object]:
        """The problem document of a refusal that changes nothing."""
        before = traces(self.held)
        answer = self.redeem(code, **body)  # type: ignore[arg-type]
        assert answer.status_code in (400, 409)
        assert answer.get_json()["slug"] == slug
        assert traces(self.held) == before
        assert state_of(self.held, self.voucher_id) == VoucherState.ISSUED
        return dict(answer.get_json())

    def good(self, till: Counter, order_no: str, *, later: timedelta = timedelta()) -> set[str]:
        """The numbers that answer for an order of the voucher, at a later moment too."""
        at, now = At(till_id=till.till.id), self.now()
        return {
            f"{number:04d}"
            for moment in (now, now + later)
            for number in good_numbers(at, order_no, self.voucher_id, moment)
        }


@pytest.fixture
def terms() -> dict[str, Any]:
    return LARGE


@pytest.fixture
def town(client: FlaskClient, held: Resources, terms: dict[str, Any]) -> Iterator[Town]:
    market, voucher_id, _ = market_with_voucher(held, **terms)
    with transaction(held.sessions) as session:
        holder_id = holder_of(session, voucher_id)
    phone = Phone()
    bind(held, holder_id, phone)
    yield Town(held, client, market, voucher_id, phone)
    assert_invariants(held)


class TestPictures:
    """Of a voucher below the face from which tills give numbers."""

    @pytest.fixture
    def terms(self) -> dict[str, Any]:
        return LARGE | {"face_fen": 19_999}

    def test_a_screenshot_is_refused_after_its_half_minute(self, town: Town) -> None:
        town.refused(town.code(ago=HALF_MINUTE), "expired-token")

    def test_a_picture_on_a_second_phone_is_refused_once_the_first_has_paid(
        self, town: Town
    ) -> None:
        # The picture is of a moment before the code that pays.
        picture, code = town.code(), town.code()
        assert town.redeem(code).status_code == 201
        late = town.redeem(picture, order_no="A-2")
        assert (late.status_code, late.get_json()["slug"]) == (409, "proof-used")
        reversal = town.client.post("/api/v1/redemptions/A-1/reversal", headers=town.till.headers)
        assert reversal.status_code == 200
        for old in (picture, code):
            town.refused(old, "proof-used", order_no="A-3")


def test_a_code_passed_on_as_it_is_shown_cannot_pay_with_a_large_voucher(town: Town) -> None:
    asked = town.refused(town.code(), "challenge-needed")
    assert asked["challenge"] in town.good(town.till, "A-1")
    assert asked["challenge_good_for_s"] == 60
    # The next codes that the accomplice is sent know no more of the number.
    assert town.refused(town.code(), "challenge-needed")["challenge"] == asked["challenge"]


def test_whoever_types_the_tills_number_pays(town: Town) -> None:
    number = str(town.refused(town.code(), "challenge-needed")["challenge"])
    paid = town.redeem(town.code(challenge=number))
    assert (paid.status_code, paid.get_json()["discount_fen"]) == (201, 20_000)
    # A till that heard nothing asks again, whatever the code answers by then.
    again = town.redeem(town.code())
    assert (again.status_code, again.get_json()["repeated"]) == (200, True)


def test_guessed_and_old_numbers_are_refused_and_the_right_one_is_said_again(town: Town) -> None:
    good = town.good(town.till, "A-1", later=timedelta(minutes=1))
    guess = next(number for n in count() if (number := f"{n:04d}") not in good)
    refused = town.refused(town.code(challenge=guess), "challenge-wrong")
    assert refused["challenge"] in town.good(town.till, "A-1")
    at, ago = At(till_id=town.till.till.id), town.now() - timedelta(minutes=2)
    old = {f"{number:04d}" for number in good_numbers(at, "A-1", town.voucher_id, ago)}
    town.refused(town.code(challenge=min(old - good)), "challenge-wrong")


def test_a_number_is_good_for_its_till_and_order_only(town: Town) -> None:
    with transaction(town.held.sessions) as session:
        neighbour = another_till(session, town.till)
    number = str(town.refused(town.code(), "challenge-needed", order_no="B-1")["challenge"])
    elsewhere = [(neighbour, "B-1"), (town.till, "B-2"), (town.till, "B-3")]
    soon = timedelta(minutes=1)
    tried = [one for one in elsewhere if number not in town.good(*one, later=soon)]
    assert tried
    for till, order_no in tried:
        town.refused(town.code(challenge=number), "challenge-wrong", order_no=order_no, till=till)


def test_each_large_voucher_of_an_order_has_a_number_of_its_own(town: Town) -> None:
    with transaction(town.held.sessions) as session:
        release = make_release(session, town.market.campaign)
        holder_id = holder_of(session, town.voucher_id)
        other_id = make_voucher(session, release, resident_id=holder_id)

    def show(first: str | None = None, second: str | None = None) -> TestResponse:
        codes = (town.code(challenge=first), town.code(challenge=second, voucher_id=other_id))
        return town.redeem(*codes, order_fen=120_000)

    one = show().get_json()
    assert (one["slug"], one["position"]) == ("challenge-needed", 1)
    two = show(one["challenge"]).get_json()
    assert (two["slug"], two["position"]) == ("challenge-needed", 2)
    paid = show(one["challenge"], two["challenge"])
    assert (paid.status_code, paid.get_json()["discount_fen"]) == (201, 40_000)


def test_without_scripts_the_tills_page_shows_the_number(town: Town) -> None:
    town.client.post("/till/sign-in", data={"key": town.till.key})
    form = {"amount": "600", "order_no": "F-1", "code": town.code()}
    page = town.client.post("/till/redeem", data=form)
    assert page.status_code == 409
    (number,) = re.findall(r'<p class="verdict__number">(\d{4})</p>', page.text)
    assert 'value="F-1"' in page.text
    paid = town.client.post("/till/redeem", data=form | {"code": town.code(challenge=number)})
    assert (paid.status_code, paid.headers["Location"]) == (303, "/till/orders/F-1")


def test_nobody_is_asked_for_a_number_in_vain(town: Town) -> None:
    body = {"vouchers": [{"code": town.code()}], "order_fen": ORDER_FEN}
    quote = town.client.post("/api/v1/quotes", json=body, headers=town.till.headers)
    assert (quote.status_code, quote.get_json()["discount_fen"]) == (200, 20_000)
    town.refused(town.code(), "below-threshold", order_fen=40_000)


@pytest.mark.parametrize("way", ["digits", "token"])
def test_without_a_phones_signature_a_large_voucher_wants_the_holders_identity(
    client: FlaskClient, held: Resources, way: str
) -> None:
    market, voucher_id, code = market_with_voucher(held, **LARGE)
    with transaction(held.sessions) as session:
        holder_id = holder_of(session, voucher_id)
    number = give_id_number(held, holder_id)
    town = Town(held, client, market, voucher_id, Phone())
    text = code.token if way == "token" else code.typed_code

    def answering(end: str) -> dict[str, object]:
        return {"vouchers": [{"code": text, "second_check": end}]}

    town.refused(text, "second-check-needed")
    for _ in range(IDENTITY_TRIES_PER_DAY - 1):
        town.refused(text, "second-check-wrong", **answering(wrong(number)))
    right = town.redeem(text, **answering(number[-4:].lower()))
    assert right.status_code == 201
    assert_invariants(held)


def test_the_end_of_the_identity_number_cannot_be_tried_out(
    client: FlaskClient, held: Resources
) -> None:
    market, voucher_id, code = market_with_voucher(held, **LARGE)
    with transaction(held.sessions) as session:
        holder_id = holder_of(session, voucher_id)
    number = give_id_number(held, holder_id)
    town = Town(held, client, market, voucher_id, Phone())
    digits = code.typed_code
    for _ in range(IDENTITY_TRIES_PER_DAY):
        guess = [{"code": digits, "second_check": wrong(number)}]
        town.refused(digits, "second-check-wrong", vouchers=guess)
    for end in (wrong(number), number[-4:]):
        shown_with = [{"code": digits, "second_check": end}]
        town.refused(digits, "identity-check-locked", vouchers=shown_with)
    # The holder's own phone is still believed.
    bind(held, holder_id, town.phone)
    said = str(town.refused(town.code(), "challenge-needed")["challenge"])
    assert town.redeem(town.code(challenge=said)).status_code == 201
    assert_invariants(held)


def test_a_holder_whose_identity_is_not_known_shows_the_phone(
    client: FlaskClient, held: Resources
) -> None:
    market, voucher_id, _ = market_with_voucher(held, **LARGE)
    town = Town(held, client, market, voucher_id, Phone())
    with transaction(held.sessions) as session:
        digits = shown(session, voucher_id).typed_code
        unknown = {"verified_at": None, "id_number_sealed": None, "id_number_index": None}
        session.execute(update(Resident).values(**unknown))
    checked = [{"code": digits, "second_check": "1234"}]
    town.refused(digits, "proof-needed", vouchers=checked)
