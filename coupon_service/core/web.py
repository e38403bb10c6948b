"""What every request passes: an id, its bounds, authorization, headers, and problem+json."""

import re
import secrets
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Flask, Response, current_app, g, redirect, render_template, request
from flask.json.provider import JSONProvider
from flask_babel import gettext
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from coupon_service.core import auth, errors
from coupon_service.core.auth import Kind
from coupon_service.core.compress import init_compression
from coupon_service.core.display import init_display, this_path
from coupon_service.core.errors import ProblemError
from coupon_service.core.ids import new_id
from coupon_service.core.log import get_logger
from coupon_service.core.resources import Resources

API_PREFIX = "/api/"
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
# Views that Flask and the API description bring along, none of which shows or changes anything of
# ours. They cannot carry `@require`, so they are named.
OPEN_ENDPOINTS = frozenset({"static", "openapi.doc_url", "openapi.root", "openapi.openapi"})
OPEN_BLUEPRINTS = frozenset({"swagger"})

# Where a person signs in, by what the page demands; also where "home" is in that area.
_AREAS: dict[Kind, str] = {
    Kind.RESIDENT: "",
    Kind.TILL: "/till",
    Kind.MERCHANT_OWNER: "/merchant",
    Kind.OFFICIAL: "/admin",
    Kind.AUDITOR: "/admin",
    Kind.ADMINISTRATOR: "/admin",
}
_YEAR_S = 31_536_000

log = get_logger(__name__)

_BY_STATUS: dict[int, type[ProblemError]] = {
    HTTPStatus.BAD_REQUEST: errors.InvalidRequestError,
    HTTPStatus.NOT_FOUND: errors.NotFoundError,
    HTTPStatus.METHOD_NOT_ALLOWED: errors.MethodNotAllowedError,
    HTTPStatus.REQUEST_TIMEOUT: errors.RequestTimeoutError,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: errors.TooLargeError,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: errors.UnsupportedMediaTypeError,
    HTTPStatus.TOO_MANY_REQUESTS: errors.TooManyRequestsError,
}


class OrjsonProvider(JSONProvider):
    """orjson for Flask: several times faster, and it refuses NaN and infinity in what it reads."""

    def dumps(self, obj: Any, **_kwargs: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        body = orjson.dumps(self._prepare_response_obj(args, kwargs))
        return Response(body, mimetype="application/json")


def init_web(app: Flask, held: Resources) -> None:
    """Attach everything of this module to the application."""
    settings = held.settings
    app.json = OrjsonProvider(app)
    app.config["MAX_CONTENT_LENGTH"] = settings.body_limit_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.body_limit_bytes
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.before_request(_begin)
    app.after_request(auth.refresh_cookies)
    app.after_request(_finish)
    app.register_error_handler(ProblemError, _problem_response)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)
    app.add_template_global(_csp_nonce, "csp_nonce")
    init_display(app)
    init_compression(app)


def problem_document(error: ProblemError) -> dict[str, Any]:
    """The members of the problem document for this refusal."""
    return {
        "type": f"/docs/errors#{error.slug}",
        "title": error.title,
        "status": int(error.status),
        "slug": error.slug,
        "detail": gettext(error.sentence),
        "request_id": g.get("request_id"),
        **error.extra,
    }


def invalid_request(error: ValidationError) -> Response:
    """Say which field is wrong and how, never what was sent: it may be an ID number."""
    faults = error.errors(include_input=False, include_context=False, include_url=False)
    if faults and faults[0]["type"] in ("model_type", "model_attributes_type"):
        return _problem_response(errors.MalformedJsonError())
    fields = [
        {"field": ".".join(_safe(part) for part in fault["loc"]), "fault": fault["type"]}
        for fault in faults[:20]
    ]
    return _problem_response(errors.InvalidRequestError(fields=fields))


def wants_html() -> bool:
    """Whether a person is looking: pages answer pages, the API answers problem+json."""
    return not request.path.startswith(API_PREFIX) and bool(request.accept_mimetypes.accept_html)


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else new_id().hex
    if request.url_rule is None or request.endpoint is None:
        return  # the router's 404 or 405 is about to be raised
    if request.endpoint in OPEN_ENDPOINTS or request.endpoint.endswith(".static"):
        return
    if request.blueprint in OPEN_BLUEPRINTS:
        return
    auth.enforce(auth.access_of(current_app.view_functions[request.endpoint]))


def _finish(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if response.mimetype == "text/html":
        nonce = f"'nonce-{g.csp_nonce}'" if "csp_nonce" in g else ""
        response.headers.setdefault(
            "Content-Security-Policy",
            f"default-src 'self'; script-src 'self' 'wasm-unsafe-eval' {nonce};"
            " img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self';"
            " frame-ancestors 'none'",
        )
        response.headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(self)")
    # Pages and answers belong to whoever asked; only static files may be kept by others.
    if "v" in request.args and (request.endpoint or "").endswith(".static"):
        # `asset` puts the content's hash into the address.
        response.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
    elif "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


def _problem_response(error: ProblemError) -> Response:
    if wants_html():
        door = _door(error)
        if door is not None:
            return door
        page = render_template("core/problem.html", error=error, home=_area() or "/")
        response = Response(page, mimetype="text/html")
    else:
        response = Response(
            orjson.dumps(problem_document(error)), mimetype="application/problem+json"
        )
    response.status_code = int(error.status)
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _door(error: ProblemError) -> Response | None:
    """The page where a person can do what the refusal asks for, and come back."""
    area = _area()
    if area is None:
        return None
    if isinstance(error, errors.NotSignedInError):
        address = f"{area}/sign-in"
    elif isinstance(error, auth.RealNameNeededError):
        address = f"{area}/real-name"
    else:
        return None
    query = urlencode({"next": this_path()})
    return redirect(f"{address}?{query}", HTTPStatus.SEE_OTHER)  # type: ignore[return-value]  # Flask's Response


def _area() -> str | None:
    """The area of the page asked for: of residents, tills, merchants or officials."""
    view = current_app.view_functions.get(request.endpoint or "")
    access = auth.access_of(view) if view else None
    kinds = access.kinds if access else ()
    return next((area for kind, area in _AREAS.items() if kind in kinds), None)


def _http_error(error: HTTPException) -> Response | HTTPException:
    if error.response is not None or error.code is None or error.code < 400:
        return error  # a redirect, or an answer that is ready
    return _problem_response(_BY_STATUS.get(error.code, _generic(error.code))())


def _generic(status: int) -> type[ProblemError]:
    return errors.InvalidRequestError if status < 500 else ProblemError


def _unexpected(_error: Exception) -> Response:
    log.exception("request failed", path=request.path, request_id=g.get("request_id"))
    return _problem_response(ProblemError())


def _csp_nonce() -> str:
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _safe(part: int | str) -> str:
    """A field's name; a name the caller invented is not repeated."""
    text = str(part)
    return text if re.fullmatch(r"[a-z0-9_]{1,40}", text) else "?"
