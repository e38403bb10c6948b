"""Reading what was scanned or typed."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from coupon_service.vouchers.keys import Keyring, LocalSigner
from coupon_service.vouchers.token import VoucherFacts, issue_token
from coupon_service.vouchers.typed_code import typed_code
from redemption.errors import CodeNotRecognisedError
from redemption.verify import CODE_CHARS_MAX, SeatRef, is_typed, read_code

NOW = datetime(2026, 6, 18, 4, 0, tzinfo=UTC)
TYPED_KEY = b"k" * 32


def make_keyring(kid: int = 1) -> Keyring:
    private = ec.generate_private_key(ec.SECP256R1())
    secret = private.private_numbers().private_value.to_bytes(32)
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return Keyring(LocalSigner(kid, secret), {kid: point})


RING = make_keyring()
FACTS = VoucherFacts(
    voucher_id=uuid4(),
    release_number=7,
    face_fen=2_000,
    threshold_fen=5_000,
    not_before=NOW,
    expires_at=NOW + timedelta(days=30),
)
TOKEN = issue_token(RING, FACTS, now=NOW, ttl_s=300)


def test_a_token_names_its_voucher_and_until_when_it_was_shown() -> None:
    scan = read_code(TOKEN, keyring=RING, typed_key=TYPED_KEY)
    assert scan.voucher == FACTS.voucher_id
    assert scan.good_until == NOW + timedelta(seconds=300)


@pytest.mark.parametrize(
    "text",
    [
        f" {TOKEN}\r\n",
        " ".join(TOKEN[start : start + 8] for start in range(0, len(TOKEN), 8)),
        TOKEN.lower(),
    ],
)
def test_a_token_survives_what_a_wedge_scanner_does_to_it(text: str) -> None:
    assert read_code(text, keyring=RING, typed_key=TYPED_KEY).voucher == FACTS.voucher_id


def test_a_token_with_only_some_letters_in_lower_case_is_damaged() -> None:
    damaged = TOKEN.replace("A", "a", 1)
    assert damaged != TOKEN
    with pytest.raises(CodeNotRecognisedError):
        read_code(damaged, keyring=RING, typed_key=TYPED_KEY)


def test_a_token_of_another_issuer_with_the_same_key_id_is_refused() -> None:
    with pytest.raises(CodeNotRecognisedError):
        read_code(TOKEN, keyring=make_keyring(), typed_key=TYPED_KEY)


def test_a_token_of_an_unknown_key_id_is_refused() -> None:
    with pytest.raises(CodeNotRecognisedError):
        read_code(TOKEN, keyring=make_keyring(kid=2), typed_key=TYPED_KEY)


@given(
    number=st.integers(1, 99_999),
    seat=st.integers(1, 9_999_999),
    gap=st.sampled_from(["", " ", "-", "  "]),
)
def test_typed_digits_name_release_and_seat_however_they_are_grouped(
    number: int, seat: int, gap: str
) -> None:
    digits = typed_code(TYPED_KEY, number, seat)
    scan = read_code(
        gap.join((digits[:4], digits[4:8], digits[8:])), keyring=RING, typed_key=TYPED_KEY
    )
    assert scan.voucher == SeatRef(number, seat)
    assert scan.good_until is None


@given(st.text(max_size=2 * CODE_CHARS_MAX))
def test_any_other_text_is_refused_and_breaks_nothing(text: str) -> None:
    is_typed(text)
    if text.isascii() and text.replace(" ", "").isdigit():
        return  # may name a seat; the database says whether there is one
    with pytest.raises(CodeNotRecognisedError):
        read_code(text, keyring=RING, typed_key=TYPED_KEY)


@given(st.binary(min_size=139, max_size=139))
def test_any_bytes_in_a_tokens_clothes_are_refused(raw: bytes) -> None:
    import base64

    text = base64.b32encode(raw).decode().rstrip("=")
    with pytest.raises(CodeNotRecognisedError):
        read_code(text, keyring=RING, typed_key=TYPED_KEY)
