"""Codes that were damaged, forged or made to hurt: refused quickly, in flat memory, untraced."""

import json
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.personal import derive_key
from coupon_service.core.resources import Resources
from coupon_service.vouchers import base32
from coupon_service.vouchers.keys import keyring
from coupon_service.vouchers.models import Voucher, VoucherState
from coupon_service.vouchers.paper_code import PaperCode, issue_paper_code
from coupon_service.vouchers.queries import voucher_with_terms
from coupon_service.vouchers.show import typed_code_key
from redemption.errors import CodeNotRecognisedError
from redemption.models import Redemption
from redemption.verify import read_code
from tests.factories.phones import Phone, bind, bound_token, holder_of
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
    for damaged in flipped_bytes(text.encode()):
        yield damaged.decode("latin-1")


def flipped_bytes(raw: bytes) -> Iterator[bytes]:
    """The bytes with each of their bits flipped in turn."""
    for index in range(len(raw) * 8):
        damaged = bytearray(raw)
        damaged[index // 8] ^= 1 << index % 8
        yield bytes(damaged)


def redeem_at(client: FlaskClient, counter: Counter, code: object) -> TestResponse:
    body = {"vouchers": [{"code": code}], "order_no": "A-1", "order_fen": 8_000}
    return client.post("/api/v1/redemptions", json=body, headers=counter.headers)


def assert_untouched(held: Resources) -> None:
    with transaction(held.sessions) as session:
        assert session.execute(select(func.count(Redemption.id))).scalar_one() == 0
        assert set(session.scalars(select(Voucher.state))) == {VoucherState.ISSUED}
    assert_invariants(held)


@dataclass(frozen=True)
class Codes:
    """One voucher in every way it can be shown, each way good."""

    counter: Counter
    voucher_id: UUID
    typed: str
    scanned: dict[str, str]


@pytest.fixture
def codes(held: Resources) -> Codes:
    """A token, a token for a phone with its proofs, and a sheet of paper."""
    market, voucher_id, code = market_with_voucher(held)
    with transaction(held.sessions) as session:
        holder_id, now = holder_of(session, voucher_id), db_now(session)
        voucher = voucher_with_terms(session, voucher_id)
        assert voucher is not None
        sheet = PaperCode(voucher_id, 1, voucher.expires_at)
        paper = issue_paper_code(keyring(session), sheet)
    phone = Phone()
    bind(held, holder_id, phone)
    token = bound_token(held, voucher_id, phone)
    scanned = {
        "token": code.token,
        "proof": phone.prove(token, now),
        "answer": phone.prove(token, now, challenge="37"),
        "paper": paper,
    }
    return Codes(market.counter, voucher_id, code.typed_code, scanned)


WAYS = ("token", "proof", "answer", "paper")


@pytest.mark.parametrize("way", WAYS)
def test_no_bit_of_a_code_can_be_flipped(held: Resources, codes: Codes, way: str) -> None:
    """Neither of its letters as they are scanned, nor of the bytes that they stand for."""
    with transaction(held.sessions) as session:
        read = partial(read_code, keyring=keyring(session), typed_key=typed_code_key())
    text = codes.scanned[way]
    assert read(text).voucher == codes.voucher_id
    raw = base32.decode(text)
    for damaged in [*flipped(text), *map(base32.encode, flipped_bytes(raw))]:
        with pytest.raises(CodeNotRecognisedError):
            read(damaged)


@pytest.mark.parametrize("path", ["/api/v1/redemptions", "/api/v1/quotes"])
def test_a_till_accepts_no_code_with_a_flipped_bit(
    client: FlaskClient, held: Resources, codes: Codes, path: str
) -> None:
    damaged = list(flipped(codes.typed))
    for text in codes.scanned.values():
        damaged += list(flipped(text))[::131]
        damaged += [base32.encode(raw) for raw in list(flipped_bytes(base32.decode(text)))[::61]]
    body = {"order_no": "A-1", "order_fen": 8_000}
    if path.endswith("quotes"):
        del body["order_no"]
    answers = [
        client.post(path, json=body | {"vouchers": [{"code": text}]}, headers=codes.counter.headers)
        for text in damaged
    ]
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
