"""Tills at a real server of several processes, which are killed and cut off from PostgreSQL.

A till that hears "unknown", or nothing, asks the same again. In the end what all tills were told is
what the database holds: each order once, and never a refusal of what was done.
"""

import random
import threading
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import psutil
import pytest
from flask_openapi3 import OpenAPI
from sqlalchemy import select

from coupon_service.campaigns.models import Stacking
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources, resources
from coupon_service.vouchers.show import Shown
from redemption.models import Order, OrderState
from tests.factories.campaigns import another_event, make_campaign, make_release
from tests.factories.redemption import Market, make_counter, make_market, make_voucher, shown
from tests.harness.proxy import CutAtCommit, Proxy, postgres_between
from tests.harness.tills import ANSWERED_WITHIN_S, PatientTill, assert_told_the_truth
from tests.harness.web import Served, at_once, web_server_to_kill
from tests.invariants import assert_invariants

WORKERS = 3
TILLS = 8
KILLS = 20
CUTS = 15
WORKER_LIVES_S = 0.4
VOUCHERS_PER_TILL = 6


@dataclass(frozen=True)
class Town:
    """A market, its tills, and the typed codes of the vouchers shown at each."""

    market: Market
    tills: list[PatientTill]
    codes: list[list[str]]


@pytest.fixture(scope="module")
def app(shared_app: OpenAPI) -> OpenAPI:
    return shared_app


@pytest.fixture(scope="module")
def between(app: OpenAPI) -> Iterator[tuple[Proxy, Served]]:
    """A real server, and the proxy between it and PostgreSQL."""
    with (
        postgres_between(resources().settings) as (through, proxy),
        web_server_to_kill(through, web_workers=WORKERS, web_threads=8) as served,
    ):
        yield proxy, served


@pytest.fixture
def proxy(between: tuple[Proxy, Served]) -> Proxy:
    return between[0]


@pytest.fixture
def served(between: tuple[Proxy, Served]) -> Served:
    return between[1]


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    limits = httpx.Limits(max_connections=4 * TILLS)
    with httpx.Client(base_url=served.url, timeout=20, limits=limits) as client:
        yield client


def build(held: Resources, http: httpx.Client, *, tills: int, vouchers: int) -> Town:
    """Tills of merchants of their own; vouchers of which several may pay one order."""
    with transaction(held.sessions) as session:
        market = make_market(session, threshold_fen=1_000, stacking=Stacking.ANY)
        counters = [make_counter(session, market.small.district) for _ in range(tills)]
        codes = [
            [
                shown(session, make_voucher(session, market.release)).typed_code
                for _ in range(vouchers)
            ]
            for _ in counters
        ]
    return Town(market, [PatientTill(http, counter) for counter in counters], codes)


def let_it_recover(http: httpx.Client, till: PatientTill) -> None:
    """Until no process has a connection left that another test cut."""

    def ask(_index: int) -> int:
        headers = till.counter.headers | {"Connection": "close"}  # another process each time
        return http.get("/api/v1/redemptions/none", headers=headers).status_code

    deadline = time.monotonic() + ANSWERED_WITHIN_S
    while set(at_once(4 * TILLS, ask)) != {404}:
        assert time.monotonic() < deadline


def redeem(till: PatientTill, code: str) -> bool:
    return bool(till.redeem("A-1", code).json()["repeated"])


def refund(till: PatientTill, code: str) -> bool:
    return bool(till.refund("A-1", 4_000).json()["repeated"])


def reverse(till: PatientTill, code: str) -> bool:
    till.reverse("A-1")
    return False  # an undone order looks alike, however often it is asked for


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize(
    ("act", "statement"),
    [
        (redeem, b"INSERT INTO orders"),
        (refund, b"INSERT INTO refunds"),
        (reverse, b"UPDATE orders"),
    ],
)
def test_a_commit_without_an_answer_is_unknown_and_asking_again_resolves_it(
    held: Resources,
    http: httpx.Client,
    proxy: Proxy,
    *,
    act: Callable[[PatientTill, str], bool],
    statement: bytes,
    arrives: bool,
) -> None:
    town = build(held, http, tills=1, vouchers=1)
    (till,), ((code,),) = town.tills, town.codes
    if act is not redeem:
        redeem(till, code)
    proxy.cut()  # new connections have prepared nothing, so their statements can be read
    unheard = till.unheard
    at_commit = CutAtCommit(proxy, after=statement, arrives=arrives)
    repeated = act(till, code)
    assert at_commit.was_due
    assert till.unheard > unheard
    assert repeated is (arrives and act is not reverse)
    assert_told_the_truth(held, town.market, [till])


