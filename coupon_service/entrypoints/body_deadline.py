"""A bound on how long and how large a request's body may be, before a view waits for it.

The web server hands over a request when its headers are complete. Without this, thirty-two clients
that send one byte and pause would hold every thread of a process for ever.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import orjson

from coupon_service.core.errors import ProblemError, RequestTimeoutError, TooLargeError

# A read cannot be interrupted; it ends when the server closes the connection after our answer.
# Until then it holds one of these threads, which do nothing else.
READERS = 256

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]


class BodyDeadline:
    """WSGI middleware: reads the whole body within `within_s`, up to `limit_bytes`.

    `limit_bytes` is the largest of all routes; each route has its own, smaller or equal.
    """

    def __init__(self, wsgi: Wsgi, *, within_s: float, limit_bytes: int) -> None:
        self._wsgi = wsgi
        self._within_s = within_s
        self._limit_bytes = limit_bytes
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="body")

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or None
        # The server does not say whether a body without a length follows: these may have one.
        may_be_chunked = environ["REQUEST_METHOD"] in ("POST", "PUT", "PATCH")
        if length == "0" or (length is None and not may_be_chunked):
            return self._wsgi(environ, start_response)
        if length is not None and not (length.isdigit() and int(length) <= self._limit_bytes):
            return _refuse(TooLargeError, start_response)
        wanted = self._limit_bytes + 1 if length is None else int(length)
        try:
            reading = self._readers.submit(_read, environ["wsgi.input"], wanted)
            body = reading.result(timeout=self._within_s)
        except TimeoutError:
            return _refuse(RequestTimeoutError, start_response)
        if len(body) > self._limit_bytes:
            return _refuse(TooLargeError, start_response)
        # From here on a chunked body is like any other, so that the routes' own limits hold.
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input"] = BytesIO(body)
        return self._wsgi(environ, start_response)


def _read(stream: Any, wanted: int) -> bytes:
    """Up to `wanted` bytes: a read may return fewer than were asked for before the end."""
    parts, missing = [], wanted
    while missing > 0 and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _refuse(error: type[ProblemError], start_response: StartResponse) -> Iterable[bytes]:
    # Outside the application: no request, hence no language and no page.
    body = orjson.dumps(
        {
            "type": f"/docs/errors#{error.slug}",
            "title": error.title,
            "status": int(error.status),
            "slug": error.slug,
            "detail": error.sentence,
        }
    )
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    start_response(f"{int(error.status)} {error.status.phrase}", headers)
    return [body]
