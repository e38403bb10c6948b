"""What every request passes: an id, its bounds, authorization, headers, and problem+json."""

import re
import secrets
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, current_app, g, redirect, render_template, request
from flask.json.provider import JSONProvider
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from coupon_service.core import auth, errors
from coupon_service.core.answer import Answer, whole_answer
from coupon_service.core.application import Application
from coupon_service.core.auth import Kind
from coupon_service.core.body_limit import allow_body
from coupon_service.core.compress import compressed
from coupon_service.core.display import init_display, this_path
from coupon_service.core.errors import ProblemError
from coupon_service.core.i18n import in_locale, select_locale
from coupon_service.core.ids import new_id
from coupon_service.core.log import get_logger
from coupon_service.core.resources import Resources
from coupon_service.core.this_request import this_app, this_g, this_request

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
# How a phone is held is for the AR scene only, which says so itself.
_POLICY = "camera=(self), geolocation=(self), accelerometer=(), gyroscope=(), magnetometer=()"
_JSON = "application/json"
# What pydantic says of a body that is no JSON, or no object.
_NOT_AN_OBJECT = frozenset({"json_invalid", "model_type", "model_attributes_type"})
_PROBLEM_JSON = "application/problem+json"

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
        return whole_answer(body, HTTPStatus.OK, _JSON)


def init_web(app: Application, held: Resources) -> None:
    """Attach everything of this module to the application."""
    settings = held.settings
    app.json = OrjsonProvider(app)
    app.config["MAX_CONTENT_LENGTH"] = settings.body_limit_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.body_limit_bytes
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.before_request(_begin)
    app.after_request(_finish)
    app.refuse = _problem_response
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)
    app.add_template_global(_csp_nonce, "csp_nonce")
    init_display(app)


def problem_body(error: ProblemError) -> bytes:
    """The problem document of this refusal, in the visitor's language."""
    # A request id is letters, digits, `_` and `-`: nothing in it has to be escaped.
    request_id: bytes = this_g().get("request_id", "").encode()
    extra = orjson.dumps(error.extra) if error.extra else b"{}"
    more = b"," + extra[1:] if error.extra else b"}"
    which = (type(error), select_locale())
    constant = _constants.get(which) or _constants.setdefault(which, _constant_members(*which))
    return constant + request_id + b'"' + more


# By class and locale.
_constants: dict[tuple[type[ProblemError], str], bytes] = {}


def _constant_members(kind: type[ProblemError], locale: str) -> bytes:
    """What every refusal of this class says, up to the request's id, which is still to come."""
    members = {
        "type": f"/docs/errors#{kind.slug}",
        "title": kind.title,
        "status": int(kind.status),
        "slug": kind.slug,
        "detail": in_locale(kind.sentence, locale),
    }
    return orjson.dumps(members)[:-1] + b',"request_id":"'


def invalid_request(error: ValidationError) -> Response:
    """Say which field is wrong and how, never what was sent: it may be an ID number."""
    faults = error.errors(include_input=False, include_context=False, include_url=False)
    if faults and faults[0]["type"] in _NOT_AN_OBJECT:
        return _problem_response(errors.MalformedJsonError())
    fields = [
        {"field": ".".join(_safe(part) for part in fault["loc"]), "fault": fault["type"]}
        for fault in faults[:20]
    ]
    return _problem_response(errors.InvalidRequestError(fields=fields))


def wants_html() -> bool:
    """Whether a person is looking: pages answer pages, the API answers problem+json."""
    asked = this_request()
    return not asked.path.startswith(API_PREFIX) and bool(asked.accept_mimetypes.accept_html)


def _begin() -> None:
    asked = this_request()
    given = asked.environ.get("HTTP_X_REQUEST_ID")
    is_fit = given is not None and _REQUEST_ID.fullmatch(given)
    this_g().request_id = given if is_fit else new_id().hex
    endpoint = asked.endpoint
    if endpoint is None:
        return  # the router's 404 or 405 is about to be raised
    if endpoint in OPEN_ENDPOINTS or endpoint.endswith(".static"):
        return
    if endpoint.partition(".")[0] in OPEN_BLUEPRINTS:
        return
    view = this_app().view_functions[endpoint]
    auth.enforce(auth.access_of(view))
    allow_body(view)


def _finish(response: Response) -> Response:
    headers, notes, endpoint = response.headers, this_g(), this_request().endpoint
    headers.add("X-Request-ID", notes.get("request_id", ""))
    if "refreshed" in notes:
        auth.refresh_cookies(response)
    if endpoint is not None and endpoint.endswith("static"):
        if "v" in request.args:
            # `asset` puts the content's hash into the address.
            headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
        response = compressed(response)
    if headers.get("Content-Type", "").startswith("text/html"):
        nonce = f"'nonce-{notes.csp_nonce}'" if "csp_nonce" in notes else ""
        headers.setdefault(
            "Content-Security-Policy",
            f"default-src 'self'; script-src 'self' 'wasm-unsafe-eval' {nonce};"
            " img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self';"
            " frame-ancestors 'none'",
        )
        headers.setdefault("Permissions-Policy", _POLICY)
    # Pages and answers belong to whoever asked; only static files may be kept by others.
    if "Cache-Control" not in headers:
        headers.add("Cache-Control", "no-store")
    return response


def _problem_response(error: ProblemError) -> Response:
    if wants_html():
        door = _door(error)
        if door is not None:
            return door
        page = render_template("core/problem.html", error=error, home=_area() or "/")
        response = Answer(page, error.status, mimetype="text/html")
    else:
        response = whole_answer(problem_body(error), error.status, _PROBLEM_JSON)
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
