"""The shared design system's templates and static files, and the language switch."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from coupon_service.core.auth import Kind, require
from coupon_service.core.i18n import language_response

bp = Blueprint(
    "core",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/core",
)


@bp.post("/language")
@require(Kind.ANYONE)
def switch_language() -> Response:
    """Remember the visitor's language and go back to the page they were on."""
    came_from = urlsplit(request.referrer or "/")
    same_site = came_from.netloc in ("", request.host)
    back = came_from.path if same_site and came_from.path.startswith("/") else "/"
    return language_response(request.form.get("language", ""), back)
