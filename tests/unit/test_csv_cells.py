"""Texts in CSV files stay texts in every spreadsheet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupon_service.core.csv_cells import safe_cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("庆丰小馆", "庆丰小馆"),
        ("=1+1", "'=1+1"),
        ("＝1", "'＝1"),
        ("\t@SUM(A1)", "'@SUM(A1)"),
        ("a\r\nb\x00c", "a  b c"),
        ("\u202eevil", "evil"),
        ("😀 店", "😀 店"),
        ("a=b", "a=b"),
    ],
)
def test_only_what_a_spreadsheet_would_misread_is_changed(text: str, cell: str) -> None:
    assert safe_cell(text) == cell


@given(st.text())
def test_no_text_becomes_a_formula_or_a_second_line(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n"))
    assert len(cell.splitlines()) <= 1
