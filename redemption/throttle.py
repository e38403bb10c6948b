"""How often a till may ask, and how often it may be wrong.

Wrong codes have a budget of their own, a small one for typed digits, which can be guessed. Once it
is spent every such code is refused alike, right or wrong, so going on guessing tells nothing.
Scanning goes on meanwhile: a signature cannot be guessed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, g, request

from coupon_service.core.auth import principal
from coupon_service.core.limits import limiter
from coupon_service.vouchers.errors import SecondCheckWrongError
from redemption.errors import CodeNotRecognisedError
from redemption.verify import is_typed


@contextmanager
def counting_wrong_codes() -> Iterator[None]:
    """Around the use of a code: one that is not recognised, or answered wrong, is the till's."""
    try:
        yield
    except (CodeNotRecognisedError, SecondCheckWrongError):
        g.wrong_code = True
        raise


def _till() -> str:
    return principal().id.hex


def _code_was_wrong(_response: Response) -> bool:
    return bool(g.get("wrong_code"))


def _code_is_scanned() -> bool:
    return not any(isinstance(code, str) and is_typed(code) for code in _codes())


def _codes() -> Iterator[Any]:
    """Whatever the request brings as codes, of any type: it is validated later."""
    if not request.is_json:
        yield from request.form.getlist("code")
        return
    body = request.get_json(silent=True)
    vouchers = body.get("vouchers") if isinstance(body, dict) else None
    for shown in vouchers if isinstance(vouchers, list) else ():
        yield shown.get("code") if isinstance(shown, dict) else None


# Of each address its own: this is the limit that answers describe in `RateLimit`.
scans = limiter.limit("120/minute", key_func=_till)
wrong_codes = limiter.shared_limit(
    "60/minute", "till-wrong-codes", key_func=_till, deduct_when=_code_was_wrong
)
wrong_digits = limiter.shared_limit(
    "6/minute;40/hour",
    "till-wrong-digits",
    key_func=_till,
    exempt_when=_code_is_scanned,
    deduct_when=_code_was_wrong,
)
orders = limiter.shared_limit("240/minute", "till-orders", key_func=_till)
reversals = limiter.shared_limit("30/minute", "till-reversals", key_func=_till)
