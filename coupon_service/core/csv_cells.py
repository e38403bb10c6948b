"""Cells of CSV files that people open in a spreadsheet."""

import unicodedata

# What Excel, WPS and LibreOffice take for the start of a formula, full-width forms included.
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
BOM = "\ufeff"  # without it, Excel reads UTF-8 as the machine's own code page


def safe_cell(text: str) -> str:
    """Text that no spreadsheet runs, and that stays on its line and reads in its direction.

    Control and formatting characters (line breaks, NUL, right-to-left marks) become spaces; a
    leading apostrophe makes a text of what would be a formula. For texts only: a negative amount
    is no formula.
    """
    plain = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text).strip()
    return f"'{plain}" if plain.startswith(_FORMULA_STARTS) else plain