def trade(town: Town, index: int, over: threading.Event, *, seed: int) -> None:
    """Redeem, and take back in one of two ways what then can be used again, until it is over."""
    till, codes, choice = town.tills[index], list(town.codes[index]), random.Random(seed + index)
    number = 0
    while not over.is_set():
        number += 1
        order_no = f"A-{index}-{number}"
        till.redeem(order_no, *choice.sample(codes, choice.randint(1, 3)))
        if choice.random() < 0.5:
            till.reverse(order_no)
        else:
            till.refund(order_no, 8_000)
    till.redeem(f"A-{index}-last", *codes[:2])
    till.redeem(f"A-{index}-part", *codes[2:4])
    till.refund(f"A-{index}-part", 2_999)


def trade_while(town: Town, disturb: Callable[[], None]) -> None:
    over = threading.Event()

    def act(index: int) -> None:
        if index < len(town.tills):
            trade(town, index, over, seed=1)
            return
        try:
            disturb()
        finally:
            over.set()

    at_once(len(town.tills) + 1, act)


def test_cutting_the_way_to_the_database_again_and_again_loses_no_order_and_doubles_none(
    held: Resources, http: httpx.Client, proxy: Proxy
) -> None:
    town = build(held, http, tills=TILLS, vouchers=VOUCHERS_PER_TILL)

    def cut() -> None:
        for number in range(CUTS):
            time.sleep(0.1)
            proxy.swallow = number % 3 == 2  # what is asked is done, and its answer lost
            time.sleep(0.05)
            proxy.cut()
            proxy.swallow = False

    trade_while(town, cut)
    assert sum(till.unheard for till in town.tills) >= CUTS
    assert sum(len(till.paid) for till in town.tills) > 2 * TILLS
    assert_told_the_truth(held, town.market, town.tills)


def test_twenty_killed_web_workers_lose_no_order_and_double_none(
    held: Resources, http: httpx.Client, served: Served
) -> None:
    town = build(held, http, tills=TILLS, vouchers=VOUCHERS_PER_TILL)

    def kill() -> None:
        killed: set[int] = set()
        while len(killed) < KILLS:
            for worker in psutil.Process(served.pid).children():
                if worker.pid not in killed and time.time() - worker.create_time() > WORKER_LIVES_S:
                    worker.kill()
                    killed.add(worker.pid)
                    break
            time.sleep(0.05)

    trade_while(town, kill)
    assert sum(till.unheard for till in town.tills) >= KILLS
    assert sum(len(till.paid) for till in town.tills) > 2 * TILLS
    assert_told_the_truth(held, town.market, town.tills)


def codes_of(held: Resources, market: Market, count: int) -> list[Shown]:
    with transaction(held.sessions) as session:
        vouchers = [make_voucher(session, market.release) for _ in range(count)]
        return [shown(session, voucher_id) for voucher_id in vouchers]


def test_one_voucher_at_sixteen_tills_of_several_processes_has_one_winner(
    held: Resources, http: httpx.Client
) -> None:
    town = build(held, http, tills=16, vouchers=0)
    (code,) = codes_of(held, town.market, 1)

    def act(index: int) -> httpx.Response:
        return town.tills[index].try_to_redeem("A-1", code.token if index % 2 else code.typed_code)

    answers = at_once(16, act)
    assert Tally(answer.status_code for answer in answers) == {201: 1, 409: 15}
    assert {answer.json().get("slug") for answer in answers} == {None, "voucher-used"}
    assert_told_the_truth(held, town.market, town.tills)


