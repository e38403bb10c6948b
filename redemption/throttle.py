"""How often a till may ask, and how often it may guess.

Every request is counted against its till, its merchant and the network it comes from, and every
fresh voucher against itself: a code that is shown again and again wears out wherever that is.

What is typed can be guessed, so it has budgets of its own, smaller ones. A guess is charged before
it is judged, and given back if it was right: guesses that come at once are not free. Once a budget
is spent every guess is refused alike, right or wrong, so going on guessing tells nothing. Scanning
goes on meanwhile: a signature cannot be guessed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import Response, after_this_request

from coupon_service.core.auth import principal
from coupon_service.core.errors import TooManyRequestsError
from coupon_service.core.limits import limiter
from coupon_service.core.resources import resources
from coupon_service.core.this_request import this_g, this_request
from coupon_service.issuance.device import network_hash
from coupon_service.vouchers.errors import SecondCheckWrongError
from redemption.errors import CodeNotRecognisedError
from redemption.limits import Limit, Limits, Standing, Wish, limits
from redemption.present import Showing
from redemption.schemas import ShowingBody
from redemption.verify import is_typed

View = TypeVar("View", bound=Callable[..., Any])

SCANS_PER_TILL = 120
SHOWINGS_PER_VOUCHER = 10
_MINUTE_S = 60
_HOUR_S = 3_600


def scans(view: View) -> View:
    """Count each request to the view, also one that is refused before it comes to its vouchers."""

    @wraps(view)
    def counted(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        finally:
            if "counted" not in this_g():
                _count_alone(wish_of(()))

    return cast(View, counted)


def wish_of(showings: Sequence[Showing]) -> Wish:
    """What this request, with what it shows, is to be counted as: once, by whoever asks for it.

    A till has a budget per address, the others have one for all.
    """
    this_g().counted = True
    who, settings = principal(), resources().settings
    at = f"{who.id.hex}:{this_request().endpoint}"
    merchant = who.merchant_id.hex if who.merchant_id else ""
    wish = [
        Limit("till", at, SCANS_PER_TILL, _MINUTE_S),
        Limit("merchant", merchant, settings.scans_per_merchant_max, _MINUTE_S),
        Limit("network", network_hash().hex(), settings.scans_per_network_max, _MINUTE_S),
    ]
    wish += [
        Limit("voucher", shown, SHOWINGS_PER_VOUCHER, _MINUTE_S)
        for shown in dict.fromkeys(_name(one) for one in showings if _is_fresh(one))
    ]
    return wish


def counting() -> Limits | None:
    """Who counts; nobody where the settings switch these limits off."""
    return limits() if resources().settings.rate_limits_enabled else None


def tell(standing: Standing | None) -> None:
    """Let the answer say how much is left, as draft-ietf-httpapi-ratelimit-headers has it.

    Raises:
        TooManyRequestsError: the request did not pass.
    """
    if standing is None:
        return
    limit, reset_s = standing.limit, -(-standing.reset_ms // 1000)

    @after_this_request
    def describe(response: Response) -> Response:
        policy = f'"{limit.name}";q={limit.amount};w={limit.window_s}'
        response.headers["RateLimit-Policy"] = policy
        response.headers["RateLimit"] = f'"{limit.name}";r={max(0, standing.left)};t={reset_s}'
        if not standing.passed:
            # On a till's page, too, which shows a refusal in its own way.
            response.headers["Retry-After"] = str(max(1, reset_s))
        return response

    if not standing.passed:
        raise TooManyRequestsError


@contextmanager
def guessing(vouchers: Sequence[ShowingBody]) -> Iterator[None]:
    """Around the use of codes: typed ones that are not recognised, or answered wrong, are guesses.

    Raises:
        TooManyRequestsError: too many were wrong, whatever these are.
    """
    counts = counting()
    if counts is None or not any(is_typed(one.code) or one.second_check for one in vouchers):
        yield
        return
    wish = _guess()
    (standing,) = counts.ask([wish])
    if not standing.passed:
        # Nothing but this is said: not even how often the right voucher was shown.
        this_g().counted = True
        tell(standing)
    try:
        yield
    except (CodeNotRecognisedError, SecondCheckWrongError):
        raise
    except BaseException:
        counts.give_back(wish, standing)
        raise
    counts.give_back(wish, standing)


def _guess() -> Wish:
    who = principal()
    merchant = who.merchant_id.hex if who.merchant_id else ""
    network = network_hash().hex()
    return [
        Limit("till-guesses", who.id.hex, 6, _MINUTE_S),
        Limit("till-guesses", who.id.hex, 40, _HOUR_S),
        Limit("merchant-guesses", merchant, 30, _MINUTE_S),
        Limit("merchant-guesses", merchant, 200, _HOUR_S),
        Limit("network-guesses", network, 60, _MINUTE_S),
        Limit("network-guesses", network, 600, _HOUR_S),
    ]


def _count_alone(wish: Wish) -> None:
    counts = counting()
    if counts is not None:
        tell(*counts.ask([wish]))


def _name(showing: Showing) -> str:
    voucher = showing.voucher
    return voucher.hex if isinstance(voucher, UUID) else f"{voucher.release_number}-{voucher.seat}"


def _is_fresh(showing: Showing) -> bool:
    """Whether it may work. An old picture, if it counted, would wear out its holder's voucher."""
    until = showing.scan.good_until if showing.scan else None
    return until is None or until > datetime.now(UTC)


def _till() -> str:
    return principal().id.hex


orders = limiter.shared_limit("240/minute", "till-orders", key_func=_till)
reversals = limiter.shared_limit("30/minute", "till-reversals", key_func=_till)
