"""How large a request's body may be: one bound for all routes, and more where a route says so."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, request

from coupon_service.core import auth

View = TypeVar("View", bound=Callable[..., Any])

_LIMIT = "body_limit_bytes"


def body_limit(limit_bytes: int) -> Callable[[View], View]:
    """Let a view take larger bodies than the common bound, from those whom it lets in."""

    def mark(view: View) -> View:
        setattr(view, _LIMIT, limit_bytes)
        return view

    return mark


def allow_body(view: Callable[..., Any]) -> None:
    """Give the current request the view's own bound, if it has one."""
    limit_bytes = _declared(view)
    if limit_bytes is not None:
        request.max_content_length = limit_bytes
        # Of a form's parser it bounds not only fields but also the pieces a file is read in.
        request.max_form_memory_size = limit_bytes


def bound_of(app: Flask, environ: dict[str, Any]) -> int:
    """The bound for a request of which only the headers have arrived, in bytes.

    A view's own bound is for whom it lets in: others must not fill the memory or hold a thread.

    Raises:
        ProblemError: the view has a bound of its own, and refuses the caller.
    """
    with app.request_context(environ):
        view = app.view_functions.get(request.endpoint or "")
        limit_bytes = _declared(view)
        if view is None or limit_bytes is None:
            return cast(int, app.config["MAX_CONTENT_LENGTH"])
        auth.enforce(auth.access_of(view))
        return limit_bytes


def _declared(view: Callable[..., Any] | None) -> int | None:
    return cast(int | None, getattr(view, _LIMIT, None))
