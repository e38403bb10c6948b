"""Money is an integer number of fen (1 yuan = 100 fen); rates are basis points (1 % = 100 bp)."""

import re
from collections.abc import Sequence

FEN_PER_YUAN = 100
BASIS_POINTS = 10_000
MAX_FEN = 1_000_000_000_000  # 10 billion yuan: far above any season, far below BIGINT

# ASCII digits only: `\d` and int() also take full-width digits such as "１００".
_YUAN = re.compile(r"(?a:(0|[1-9]\d{0,9})(?:\.(\d{1,2}))?)")


def parse_yuan(text: str) -> int:
    """Fen of a typed amount such as `12`, `12.5` or `12.50`.

    Raises:
        ValueError: not a plain decimal amount of yuan with at most two places.
    """
    match = _YUAN.fullmatch(text)
    if match is None:
        raise ValueError("not an amount of yuan")
    whole, cents = match.groups()
    return int(whole) * FEN_PER_YUAN + int((cents or "").ljust(2, "0"))


def format_yuan(amount_fen: int) -> str:
    """`1234500` → `12,345`; `1234550` → `12,345.50`. Fen are shown only where there are any."""
    sign = "-" if amount_fen < 0 else ""
    yuan, fen = divmod(abs(amount_fen), FEN_PER_YUAN)
    return f"{sign}{yuan:,}" + (f".{fen:02d}" if fen else "")


def share_half_up(amount_fen: int, part: int, whole: int) -> int:
    """`amount_fen × part ÷ whole`, rounded half up, in fen. All arguments are non-negative."""
    return (2 * amount_fen * part + whole) // (2 * whole)


def percent_of(amount_fen: int, rate_bp: int) -> int:
    """A rate in basis points of an amount, rounded half up, in fen."""
    return share_half_up(amount_fen, rate_bp, BASIS_POINTS)


def shared_out(amount_fen: int, weights: Sequence[int]) -> list[int]:
    """An amount shared out by weight, in fen, rounded half up on the cumulative weight.

    The shares add up. While the amount does not exceed the weights' sum, none exceeds its weight.
    """
    whole, before, shared_fen, shares = sum(weights), 0, 0, []
    for weight in weights:
        before += weight
        up_to_fen = share_half_up(amount_fen, before, whole) if whole else 0
        shares.append(up_to_fen - shared_fen)
        shared_fen = up_to_fen
    return shares
