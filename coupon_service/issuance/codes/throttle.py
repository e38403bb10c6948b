"""How often a resident, and a network, may be wrong about a claim code.

Once that is spent every code is refused alike, right or wrong. Right codes cost nothing, so that a
hall full of people behind one address can all come in.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Response, g

from coupon_service.core.auth import principal
from coupon_service.core.limits import limiter
from coupon_service.issuance.codes.errors import ClaimCodeNotGoodError
from coupon_service.residents.throttle import network


@contextmanager
def counting_wrong_codes() -> Iterator[None]:
    """Around the use of a claim code: one that is not good is charged to who typed it."""
    try:
        yield
    except ClaimCodeNotGoodError:
        g.wrong_claim_code = True
        raise


def _resident() -> str:
    return principal().id.hex


def _was_wrong(_response: Response) -> bool:
    return bool(g.get("wrong_claim_code"))


# Forty random bits against twenty wrong tries an hour: nobody finds one.
residents = limiter.shared_limit(
    "6/minute;20/hour", "claim-code-resident", key_func=_resident, deduct_when=_was_wrong
)
networks = limiter.shared_limit(
    "60/minute;300/hour", "claim-code-network", key_func=network, deduct_when=_was_wrong
)
