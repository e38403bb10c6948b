"""The request at hand, for code that every request runs."""

from typing import cast

from flask import Request, request


def this_request() -> Request:
    """The request itself. Flask's `request` looks it up anew each time it is touched."""
    return cast(Request, request._get_current_object())  # type: ignore[attr-defined]
