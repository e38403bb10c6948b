"""Reading the cookies this service sets itself, without parsing everybody else's."""

import re
from functools import cache

from coupon_service.core.this_request import this_request


def sent_cookie(name: str) -> str | None:
    """The cookie of that name; None if it is missing or no value that this service ever sets."""
    header: str | None = this_request().environ.get("HTTP_COOKIE")
    if header is None:
        return None
    found = _pattern(name).search(header)
    return None if found is None else found[1]


@cache
def _pattern(name: str) -> re.Pattern[str]:
    # Letters, digits, `_`, `-` and `.`: all that tokens, hashes and locales are written in.
    return re.compile(rf"(?:^|;) *{re.escape(name)}=([A-Za-z0-9_.-]+) *(?:;|$)")
