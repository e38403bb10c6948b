"""Cells of CSV files that people open in a spreadsheet."""

import re

BOM = "\ufeff"  # without it, Excel reads UTF-8 as the machine's own code page

# What Excel, WPS and LibreOffice take for the start of a formula, full-width forms included.
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
# Controls, soft hyphen, zero-width, direction, line separators, interlinear and tag characters.
# Spelt out and not asked of `unicodedata`: a newer Python must still write the same bytes.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def safe_cell(text: str) -> str:
    """Text that no spreadsheet runs, and that stays on its line and reads in its direction.

    Unseen characters (line breaks, NUL, right-to-left marks) become spaces; a leading apostrophe
    makes a text of what would be a formula. For texts only: a negative amount is no formula.
    """
    plain = _UNSEEN.sub(" ", text).strip()
    return f"'{plain}" if plain.startswith(_FORMULA_STARTS) else plain
