"""A bound on how long and how large a request's body may be, before a view waits for it.

The web server hands over a request when its headers are complete. Without this, clients that send
one byte and pause would hold every thread of a process for ever.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from io import BytesIO
from itertools import count
from threading import Lock, Thread
from typing import Any

import orjson

from coupon_service.core.errors import ProblemError, RequestTimeoutError, TooLargeError

# Where the server puts a function that answers the request at once, from any thread: status,
# headers, pieces of the body. The first answer counts. A server that has no such function must
# bound the time by itself.
ANSWER = "coupon_service.answer"

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]
Answer = Callable[[int, Headers, Iterator[bytes]], object]

# A larger body has as much time again for each of these: three megabits a second are enough.
_EXTRA_TIME_BYTES = 4 * 1024 * 1024
# How often the watch looks; a body is given up so much later than it is due at most.
_LOOK_EVERY_S = 0.25
# Long enough for an answer to be on its way before the connection ends.
_SENT_WITHIN_S = 0.25


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
        self._watch = _Watch()

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
        body = self._read(environ, wanted)
        if body is None:
            return _refuse(RequestTimeoutError, start_response)
        if len(body) > limit_bytes:
            return _refuse(TooLargeError, start_response)
        # From here on a chunked body is like any other, so that the routes' own limits hold.
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input"] = BytesIO(body)
        return self._wsgi(environ, start_response)

    def _read(self, environ: Environ, wanted: int) -> bytes | None:
        """Up to `wanted` bytes; None if they do not come, or not in time."""
        stream, answer = environ["wsgi.input"], environ.get(ANSWER)
        if answer is None:
            return _whole(stream, wanted)
        within_s = self._within_s * (1 + wanted // _EXTRA_TIME_BYTES)
        watched = self._watch.begin(answer, within_s)
        body = _whole(stream, wanted)
        return body if self._watch.end(watched) else None


class _Watch:
    """A thread that answers for those who wait for a body too long.

    A read cannot be interrupted, and the server does not let go of a request whose body is being
    read: it stands still, with all its threads, until that client goes. But a read ends with its
    connection, and the server closes a connection whose answer remains incomplete.
    """

    def __init__(self) -> None:
        self._reading: dict[int, tuple[float, Answer]] = {}
        self._numbers = count()
        self._lock = Lock()
        self._thread: Thread | None = None

    def begin(self, answer: Answer, within_s: float) -> int:
        """Watch a read that begins now; returns its number."""
        if self._thread is None:
            self._start()
        number = next(self._numbers)
        self._reading[number] = (time.monotonic() + within_s, answer)
        return number

    def end(self, number: int) -> bool:
        """Whether the read ended before it was given up. Only one of both takes the entry out."""
        return self._reading.pop(number, None) is not None

    def _start(self) -> None:
        # Not before the first body: this process may have been forked after it was made.
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._look, name="body deadline", daemon=True)
                self._thread.start()

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY_S)
            now = time.monotonic()
            for number, (due, answer) in self._reading.copy().items():
                if due <= now and self.end(number):
                    Thread(target=_give_up, args=(answer,), name="body given up").start()


def _give_up(answer: Answer) -> None:
    """Answer all but a last line break, and leave it at that."""
    status, headers, body = _refusal(RequestTimeoutError, ending=b"\n")

    def pieces() -> Iterator[bytes]:
        yield body.removesuffix(b"\n")
        time.sleep(_SENT_WITHIN_S)

    answer(int(status), headers, pieces())


def _whole(stream: Any, wanted: int) -> bytes | None:
    """Up to `wanted` bytes, None if the connection broke.

    A read may return fewer than were asked for before the end.
    """
    parts, missing = [], wanted
    try:
        while missing > 0 and (part := stream.read(missing)):
            parts.append(part)
            missing -= len(part)
    except Exception:  # noqa: BLE001  # whatever the server says of a broken connection
        return None
    return b"".join(parts)


def _refuse(error: type[ProblemError], start_response: StartResponse) -> Iterable[bytes]:
    status, headers, body = _refusal(error)
    start_response(f"{int(status)} {status.phrase}", headers)
    return [body]


def _refusal(
    error: type[ProblemError], *, ending: bytes = b""
) -> tuple[HTTPStatus, Headers, bytes]:
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
    body += ending
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    return error.status, headers, body
