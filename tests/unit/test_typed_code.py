"""Twelve digits name one seat, and do not tell their neighbours."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from coupon_service.campaigns.models import RELEASE_NUMBER_MAX, SEATS_MAX
from coupon_service.vouchers.typed_code import read_typed_code, typed_code

KEY = bytes(32)
NUMBERS = st.integers(1, RELEASE_NUMBER_MAX)
SEATS = st.integers(1, SEATS_MAX)


@given(NUMBERS, SEATS)
def test_a_code_is_twelve_digits_that_give_back_their_seat(number: int, seat: int) -> None:
    code = typed_code(KEY, number, seat)
    assert len(code) == 12
    assert code.isdigit()
    assert read_typed_code(KEY, code) == (number, seat)


def test_consecutive_seats_have_codes_far_apart() -> None:
    codes = [int(typed_code(KEY, 1, seat)) for seat in range(1, 1001)]
    assert len(set(codes)) == 1000
    assert min(abs(a - b) for a, b in pairwise(codes)) > 1_000


@given(st.text(max_size=20))
def test_other_text_names_no_seat(text: str) -> None:
    if not (len(text) == 12 and text.isascii() and text.isdigit()):
        assert read_typed_code(KEY, text) is None


def test_another_key_reads_another_seat() -> None:
    assert read_typed_code(bytes([1]) * 32, typed_code(KEY, 7, 7)) != (7, 7)
