"""The Flask application, without what costs every request and is not used here.

Everything is one of Flask's own points of extension, and does what Flask does: looks up once what
never changes after the start, such as the hooks of an endpoint or the route of a path.
"""

from collections.abc import Callable
from itertools import chain
from typing import Any, TypeVar, cast

from flask import Flask, Response
from flask.globals import request_ctx
from flask.sessions import NullSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask.wrappers import Request
from flask_openapi3 import OpenAPI
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, Rule

from coupon_service.core.answer import Answer
from coupon_service.core.errors import ProblemError
from coupon_service.core.this_request import this_request

Hook = Callable[..., Any]
Refuse = Callable[[ProblemError], ResponseReturnValue]
K = TypeVar("K")

# How many paths and hosts are remembered, and how long ones: nobody can fill the memory with them.
_KEPT = 4_096
_CHARS_MAX = 200


class NoSessions(SecureCookieSessionInterface):
    """Nothing is kept in Flask's session: a sign-in is a row and a cookie of our own."""

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002
        return _NO_SESSION


_NO_SESSION = NullSession()


class Adapter(MapAdapter):
    """werkzeug's adapter of one request. A path that was found once is not looked for again."""

    found: dict[tuple[str, str], tuple[Rule, dict[str, Any]]]

    def match(self, *args: Any, **kwargs: Any) -> Any:
        """The rule, or its endpoint, and the values in the path; of this request's by default."""
        if args or kwargs != {"return_rule": True}:
            return super().match(*args, **kwargs)
        key = (self.default_method, self.path_info)
        known = self.found.get(key)
        if known is None:
            known = cast(tuple[Rule, dict[str, Any]], super().match(return_rule=True))
            if len(self.path_info) <= _CHARS_MAX:
                _keep(self.found, key, known)
        rule, values = known
        return rule, values.copy()


class Application(OpenAPI):
    """flask-openapi3's application.

    Attributes:
        refuse: makes a refusal an answer.
    """

    response_class = Answer
    session_interface = NoSessions()
    refuse: Refuse | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._hooks_before: dict[str | None, tuple[Hook, ...]] = {}
        self._hooks_after: dict[str | None, tuple[Hook, ...]] = {}
        self._hosts: dict[tuple[str | None, ...], tuple[str, MapAdapter]] = {}
        self._found: dict[tuple[str, str], tuple[Rule, dict[str, Any]]] = {}
        super().__init__(*args, **kwargs)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view and no hook is a coroutine, so Flask need not look at each one every time."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """The adapter of the request; where it came to is worked out once per host."""
        if request is None:
            return super().create_url_adapter(request)
        environ = request.environ
        host = environ.get("HTTP_HOST")
        is_long = host is not None and len(host) > _CHARS_MAX
        if is_long or "HTTP_UPGRADE" in environ or not environ.get("PATH_INFO"):
            return super().create_url_adapter(request)
        came_to = (
            environ["wsgi.url_scheme"],
            host,
            environ.get("SERVER_NAME"),
            environ.get("SERVER_PORT"),
            environ.get("SCRIPT_NAME"),
        )
        known = self._hosts.get(came_to)
        if known is None:
            made = super().create_url_adapter(request)
            assert made is not None
            known = (request.host, made)
            _keep(self._hosts, came_to, known)
        request.host, like = known
        adapter = Adapter(
            self.url_map,
            like.server_name,
            like.script_name,
            like.subdomain,
            like.url_scheme,
            request.path,
            request.method,
            request.query_string.decode(errors="replace"),
        )
        adapter.found = self._found
        return adapter

    def preprocess_request(self) -> ResponseReturnValue | None:
        """Call the hooks before a request; the first answer of one counts."""
        if self.url_value_preprocessors:
            return super().preprocess_request()
        asked = this_request()
        hooks = self._hooks_before.get(asked.endpoint)
        if hooks is None:
            names = (None, *reversed(asked.blueprints))
            funcs = self.before_request_funcs
            hooks = tuple(chain.from_iterable(funcs.get(name, ()) for name in names))
            self._hooks_before[asked.endpoint] = hooks
        for hook in hooks:
            answer: ResponseReturnValue | None = hook()
            if answer is not None:
                return answer
        return None

    def process_response(self, response: Response) -> Response:
        """Call the hooks after a request."""
        if request_ctx._after_request_functions:
            return super().process_response(response)
        asked = this_request()
        hooks = self._hooks_after.get(asked.endpoint)
        if hooks is None:
            funcs = self.after_request_funcs
            names = (*asked.blueprints, None)
            hooks = tuple(chain.from_iterable(reversed(funcs.get(name, ())) for name in names))
            self._hooks_after[asked.endpoint] = hooks
        for hook in hooks:
            response = hook(response)
        return response

    def handle_user_exception(self, e: Exception) -> HTTPException | ResponseReturnValue:
        """What is answered to an exception; to a refusal, always the same way."""
        if self.refuse is not None and isinstance(e, ProblemError):
            return self.refuse(e)
        return super().handle_user_exception(e)


def _keep(known: dict[K, Any], key: K, value: Any) -> None:
    """Remember it; once there are too many, begin anew."""
    if len(known) >= _KEPT:
        known.clear()
    known[key] = value
