"""What a visitor chooses about the pages, kept on their own phone: large type, their place."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, request

from coupon_service.core.auth import Kind, require
from coupon_service.core.display import LARGE, TEXT_SIZE_COOKIE, return_path
from coupon_service.mobile.near import Position, remember

_KEPT_S = 31_536_000

bp = Blueprint("mobile_choices", __name__)


@bp.post("/text-size")
@require(Kind.ANYONE)
def choose_text_size() -> Response:
    """Large type and fewer choices, or the standard pages."""
    response = _back()
    if request.form.get("size") == LARGE:
        response.set_cookie(TEXT_SIZE_COOKIE, LARGE, max_age=_KEPT_S, samesite="Lax", httponly=True)
    else:
        response.delete_cookie(TEXT_SIZE_COOKIE)
    return response


@bp.post("/near")
@require(Kind.ANYONE)
def choose_place() -> Response:
    """Keep on the phone, for half an hour, where the visitor stands; without a place, forget it."""
    response = _back()
    remember(response, Position.parse(request.form.get("lat", ""), request.form.get("lon", "")))
    return response


def _back() -> Response:
    """To the page the form was on, with its query."""
    came_from = urlsplit(request.referrer or "")
    path = f"{came_from.path}?{came_from.query}".removesuffix("?")
    here = return_path(path) if came_from.netloc == request.host else "/"
    return redirect(here, 303)  # type: ignore[return-value]  # werkzeug's redirect is Flask's Response here