def test_orders_that_want_the_same_vouchers_the_other_way_round_never_wait_for_each_other(
    held: Resources, http: httpx.Client
) -> None:
    town = build(held, http, tills=TILLS, vouchers=0)
    let_it_recover(http, town.tills[0])
    shared = [shown.typed_code for shown in codes_of(held, town.market, 40)]
    wanted: dict[tuple[int, int], list[str]] = {}
    answers: dict[tuple[int, int], httpx.Response] = {}

    def act(index: int) -> None:
        choice = random.Random(index)
        for number in range(6):
            # All want some of the same few, from either end.
            these = choice.sample(shared[number * 6 : number * 6 + 7], choice.randint(2, 4))
            wanted[index, number] = these
            answers[index, number] = town.tills[index].try_to_redeem(f"A-{number}", *these)

    at_once(TILLS, act)
    assert {answer.status_code for answer in answers.values()} == {201, 409}
    taken = [code for key, answer in answers.items() if answer.is_success for code in wanted[key]]
    assert len(taken) == len(set(taken))
    for key, answer in answers.items():
        if not answer.is_success:
            problem = answer.json()
            assert problem["slug"] == "voucher-used"
            # It names a voucher that somebody else really has.
            assert wanted[key][problem["position"] - 1] in taken
    assert sum(till.unheard for till in town.tills) == 0
    assert_told_the_truth(held, town.market, town.tills)


def test_one_order_number_with_two_amounts_at_several_processes_stands_for_one_of_them(
    held: Resources, http: httpx.Client
) -> None:
    town = build(held, http, tills=1, vouchers=1)
    (till,), ((code,),) = town.tills, town.codes

    def act(index: int) -> httpx.Response:
        return till.try_to_redeem("A-1", code, order_fen=8_000 + index % 2)

    answers = at_once(16, act)
    assert Tally(answer.status_code for answer in answers) == {201: 1, 200: 7, 409: 8}
    assert len({answer.json()["order_fen"] for answer in answers if answer.is_success}) == 1
    losers = {answer.json()["slug"] for answer in answers if not answer.is_success}
    assert losers == {"order-number-reused"}
    assert_told_the_truth(held, town.market, town.tills)


def test_a_reversal_that_overtakes_its_order_at_another_process_keeps_it_out(
    held: Resources, http: httpx.Client
) -> None:
    town = build(held, http, tills=TILLS, vouchers=1)

    def act(index: int) -> httpx.Response:
        till = town.tills[index // 2]
        if index % 2:
            return till.ask("/A-1/reversal", None)
        return till.try_to_redeem("A-1", *town.codes[index // 2])

    answers = at_once(2 * TILLS, act)
    for original, undone in zip(answers[::2], answers[1::2], strict=True):
        assert undone.status_code == 200
        assert undone.json()["state"] == ("reversed" if original.is_success else "tombstone")
        assert original.is_success or original.json()["slug"] == "order-was-reversed"
    # Each is as good as new for another order, and for that one only.
    for till, codes in zip(town.tills, town.codes, strict=True):
        till.paid.clear()
        till.redeem("A-2", *codes)
    with transaction(held.sessions) as session:
        states = session.scalars(
            select(Order.state).where(
                Order.order_no == "A-1",
                Order.merchant_id.in_([till.counter.merchant.id for till in town.tills]),
            )
        ).all()
    assert len(states) == TILLS
    assert set(states) <= {OrderState.REVERSED, OrderState.TOMBSTONE}
    assert_invariants(held)


def test_orders_out_of_two_budgets_taken_back_at_once_never_wait_for_each_other(
    held: Resources, http: httpx.Client
) -> None:
    """Each voucher takes off less than its face, so taking it back draws on its node again."""
    town = build(held, http, tills=TILLS, vouchers=0)
    let_it_recover(http, town.tills[0])
    with transaction(held.sessions) as session:
        small = town.market.small
        other = another_event(session, small)
        releases = [
            make_release(
                session,
                make_campaign(
                    session,
                    small,
                    node_id=node.id,
                    rate_bp=1_000,
                    threshold_fen=0,
                    stacking=Stacking.ANY,
                ),
            )
            for node in (small.event, other)
        ]
        codes = [
            [
                shown(session, make_voucher(session, release)).typed_code
                for release in releases[:: 1 if index % 2 else -1]
            ]
            for index in range(4 * TILLS)
        ]

    def act(index: int) -> None:
        till = town.tills[index]
        for number, pair in enumerate(codes[index::TILLS]):
            order_no = f"A-{number}"
            till.redeem(order_no, *pair)
            if number % 2:
                till.reverse(order_no)
            else:
                till.refund(order_no, 8_000)

    at_once(TILLS, act)
    assert sum(till.unheard for till in town.tills) == 0
    assert_invariants(held)
