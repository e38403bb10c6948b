"""Codes that were damaged, forged or made to hurt: refused quickly, in flat memory, untraced."""

import json
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from coupon_service.core.db import transaction
from coupon_service.core.personal import derive_key
from coupon_service.core.resources import Resources
from coupon_service.vouchers.keys import keyring
from coupon_service.vouchers.models import Voucher, VoucherState
from coupon_service.vouchers.show import typed_code_key
from redemption.errors import CodeNotRecognisedError
from redemption.models import Redemption
from redemption.verify import read_code
from tests.factories.redemption import Counter, market_with_voucher
from tests.invariants import assert_invariants

ANSWER_S_MAX = 0.05
MEMORY_BYTES_MAX = 4 * 1024 * 1024

MALFORMED_CODES: list[object] = [
    "",
    "A",
    "=" * 223,
    "A" * 223,
    "A" * 224,
    "1" * 11,
    "1" * 13,
    "１２３４５６７８９０１２",
    "-" * 223,
    "\x00" * 12,
    "ı" * 223,
    "🧧" * 60,
    "A" * 60_000,
    " " * 60_000,
    ["AAAA"],
    {"vouchers": [{"code": "AAAA"}]},
    None,
    True,
    123456789012,
]

MALFORMED_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"[" * 30_000,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"vouchers":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"vouchers":[{"code":"A","code":"A"}],"order_no":"A-1","order_fen":8000}',
    b'{"vouchers":[{"code":"' + b"A" * 60_000 + b'"}],"order_no":"A-1","order_fen":8000}',
    b'{"vouchers":[{"code":"A"}],"order_no":"A-1","order_fen":8000,"discount_fen":8000}',
    b'{"vouchers":[{"code":"A"}],"order_no":"A-1","order_fen":8000,"voucher_id":"x"}',
    b'{"vouchers":[{"code":"A"}],"order_no":"A-1","order_fen":' + b"9" * 5_000 + b"}",
    b'{"vouchers":[{"code":"\\ud800"}],"order_no":"A-1","order_fen":8000}',
    b'{"vouchers":[{"code":"A"}],"order_no":"A-1","order_fen":8000}\x00',
    b'\xff\xfe{"vouchers":[{"code":"A"}]}',
    b'{"vouchers":[{"code":"A"}],"order_no":"=1+1","order_fen":8000}',
    b'{"vouchers":[{"code":"A"}],"order_no":"' + "订单".encode() + b'","order_fen":8000}',
]


def flipped(text: str) -> Iterator[str]:
    """The text with each of its bits flipped in turn, as far as that is a text."""
    raw = text.encode()
    for index in range(len(raw) * 8):
        damaged = bytearray(raw)
        damaged[index // 8] ^= 1 << index % 8
        yield damaged.decode("latin-1")


def redeem_at(client: FlaskClient, counter: Counter, code: object) -> TestResponse:
    body = {"vouchers": [{"code": code}], "order_no": "A-1", "order_fen": 8_000}
    return client.post("/api/v1/redemptions", json=body, headers=counter.headers)


def assert_untouched(held: Resources) -> None:
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count(Redemption.id))).scalar_one() == 0
        assert set(session.scalars(select(Voucher.state))) == {VoucherState.ISSUED}
    assert_invariants(held)


def test_no_bit_of_a_token_can_be_flipped(held: Resources) -> None:
    _, voucher_id, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        ring = keyring(session)
    assert read_code(code.token, keyring=ring, typed_key=typed_code_key()).voucher == voucher_id
    for damaged in flipped(code.token):
        with pytest.raises(CodeNotRecognisedError):
            read_code(damaged, keyring=ring, typed_key=typed_code_key())


def test_a_till_accepts_no_code_with_a_flipped_bit(client: FlaskClient, held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    damaged = [*flipped(code.typed_code), *list(flipped(code.token))[::7]]
    answers = [redeem_at(client, market.counter, text) for text in damaged]
    assert {answer.status_code for answer in answers} == {400}
    assert_untouched(held)


def test_digits_enciphered_under_another_key_name_no_voucher(held: Resources) -> None:
    market, _, code = market_with_voucher(held)
    other = derive_key("another deployment's secret", "typed-code/1")
    with transaction(held.sessions) as session:
        ring = keyring(session)
    try:
        scan = read_code(code.typed_code, keyring=ring, typed_key=other)
    except CodeNotRecognisedError:
        return
    assert scan.voucher != (market.release.number, 1)


def test_malformed_codes_are_refused_quickly(client: FlaskClient, held: Resources) -> None:
    market, _, _ = market_with_voucher(held)
    redeem_at(client, market.counter, "warm")
    for text in MALFORMED_CODES:
        started = time.process_time()
        answer = redeem_at(client, market.counter, text)
        took_s = time.process_time() - started
        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json"), text
        assert took_s < ANSWER_S_MAX, text
    assert_untouched(held)


def test_a_token_cut_short_anywhere_or_doubled_is_refused(
    client: FlaskClient, held: Resources
) -> None:
    market, _, code = market_with_voucher(held)
    damaged = [code.token[:length] for length in range(1, len(code.token), 9)]
    damaged += [code.token[length:] for length in range(1, len(code.token), 9)]
    damaged += [code.token * 2, code.token + code.token[:8], code.token[::-1]]
    assert {redeem_at(client, market.counter, text).status_code for text in damaged} == {400}
    assert_untouched(held)


def test_malformed_bodies_are_refused_quickly_in_flat_memory(
    client: FlaskClient, held: Resources
) -> None:
    market, _, _ = market_with_voucher(held)
    redeem_at(client, market.counter, "warm")

    def send(raw: bytes) -> TestResponse:
        return client.post(
            "/api/v1/redemptions",
            data=raw,
            content_type="application/json",
            headers=market.counter.headers,
        )

    for raw in MALFORMED_BODIES:
        started = time.process_time()
        answer = send(raw)
        took_s = time.process_time() - started
        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json"), raw[:40]
        assert took_s < ANSWER_S_MAX, raw[:40]
    tracemalloc.start()
    for raw in MALFORMED_BODIES * 10:
        send(raw)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < MEMORY_BYTES_MAX
    assert_untouched(held)


def test_a_body_above_the_limit_is_not_read(client: FlaskClient, held: Resources) -> None:
    market, _, _ = market_with_voucher(held)
    body = json.dumps({"vouchers": "A" * held.settings.body_limit_bytes})
    answer = client.post(
        "/api/v1/redemptions",
        data=body,
        content_type="application/json",
        headers=market.counter.headers,
    )
    assert answer.status_code == 413
    assert_untouched(held)
