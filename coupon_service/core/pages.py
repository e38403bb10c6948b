"""The shared design system's templates and static files, the errors, and the language switch."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, render_template, request

from coupon_service.core.auth import Kind, require
from coupon_service.core.error_catalogue import catalogue
from coupon_service.core.i18n import language_response

bp = Blueprint(
    "core",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/core",
)


@bp.get("/docs/errors")
@require(Kind.ANYONE)
def list_errors() -> str:
    """What each problem's `type` points at."""
    return render_template("core/errors.html", errors=catalogue())


@bp.post("/language")
@require(Kind.ANYONE)
def switch_language() -> Response:
    """Remember the visitor's language and go back to the page they were on."""
    came_from = urlsplit(request.referrer or "/")
    same_site = came_from.netloc in ("", request.host)
    back = came_from.path if same_site and came_from.path.startswith("/") else "/"
    return language_response(request.form.get("language", ""), back)
