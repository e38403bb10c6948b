"""How a claim code is written, and what is forgiven who types it."""

import pytest

from coupon_service.issuance.codes.code_text import CODE_CHARS, fresh_code, normalised, shown


@pytest.mark.parametrize(
    "typed",
    [
        "7K1Q-M20H",
        " 7k1q m20h ",
        "7K1QM20H",
        "７Ｋ１Ｑ－Ｍ２０Ｈ",
        "7KIQ–M2OH",
        "7klq_m2oh",
    ],
)
def test_capitals_blanks_dashes_and_look_alikes_do_not_matter(typed: str) -> None:
    assert normalised(typed) == "7K1QM20H"


@pytest.mark.parametrize(
    "typed", ["", "7K1QM20", "7K1QM20HH", "7K1QM20U", "消费券消费券", "\0" * 8, "x" * 500]
)
def test_what_is_no_code_has_no_normal_form(typed: str) -> None:
    assert normalised(typed) is None


def test_a_fresh_code_reads_back_as_itself() -> None:
    for _ in range(200):
        code = fresh_code()
        assert len(code) == CODE_CHARS
        assert normalised(shown(code)) == code
