"""A bound on how long and how large a request's body may be, before a view waits for it.

The web server hands over a request when its headers are complete. Without this, clients that send
one byte and pause would hold every thread of a process for ever.
"""

from _thread import allocate_lock
from collections import deque
from collections.abc import Callable, Iterable
from io import BytesIO
from threading import BoundedSemaphore, Thread
from typing import Any

import orjson

from coupon_service.core.errors import ProblemError, RequestTimeoutError, TooLargeError

# Readers at work, idle, or given up and still waiting for their client. No more bodies are waited
# for at once.
READERS_MAX = 256

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]

# A larger body has as much time again for each of these: three megabits a second are enough.
_EXTRA_TIME_BYTES = 4 * 1024 * 1024


class BodyDeadline:
    """WSGI middleware: reads the whole body within `within_s`, up to `limit_bytes`.

    `bound_of` is asked only of larger bodies, and those of unknown size. It says how many bytes the
    request may bring, or raises a ProblemError: then the body stays unread, and the application
    refuses the request in its own words.
    """

    def __init__(
        self,
        wsgi: Wsgi,
        *,
        within_s: float,
        limit_bytes: int,
        bound_of: Callable[[Environ], int],
    ) -> None:
        self._wsgi = wsgi
        self._within_s = within_s
        self._limit_bytes = limit_bytes
        self._bound_of = bound_of
        self._readers = BoundedSemaphore(READERS_MAX)
        self._idle: deque[_Reader] = deque()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or None
        # The server does not say whether a body without a length follows: these may have one.
        may_be_chunked = environ["REQUEST_METHOD"] in ("POST", "PUT", "PATCH")
        if length == "0" or (length is None and not may_be_chunked):
            return self._wsgi(environ, start_response)
        if length is not None and not length.isdigit():
            return _refuse(TooLargeError, start_response)
        limit_bytes = self._limit_bytes
        if length is None or int(length) > limit_bytes:
            try:
                limit_bytes = self._bound_of(environ)
            except ProblemError:
                environ.pop("HTTP_TRANSFER_ENCODING", None)
                environ["CONTENT_LENGTH"], environ["wsgi.input"] = "0", BytesIO()
                return self._wsgi(environ, start_response)
        if length is not None and int(length) > limit_bytes:
            return _refuse(TooLargeError, start_response)
        wanted = limit_bytes + 1 if length is None else int(length)
        body = self._read(environ["wsgi.input"], wanted)
        if body is None:
            return _refuse(RequestTimeoutError, start_response)
        if len(body) > limit_bytes:
            return _refuse(TooLargeError, start_response)
        # From here on a chunked body is like any other, so that the routes' own limits hold.
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input"] = BytesIO(body)
        return self._wsgi(environ, start_response)

    def _read(self, stream: Any, wanted: int) -> bytes | None:
        """Up to `wanted` bytes; None if they do not come, or not in time."""
        try:
            reader = self._idle.pop()
        except IndexError:
            if not self._readers.acquire(blocking=False):
                return None
            reader = _Reader(on_end=self._readers.release)
        within_s = self._within_s * (1 + wanted // _EXTRA_TIME_BYTES)
        if not reader.read(stream, wanted, within_s):
            return None
        body = reader.body
        self._idle.append(reader)
        return body


class _Reader:
    """A thread that reads for others, because a read cannot be interrupted.

    One that is given up ends when the server closes the connection after our answer. This costs a
    quarter of what an executor does, and every claim has a body.
    """

    def __init__(self, on_end: Callable[[], object]) -> None:
        self.body: bytes | None = None
        self._stream: Any = None
        self._wanted = 0
        self._on_end = on_end
        self._given_up = False
        # Both are held while there is nothing to do, and nothing has been done.
        self._work, self._done = allocate_lock(), allocate_lock()
        self._work.acquire()
        self._done.acquire()
        Thread(target=self._serve, name="body", daemon=True).start()

    def read(self, stream: Any, wanted: int, within_s: float) -> bool:
        """Whether a read of up to `wanted` bytes ended in time; if not, this reader is given up.

        `body` then has what came, or is None if the connection broke.
        """
        self._stream, self._wanted = stream, wanted
        self._work.release()
        if self._done.acquire(timeout=within_s):
            return True
        self._given_up = True
        self._work.release()
        return False

    def _serve(self) -> None:
        while True:
            self._work.acquire()
            if self._given_up:
                break
            try:
                self.body = _whole(self._stream, self._wanted)
            except Exception:  # noqa: BLE001  # whatever the server says of a broken connection
                self.body = None
            self._done.release()
        self._on_end()


def _whole(stream: Any, wanted: int) -> bytes:
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
