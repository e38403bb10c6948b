"""A lean HTTP/1.1 client for crowds: one connection per caller, kept open, nothing hidden.

It exists because a general client costs more processor time than the service it would measure.
Plain HTTP only, one request at a time per connection, and no redirects, retries or cookies of its
own. For a single visitor's steps a general client is the better one.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import orjson

BODY_BYTES_MAX = 1 << 20
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie: *([^=;\s]+)=([^;\r]*)", re.IGNORECASE)


class BrokenAnswerError(ConnectionError):
    """The connection ended, or what came is no HTTP answer."""


class Answer(NamedTuple):
    """What came back. `head` is the status line and the headers, as they came."""

    status: int
    head: bytes
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body, which is a JSON object."""
        return cast(dict[str, Any], orjson.loads(self.body))

    def cookies(self) -> dict[str, str]:
        """The cookies that were set."""
        return {name.decode(): value.decode() for name, value in _COOKIE.findall(self.head)}


class Target(NamedTuple):
    """Where a service listens."""

    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Target":
        """The target of an `http://` address.

        Raises:
            ValueError: another scheme, or no host.
        """
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError("an address such as http://127.0.0.1:8000 is needed")
        return cls(parts.hostname, parts.port or 80)

    @property
    def authority(self) -> str:
        """As in the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def encode(
    target: Target,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    json: object = None,
) -> bytes:
    """A request, ready to be sent."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    body = b""
    if json is not None:
        body = orjson.dumps(json)
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    elif method != "GET":
        lines.append("Content-Length: 0")
    return "\r\n".join(lines).encode() + _HEAD_END + body


class Connection(asyncio.Protocol):
    """One open connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiting: asyncio.Future[Answer] | None = None
        self._lost = False

    @classmethod
    async def open(cls, target: Target) -> "Connection":
        """Connect.

        Raises:
            OSError: nobody listens there.
        """
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, target.host, target.port)
        return connection

    async def exchange(self, request: bytes) -> Answer:
        """Send an encoded request and wait for its answer.

        Raises:
            BrokenAnswerError: the connection ended before the answer was complete.
        """
        if self._lost or self._transport is None:
            raise BrokenAnswerError("the connection is closed")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent."""
        return not self._lost

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            answer = _parsed(self._received)
        except ValueError:
            self._fail()
            return
        if answer is None:
            return
        self._received.clear()
        if _CLOSES.search(answer.head):
            self._lost = True
            self.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's interface
        self._fail()

    def _fail(self) -> None:
        self._lost = True
        self.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(BrokenAnswerError("the answer was cut off"))


def _parsed(received: bytearray) -> Answer | None:
    """The answer, once it is complete.

    Raises:
        ValueError: it is no HTTP answer, or too large.
    """
    end = received.find(_HEAD_END)
    if end < 0:
        if len(received) > BODY_BYTES_MAX:
            raise ValueError("no end of the headers")
        return None
    head, rest = bytes(received[:end]), received[end + len(_HEAD_END) :]
    if not head.startswith(b"HTTP/1."):
        raise ValueError("not HTTP")
    status = int(head[9:12])
    if _CHUNKED.search(head):
        chunks = _joined(rest)
        return None if chunks is None else Answer(status, head, chunks)
    match = _LENGTH.search(head)
    length = int(match[1]) if match else 0
    if length > BODY_BYTES_MAX:
        raise ValueError("too large")
    return Answer(status, head, bytes(rest)) if len(rest) >= length else None


def _joined(rest: bytearray) -> bytes | None:
    """The body of chunks, once the last one is there."""
    body, at = bytearray(), 0
    while (line_end := rest.find(b"\r\n", at)) >= 0:
        size = int(bytes(rest[at:line_end]).partition(b";")[0], 16)
        start = line_end + 2
        if size == 0:
            return bytes(body) if rest.find(b"\r\n", start) >= 0 else None
        if len(rest) < start + size + 2:
            return None
        body += rest[start : start + size]
        at = start + size + 2
    return None
