"""The level-2 code: a phone's proof, and the fixed vectors that docs/qr.md prints."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from coupon_service.vouchers import base32
from coupon_service.vouchers.errors import InvalidTokenError
from coupon_service.vouchers.keys import Keyring, LocalSigner
from coupon_service.vouchers.paper_code import (
    PAPER_CHARS,
    PaperCode,
    issue_paper_code,
    paper_code_of,
)
from coupon_service.vouchers.proof import (
    ANSWER_CHARS,
    GOOD_FOR_S,
    PROOF_BYTES,
    PROOF_CHARS,
    proof_of,
)
from coupon_service.vouchers.token import TOKEN_BYTES, VoucherFacts, issue_token
from redemption.errors import CodeNotRecognisedError
from redemption.verify import Way, read_code
from tests.factories.phones import Phone
from tests.unit.test_token import FACTS, NOW, RING

DOCUMENT = Path(__file__).parents[2] / "docs" / "qr.md"
PHONE = Phone()
BOUND = VoucherFacts(**(FACTS.__dict__ | {"phone_key": PHONE.public_key}))
TOKEN = issue_token(RING, BOUND, now=NOW, ttl_s=86_400)
PROOF = PHONE.prove(TOKEN, NOW, counter=7)


def test_a_proof_says_which_voucher_when_and_how_often() -> None:
    assert len(PROOF) == PROOF_CHARS == 340
    proof = proof_of(RING, base32.decode(PROOF))
    assert proof.token.facts == BOUND
    assert (proof.shown_at, proof.counter) == (NOW, 7)


def test_a_scanned_proof_is_good_for_half_a_minute_around_its_second() -> None:
    scan = read_code(PROOF, keyring=RING, typed_key=b"k" * 32, skew_s=5)
    assert (scan.way, scan.voucher) == (Way.PROOF, BOUND.voucher_id)
    assert (scan.phone_key, scan.proof_counter) == (PHONE.public_key, 7)
    margin = timedelta(seconds=GOOD_FOR_S + 5)
    assert (scan.good_from, scan.good_until) == (NOW - margin, NOW + margin)


def test_a_proof_is_not_good_for_longer_than_the_token_in_it() -> None:
    short = issue_token(RING, BOUND, now=NOW, ttl_s=10)
    scan = read_code(PHONE.prove(short, NOW), keyring=RING, typed_key=b"k" * 32)
    assert scan.good_until == NOW + timedelta(seconds=10)


def test_no_proof_with_one_bit_flipped_is_accepted() -> None:
    raw = base32.decode(PROOF)
    for index in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[index // 8] ^= 1 << index % 8
        with pytest.raises(CodeNotRecognisedError):
            read_code(base32.encode(bytes(flipped)), keyring=RING, typed_key=b"k" * 32)


def test_a_proof_that_answers_a_till_says_what_and_nothing_of_it_can_be_changed() -> None:
    answer = PHONE.prove(TOKEN, NOW, counter=8, challenge="0427")
    assert len(answer) == ANSWER_CHARS == 343
    scan = read_code(answer, keyring=RING, typed_key=b"k" * 32)
    assert (scan.way, scan.proof_counter, scan.challenge) == (Way.PROOF, 8, 427)
    raw = base32.decode(answer)
    for index in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[index // 8] ^= 1 << index % 8
        with pytest.raises(CodeNotRecognisedError):
            read_code(base32.encode(bytes(flipped)), keyring=RING, typed_key=b"k" * 32)


def test_an_answer_of_five_digits_is_none() -> None:
    with pytest.raises(InvalidTokenError):
        proof_of(RING, base32.decode(PHONE.prove(TOKEN, NOW, challenge="10000")))


def test_a_proof_is_not_taken_for_an_answer_nor_an_answer_for_a_proof() -> None:
    raw = base32.decode(PROOF)
    answer = base32.decode(PHONE.prove(TOKEN, NOW, challenge="0427"))
    for forged in (
        b"\x04" + raw[1:-64] + b"\x01\xab" + raw[-64:],
        b"\x02" + answer[1:-66] + answer[-64:],
    ):
        with pytest.raises(InvalidTokenError):
            proof_of(RING, forged)


def test_a_proof_of_another_phone_is_refused() -> None:
    with pytest.raises(InvalidTokenError):
        proof_of(RING, base32.decode(Phone().prove(TOKEN, NOW)))


def test_a_proof_around_a_token_for_no_phone_is_refused() -> None:
    token = issue_token(RING, FACTS, now=NOW, ttl_s=300)
    with pytest.raises(InvalidTokenError):
        proof_of(RING, base32.decode(PHONE.prove(token, NOW)))


def test_a_signature_is_not_taken_from_one_voucher_to_another() -> None:
    other = VoucherFacts(**(BOUND.__dict__ | {"voucher_id": UUID(int=1)}))
    theirs = base32.decode(issue_token(RING, other, now=NOW, ttl_s=86_400))
    raw = base32.decode(PROOF)
    with pytest.raises(InvalidTokenError):
        proof_of(RING, raw[:1] + theirs + raw[1 + TOKEN_BYTES :])


@given(st.binary(min_size=PROOF_BYTES, max_size=PROOF_BYTES))
def test_no_bytes_of_the_right_length_are_taken_for_a_proof(raw: bytes) -> None:
    with pytest.raises(InvalidTokenError):
        proof_of(RING, raw)


@given(st.binary(min_size=0, max_size=62))
def test_bytes_behind_a_genuine_token_signed_by_nobody_are_refused(tail: bytes) -> None:
    raw = base32.decode(PROOF)[: PROOF_BYTES - 72] + tail
    with pytest.raises(InvalidTokenError):
        proof_of(RING, raw)


def test_a_sheet_says_which_voucher_and_which_print() -> None:
    code = PaperCode(FACTS.voucher_id, 3, FACTS.expires_at)
    text = issue_paper_code(RING, code)
    assert len(text) == PAPER_CHARS == 141
    assert paper_code_of(RING, base32.decode(text)) == code
    scan = read_code(text, keyring=RING, typed_key=b"k" * 32)
    assert (scan.way, scan.voucher, scan.paper_serial) == (Way.PAPER, FACTS.voucher_id, 3)


def test_no_sheet_with_one_bit_flipped_is_accepted() -> None:
    raw = base32.decode(issue_paper_code(RING, PaperCode(FACTS.voucher_id, 1, FACTS.expires_at)))
    for index in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[index // 8] ^= 1 << index % 8
        with pytest.raises(CodeNotRecognisedError):
            read_code(base32.encode(bytes(flipped)), keyring=RING, typed_key=b"k" * 32)


@given(st.binary(min_size=1, max_size=60))
def test_base32_has_one_spelling_for_all_bytes(raw: bytes) -> None:
    text = base32.encode(raw)
    assert len(text) == base32.chars_of(len(raw))
    assert base32.decode(text) == raw
    for other in (text + "=", text + "1", text + " "):
        with pytest.raises(InvalidTokenError):
            base32.decode(other)


def _vector(name: str) -> str:
    """A fenced value of the document, its lines joined."""
    found = re.search(rf"`{name}`[^\n]*\n\n```\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None, name
    return found[1].replace("\n", "")


def _secret(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int(_vector(name), 16), ec.SECP256R1())


def test_the_vectors_of_the_document_are_read_as_it_says() -> None:
    point = _secret("issuer secret").public_key()
    ring = Keyring(
        LocalSigner(1, int(_vector("issuer secret"), 16).to_bytes(32)),
        {1: point.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)},
    )
    at = datetime(2026, 5, 1, 2, 0, tzinfo=UTC)
    phone = Phone(_secret("phone secret"))
    for name, key in (("plain token", None), ("bound token", phone.public_key)):
        scan = read_code(_vector(name), keyring=ring, typed_key=b"k" * 32)
        assert (scan.way, scan.voucher) == (Way.TOKEN, FACTS.voucher_id)
        assert scan.phone_key == key
    proof = read_code(_vector("proof"), keyring=ring, typed_key=b"k" * 32)
    assert (proof.way, proof.phone_key) == (Way.PROOF, phone.public_key)
    assert (proof.proof_counter, proof.good_until) == (
        int(at.timestamp()),
        at + timedelta(seconds=GOOD_FOR_S),
    )
    paper = read_code(_vector("paper code"), keyring=ring, typed_key=b"k" * 32)
    assert (paper.way, paper.voucher, paper.paper_serial) == (Way.PAPER, FACTS.voucher_id, 1)
