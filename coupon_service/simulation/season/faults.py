"""A fault of a data file: where it is, and one plain English sentence about it."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

_SHOWN_CHARS_MAX = 40
_SHOWN_BITS_MAX = 256


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong in one file.

    Attributes:
        file: the file's name inside its season folder.
        line: counted from 1; where nothing better is known, the line of the table or row.
    """

    file: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}"


def shown(value: object) -> str:
    """A value from a file as it may be printed: short, and with nothing that moves a cursor."""
    # Python refuses to write out an integer of thousands of digits; hexadecimal TOML can hold one.
    is_huge = isinstance(value, int) and value.bit_length() > _SHOWN_BITS_MAX
    text = "a very large number" if is_huge else str(value)
    clipped = text if len(text) <= _SHOWN_CHARS_MAX else text[: _SHOWN_CHARS_MAX - 1] + "…"
    safe = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in clipped)
    return f'"{safe}"'


def unknown_name(what: str, name: str, known: Sequence[str]) -> str:
    """`what` is not one of `known`; the likeliest of them, or all where they are few."""
    near = get_close_matches(name, known, n=1)
    if near:
        return f"{what} {shown(name)} is not known; did you mean {shown(near[0])}?"
    if 0 < len(known) <= 20:
        return f"{what} {shown(name)} is not known; it must be one of {', '.join(known)}."
    return f"{what} {shown(name)} is not known."


def text_fault(text: str) -> str | None:
    """What makes a text unfit to be shown, logged or exported; None when it is fit."""
    if text != text.strip():
        return "must not begin or end with a space"
    if unicodedata.normalize("NFC", text) != text:
        return "must be in Unicode normal form NFC"
    for char in text:
        # Cc controls, Cf right-to-left marks and other invisibles, Co private use, Cs surrogates.
        if unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"):
            return f"must not hold the invisible character U+{ord(char):04X}"
    # A spreadsheet would run it; the full-width twins become the plain ones in some of them.
    if text[:1] in ("=", "+", "-", "@", "＝", "＋", "－", "＠"):
        return "must not begin like a spreadsheet formula (= + - @)"
    return None


# What each kind of pydantic error means to whoever wrote the file; it follows the field's name.
_SENTENCES = {
    "missing": "is missing",
    "int_type": "must be a whole number, not {input}",
    "int_type_fen": "must be a whole number of fen (1 yuan is 100 fen), not {input}",
    "float_type": "must be a decimal number, not {input}",
    "finite_number": "must be a finite number",
    "bool_type": "must be yes or no, not {input}",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "enum": "must be one of {expected}; not {input}",
    "string_too_long": "is longer than {max_length} characters",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "too_long": "has more than {max_length} entries",
    "greater_than_equal": "must be at least {ge:,}, not {input}",
    "less_than_equal": "must be at most {le:,}, not {input}",
    "value_error": "{error}",
}


def field_sentence(field: str, error: Mapping[str, Any]) -> str:
    """One plain sentence for one pydantic error about `field`."""
    kind = error["type"]
    if kind == "int_type" and field.endswith("_fen"):
        kind = "int_type_fen"
    template = _SENTENCES.get(kind)
    if template is None:
        return f"`{field}`: {error['msg']}."
    said = template.format(input=shown(error["input"]), **error.get("ctx", {}))
    return f"`{field}` {said}."
