"""What is at hand in a request, for code that every request runs.

Flask's `request`, `g` and `current_app` look up what they stand for each time they are touched.
"""

from typing import cast

from flask import Flask, Request, current_app, g, request
from flask.ctx import _AppCtxGlobals


def this_request() -> Request:
    """The request itself."""
    return cast(Request, request._get_current_object())  # type: ignore[attr-defined]


def this_app() -> Flask:
    """The application itself."""
    return cast(Flask, current_app._get_current_object())  # type: ignore[attr-defined]


def this_g() -> _AppCtxGlobals:
    """What `g` stands for: the request's own notes."""
    return cast(_AppCtxGlobals, g._get_current_object())
