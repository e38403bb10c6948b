"""The level-1 token: what is signed is read back, and nothing else is read at all."""

import base64
import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from coupon_service.vouchers.errors import ExpiredTokenError, InvalidTokenError
from coupon_service.vouchers.keys import Keyring, LocalSigner
from coupon_service.vouchers.token import TOKEN_CHARS, VoucherFacts, issue_token, read_token

NOW = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
FACTS = VoucherFacts(
    voucher_id=UUID("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"),
    release_number=42,
    face_fen=2_000,
    threshold_fen=5_000,
    not_before=NOW,
    expires_at=NOW + timedelta(days=7),
)


def make_keyring(kid: int = 1) -> Keyring:
    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    secret = private.private_numbers().private_value.to_bytes(32)
    return Keyring(LocalSigner(kid, secret), {kid: point})


RING = make_keyring()


def test_a_token_says_what_was_signed() -> None:
    text = issue_token(RING, FACTS, now=NOW, ttl_s=300)
    assert len(text) == TOKEN_CHARS == 223
    token = read_token(RING, text, now=NOW)
    assert token.facts == FACTS
    assert token.token_expires_at == NOW + timedelta(seconds=300)


def test_a_token_dies_with_its_own_expiry() -> None:
    text = issue_token(RING, FACTS, now=NOW, ttl_s=300)
    assert read_token(RING, text, now=NOW + timedelta(seconds=299))
    with pytest.raises(ExpiredTokenError):
        read_token(RING, text, now=NOW + timedelta(seconds=300))


def test_no_token_with_one_bit_flipped_is_accepted() -> None:
    text = issue_token(RING, FACTS, now=NOW, ttl_s=300)
    for position in range(len(text)):
        for bit in range(8):
            flipped = text[:position] + chr(ord(text[position]) ^ 1 << bit) + text[position + 1 :]
            with pytest.raises(InvalidTokenError):
                read_token(RING, flipped, now=NOW)


def test_a_token_of_another_or_a_revoked_key_is_refused() -> None:
    text = issue_token(make_keyring(), FACTS, now=NOW, ttl_s=300)
    with pytest.raises(InvalidTokenError):
        read_token(RING, text, now=NOW)
    unknown = issue_token(make_keyring(kid=9), FACTS, now=NOW, ttl_s=300)
    with pytest.raises(InvalidTokenError):
        read_token(RING, unknown, now=NOW)


@given(st.text(max_size=400))
def test_no_text_at_all_does_more_than_be_refused(text: str) -> None:
    with pytest.raises(InvalidTokenError):
        read_token(RING, text, now=NOW)


@given(st.binary(min_size=139, max_size=139))
def test_no_bytes_of_the_right_length_are_taken_for_a_token(raw: bytes) -> None:
    with pytest.raises(InvalidTokenError):
        read_token(RING, base64.b32encode(raw).decode().rstrip("="), now=NOW)


def test_one_token_can_be_written_in_one_way_only() -> None:
    text = issue_token(RING, FACTS, now=NOW, ttl_s=300)
    for other in (text.lower(), text + "=", text + " ", " " + text, text[:-1] + os.linesep):
        with pytest.raises(InvalidTokenError):
            read_token(RING, other, now=NOW)
