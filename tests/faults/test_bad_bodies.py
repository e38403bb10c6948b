"""Bodies that are huge, endless or slow, sent to the real web server."""

import json
import socket
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

from flask_openapi3 import OpenAPI

from coupon_service.core.settings import Settings
from tests.harness.web import at_once, web_server

HEAD = "POST /api/v1/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
MEGABYTE = 1024 * 1024


def send(url: str, *parts: bytes) -> tuple[int, dict[str, object]]:
    """Send the parts, stop, and read the answer: its status and its problem document."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except OSError:
            pass  # the server has heard enough
        raw = b""
        while b"\r\n\r\n" not in raw or not raw.endswith(b"}"):
            received = connection.recv(65536)
            if not received:
                break
            raw += received
    head, _, body = raw.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def test_a_body_that_comes_too_slowly_is_given_up(settings: Settings, app: OpenAPI) -> None:
    slow = f"{HEAD}Content-Length: 9\r\n\r\n{{".encode()
    with web_server(settings, body_within_s=0.5, web_workers=1, web_threads=8) as url:
        began = time.monotonic()
        status, problem = send(url, slow)
        assert (status, problem["slug"]) == (408, "request-timeout")
        assert time.monotonic() - began < 10
        # More slow clients than there are threads change nothing, even those that do not hang up.
        assert {status for status, _ in at_once(12, lambda _: send(url, slow))} == {408}
        with ExitStack() as held:
            address = urlsplit(url)
            for _ in range(12):
                stays = socket.create_connection((address.hostname, address.port), timeout=30)
                held.enter_context(stays).sendall(slow)
            began = time.monotonic()
            status, problem = send(url, f"{HEAD}Content-Length: 2\r\n\r\n{{}}".encode())
            assert (status, problem["slug"]) == (400, "invalid-request")
            assert time.monotonic() - began < 10


def test_a_hundred_megabytes_are_refused_unread(settings: Settings, app: OpenAPI) -> None:
    with web_server(settings) as url:
        length = f"{HEAD}Content-Length: {100 * MEGABYTE}\r\n\r\n".encode()
        assert send(url, length)[0] == 413
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        chunked = f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode()
        status, problem = send(url, chunked, *[chunk] * 4, b"0\r\n\r\n")
        assert (status, problem["slug"]) == (413, "too-large")
