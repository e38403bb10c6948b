"""One delivery of a webhook: who may be connected to, how long it may take, what is signed."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coupon_service.core.public_network import is_public
from coupon_service.core.settings import SettingsError, load_settings
from coupon_service.core.webhooks import deliver, is_address, is_signed, new_key
from tests.factories.pos import receiver

BODY = '{"type":"webhook.test","data":{"名":1}}'.encode()
NOW_S = 1_795_227_304


@contextmanager
def raw_server(answer: bytes, *, pause_s: float = 0.0) -> Iterator[str]:
    """A server that says these bytes, one at a time if there is a pause, whatever it is asked."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(5)

    def serve() -> None:
        try:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                if not pause_s:
                    connection.sendall(answer)
                    return
                for byte in answer:
                    connection.sendall(bytes([byte]))
                    time.sleep(pause_s)
        except OSError:
            pass  # the other side has had enough

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        listening.close()
        thread.join()


def test_a_webhook_bears_a_signature_of_every_live_key() -> None:
    keys = [new_key(), new_key()]
    with receiver() as server:
        attempt = deliver(
            f"{server.url}/hooks?a=1", keys, "evt_1", BODY, now_s=NOW_S, allow_private=True
        )
    (got,) = server.got
    assert (attempt.status, attempt.error, attempt.succeeded) == (204, None, True)
    assert (got.path, got.body) == ("/hooks?a=1", BODY)
    assert got.headers["content-type"] == "application/json"
    assert got.headers["webhook-id"] == "evt_1"
    assert got.headers["webhook-timestamp"] == str(NOW_S)
    for key in keys:
        assert is_signed([key], "evt_1", NOW_S, BODY, got.headers["webhook-signature"])


def test_a_redirect_is_not_followed() -> None:
    with receiver() as server:
        server.answers["/hooks"] = 307
        attempt = deliver(
            f"{server.url}/hooks", [new_key()], "evt_1", BODY, now_s=NOW_S, allow_private=True
        )
    assert attempt.status == 307
    assert not attempt.succeeded
    assert [one.path for one in server.got] == ["/hooks"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0"])
def test_an_address_that_is_not_public_is_not_connected_to(host: str) -> None:
    with receiver() as server:
        port = server.url.rpartition(":")[2]
        for scheme in ("http", "https"):
            url = f"{scheme}://{host}:{port}/"
            attempt = deliver(url, [new_key()], "evt_1", BODY, now_s=NOW_S)
            assert (attempt.status, attempt.error) == (None, "address")
    assert server.got == []


def test_a_name_that_means_an_address_that_is_not_public_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with receiver() as server:
        port = int(server.url.rpartition(":")[2])
        public_and_own = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("93.184.216.34", "127.0.0.1")
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: public_and_own)
        url = f"https://pos.example.com:{port}/"
        attempt = deliver(url, [new_key()], "evt_1", BODY, now_s=NOW_S)
    assert (attempt.status, attempt.error) == (None, "address")
    assert server.got == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("10.0.0.1", False),
        ("100.100.100.200", False),  # metadata of a cloud
        ("169.254.169.254", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::5db8:d822", True),
        ("2002:a00:1::", False),
    ],
)
def test_only_what_everybody_could_reach_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "url",
    [
        "http://pos.example.com/",
        "ftp://pos.example.com/",
        "https://",
        "https:///hooks",
        "https://user:password@pos.example.com/",
        "https://pos.example.com/#part",
        "https://pos.example.com:port/",
        "https://pos.example.com/a b",
        "https://门店.example.com/",
        "https://10.0.0.1/",
        "https://redis:6379/",
        "https://db.internal/",
        f"https://pos.example.com/{'a' * 500}",
        "",
    ],
)
def test_what_is_no_public_https_address_is_not_taken(url: str) -> None:
    assert not is_address(url, allow_private=False)


def test_a_public_https_address_is_taken() -> None:
    assert is_address("https://pos.example.com:8443/hooks?shop=1", allow_private=False)


@pytest.mark.parametrize(
    ("answer", "pause_s", "status", "error"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000_000, 0, 200, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123", 0, 200, None),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000, 0.02, None, "timeout"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"z" * 1_000, 0.01, 200, None),
        (b"SSH-2.0-OpenSSH\r\n", 0, None, "broken"),
        (b"", 0, None, "broken"),
    ],
)
def test_an_odd_answer_costs_no_more_than_the_time_allowed(
    answer: bytes, pause_s: float, status: int | None, error: str | None
) -> None:
    with raw_server(answer, pause_s=pause_s) as url:
        began = time.monotonic()
        attempt = deliver(
            url, [new_key()], "evt_1", BODY, now_s=NOW_S, timeout_s=0.4, allow_private=True
        )
        took_s = time.monotonic() - began
    assert (attempt.status, attempt.error) == (status, error)
    assert took_s < 1.5


def test_nobody_listening_is_told_apart_from_a_broken_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    attempt = deliver(
        f"http://127.0.0.1:{port}/", [new_key()], "e", BODY, now_s=NOW_S, allow_private=True
    )
    assert (attempt.status, attempt.error) == (None, "connect")


def test_an_endpoint_without_tls_is_told_apart_too() -> None:
    with raw_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        attempt = deliver(
            url.replace("http:", "https:"), [new_key()], "e", BODY, now_s=NOW_S, allow_private=True
        )
    assert (attempt.status, attempt.error) == (None, "tls")


def test_production_refuses_to_send_to_private_addresses(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="COUPON_WEBHOOKS_PRIVATE must be off"):
        load_settings(env="production", webhooks_private=True, state_dir=tmp_path)
