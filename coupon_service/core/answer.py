"""The response class of the application: quick where a body is at hand, Flask's own elsewhere."""

from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response
from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_WITHOUT_BODY = frozenset({*range(100, 200), 204, 304})
# What every answer says.
_ALWAYS = [("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin")]


class Answer(Response):
    """Flask's response. A whole body goes to the server as a list, which it sends in one piece."""

    def get_wsgi_response(
        self, environ: "WSGIEnvironment"
    ) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """Body, status line and headers."""
        if self._is_whole and environ["REQUEST_METHOD"] != "HEAD":
            # Flask would look at every header again; these say what they have to.
            return self.response, self.status, self.headers.to_wsgi_list() + _ALWAYS  # type: ignore[return-value]  # bytes, as `_is_whole` says
        body, status, headers = super().get_wsgi_response(environ)
        return body, status, headers + _ALWAYS

    @property
    def _is_whole(self) -> bool:
        """One piece of bytes with its length, nothing to be done afterwards, and no redirect."""
        body, headers = self.response, self.headers
        return (
            type(body) is list
            and len(body) == 1
            and type(body[0]) is bytes
            and not self._on_close
            and self.status_code not in _WITHOUT_BODY
            and "Content-Length" in headers
            and "Location" not in headers
        )


def whole_answer(body: bytes, status: HTTPStatus, content_type: str) -> Answer:
    """An answer whose body is at hand: put together at once, where Flask would go step by step."""
    headers = Headers([("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return Answer([body], _status_line(status), headers)


@cache
def _status_line(status: HTTPStatus) -> str:
    return f"{int(status)} {status.phrase.upper()}"
