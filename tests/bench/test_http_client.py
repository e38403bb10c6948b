"""The crowd's HTTP client reads what servers send, in whatever pieces it comes."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import pytest

from coupon_service.simulation.http import (
    Answer,
    BrokenAnswerError,
    Connection,
    Target,
    encode,
)

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=1; Path=/\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n7;why=not\r\n, world\r\n0\r\n\r\n"
)
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


@contextmanager
def server(answer: Callable[[Any], None]) -> Iterator[Target]:
    """A server that does this with each connection."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            answer(self.request)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as tcp:
        tcp.daemon_threads = True
        thread = threading.Thread(target=tcp.serve_forever)
        thread.start()
        host, port = tcp.server_address[:2]
        try:
            yield Target(str(host), int(port))
        finally:
            tcp.shutdown()
            thread.join()


def ask(target: Target, times: int = 1) -> list[Answer]:
    async def run() -> list[Answer]:
        connection = await Connection.open(target)
        request = encode(target, "GET", "/")
        try:
            return [await connection.exchange(request) for _ in range(times)]
        finally:
            connection.close()

    return asyncio.run(asyncio.wait_for(run(), 10))


@pytest.mark.parametrize(
    ("raw", "status", "body"),
    [(PLAIN, 200, b"hello"), (CHUNKED, 201, b"hello, world"), (EMPTY, 204, b"")],
)
@pytest.mark.parametrize("piece_bytes", [1, 7, 1000])
def test_an_answer_is_read_whole_however_it_is_cut(
    raw: bytes, status: int, body: bytes, piece_bytes: int
) -> None:
    def answer(connection: Any) -> None:
        connection.recv(4096)
        for start in range(0, len(raw), piece_bytes):
            connection.sendall(raw[start : start + piece_bytes])
        connection.recv(1)

    with server(answer) as target:
        (got,) = ask(target)
    assert (got.status, got.body) == (status, body)


def test_one_connection_carries_several_requests() -> None:
    def answer(connection: Any) -> None:
        while connection.recv(4096):
            connection.sendall(PLAIN)

    with server(answer) as target:
        answers = ask(target, times=3)
    assert [one.body for one in answers] == [b"hello"] * 3
    assert answers[0].cookies() == {"a": "1"}


@pytest.mark.parametrize("raw", [b"", PLAIN[:-2], b"SSH-2.0-nonsense\r\n\r\n", CHUNKED[:-4]])
def test_an_answer_that_is_cut_off_or_none_at_all_is_an_error(raw: bytes) -> None:
    def answer(connection: Any) -> None:
        connection.recv(4096)
        connection.sendall(raw)

    with server(answer) as target, pytest.raises(BrokenAnswerError):
        ask(target)


def test_a_request_names_host_type_and_length() -> None:
    raw = encode(Target("::1", 8000), "POST", "/x", headers={"Cookie": "a=1"}, json={"n": 1})
    assert raw == (
        b"POST /x HTTP/1.1\r\nHost: [::1]:8000\r\nCookie: a=1\r\n"
        b'Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{"n":1}'
    )


@pytest.mark.parametrize("url", ["https://example.org", "localhost:8000", "http://", "nonsense"])
def test_only_plain_http_addresses_are_taken(url: str) -> None:
    with pytest.raises(ValueError, match="http://"):
        Target.of(url)
