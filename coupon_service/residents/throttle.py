"""How often codes are asked for and tried, by phone and network; and names, by resident."""

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

from flask import g, request
from flask_limiter import RateLimitExceeded

from coupon_service.core.auth import principal
from coupon_service.core.errors import TooManyRequestsError
from coupon_service.core.limits import limiter
from coupon_service.core.resources import resources

_IPV6_NETWORK_BITS = 64


def admit_code_request(phone_index: bytes) -> None:
    """Count a wish for a code.

    Raises:
        TooManyRequestsError
    """
    g.throttled_phone = phone_index.hex()
    _count(_code_requests)


def admit_guess(phone_index: bytes) -> None:
    """Count a try of a code.

    Raises:
        TooManyRequestsError
    """
    g.throttled_phone = phone_index.hex()
    _count(_guesses)


def admit_real_name() -> None:
    """Count a try at a real name: identity numbers are not to be searched here.

    Raises:
        TooManyRequestsError
    """
    _count(_real_names)


def admit_wechat() -> None:
    """Count a return from WeChat: each costs a question to WeChat.

    Raises:
        TooManyRequestsError
    """
    _count(_wechat_returns)


def admit_invitation_code() -> None:
    """Count a try of a relative's code: they are not to be searched here.

    Raises:
        TooManyRequestsError
    """
    _count(_invitation_codes)


def network() -> str:
    """The visitor's address; of IPv6 the subscriber's /64, which one person can fill at will."""
    address = ip_address(request.remote_addr or "127.0.0.1")
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_NETWORK_BITS), strict=False))
    return str(address)


def _count(limited: Callable[[], None]) -> None:
    try:
        limited()
    except RateLimitExceeded:
        raise TooManyRequestsError from None


def _phone() -> str:
    return str(g.throttled_phone)


def _resident() -> str:
    return principal().id.hex


def _own_machine() -> bool:
    """A developer's load generator is a crowd on one address."""
    settings = resources().settings
    return settings.is_development and ip_address(request.remote_addr or "::1").is_loopback


# A carrier's NAT puts whole neighbourhoods behind one address; these stop machines, not streets.
@limiter.shared_limit(
    "60/minute;600/hour", scope="code-network", key_func=network, exempt_when=_own_machine
)
@limiter.shared_limit("3/minute;10/hour;20/day", scope="code-phone", key_func=_phone)
def _code_requests() -> None: ...


@limiter.shared_limit(
    "120/minute;1200/hour", scope="guess-network", key_func=network, exempt_when=_own_machine
)
@limiter.shared_limit("15/minute;50/hour", scope="guess-phone", key_func=_phone)
def _guesses() -> None: ...


@limiter.shared_limit(
    "60/minute;600/hour", scope="wechat-network", key_func=network, exempt_when=_own_machine
)
def _wechat_returns() -> None: ...


@limiter.shared_limit("10/hour;20/day", scope="real-name", key_func=_resident)
def _real_names() -> None: ...


# One visit looks at a code and takes it up: two counts.
@limiter.shared_limit("20/hour;40/day", scope="invitation-code", key_func=_resident)
def _invitation_codes() -> None: ...
