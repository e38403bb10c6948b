"""Point-of-sale systems: their keys, the requests they sign, and the webhooks they receive."""

import secrets
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import UUID

import orjson
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from merchants.pos_keys import create_pos_key
from merchants.request_signature import Asked, content_digest, make_mac, signature_base
from merchants.webhooks.endpoints import add_endpoint
from merchants.webhooks.models import TOPICS, EventType, WebhookDelivery
from merchants.webhooks.queue import queue
from tests.factories.redemption import Counter

ORIGIN = "http://localhost"


def make_pos_key(held: Resources, counter: Counter) -> str:
    """A key of the counter's till, committed; returns its text."""
    with transaction(held.sessions) as session:
        return create_pos_key(session, held.vault, counter.merchant.id, counter.till.id).text


def make_endpoint(
    held: Resources, merchant_id: UUID, url: str, *, topics: tuple[EventType, ...] = TOPICS
) -> tuple[UUID, str]:
    """An endpoint and its secret, committed."""
    with transaction(held.sessions) as session:
        made = add_endpoint(session, held.vault, merchant_id, url, topics, allow_private=True)
        return made.endpoint.id, made.secret


def make_event(held: Resources, merchant_id: UUID, **data: object) -> None:
    """Something a merchant's endpoints hear of, committed."""
    with transaction(held.sessions) as session:
        queue(session, merchant_id, EventType.REDEEMED, data)


def pos_objects(held: Resources, counter: Counter) -> dict[str, str]:
    """A till's key, an endpoint, and something that was sent there: what a path may name."""
    key = make_pos_key(held, counter)
    endpoint_id, _ = make_endpoint(held, counter.merchant.id, "https://pos.example.com/hooks")
    make_event(held, counter.merchant.id)
    with transaction(held.sessions) as session:
        delivery_id = session.execute(
            select(WebhookDelivery.id).where(WebhookDelivery.endpoint_id == endpoint_id)
        ).scalar_one()
    return {
        "till_id": str(counter.till.id),
        "key_id": str(UUID(hex=key[4:36])),
        "endpoint_id": str(endpoint_id),
        "delivery_id": str(delivery_id),
    }


@dataclass(frozen=True)
class PosSystem:
    """A system that signs what it asks for. The fields may be bent to make a bad request."""

    client: FlaskClient
    key: str

    def headers(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        created_s: int | None = None,
        nonce: str | None = None,
        components: tuple[str, ...] | None = None,
    ) -> dict[str, str]:
        """The signature's headers for a request."""
        key_id, _, secret = self.key.partition(".")
        where, _, query = path.partition("?")
        digest = {"content-digest": content_digest(body)} if body else {}
        components = components or ("@method", "@path", "@query", *digest)
        created_s = int(time.time()) if created_s is None else created_s
        listed = " ".join(f'"{name}"' for name in components)
        nonce = nonce or secrets.token_urlsafe(16)
        parameters = f'({listed});created={created_s};keyid="{key_id}";nonce="{nonce}"'
        parameters += ';alg="hmac-sha256"'
        asked = Asked(method, "http", "localhost", where, query, digest, body)
        mac = make_mac(secret.encode(), signature_base(components, parameters, asked))
        return {
            **digest,
            "signature-input": f"pos={parameters}",
            "signature": f"pos=:{b64encode(mac).decode()}:",
        }

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, **bent: Any
    ) -> TestResponse:
        raw = orjson.dumps(body) if body is not None else b""
        headers = self.headers(method, path, raw, **bent)
        if raw:
            headers["content-type"] = "application/json"
        return self.client.open(path, method=method, data=raw, headers=headers)


@dataclass
class Received:
    """One request that a receiver got."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """A merchant's server. It answers as `answers` says by path, else with 204."""

    url: str
    got: list[Received] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    waits_s: dict[str, float] = field(default_factory=dict)

    def at(self, path: str) -> list[Received]:
        return [one for one in self.got if one.path == path]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A real server on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.got.append(Received(self.path, headers, self.rfile.read(length)))
            time.sleep(made.waits_s.get(self.path, 0))
            status = made.answers.get(self.path, 204)
            self.send_response(status)
            if status in (301, 302, 307, 308):
                self.send_header("Location", f"{made.url}/elsewhere")
            if status != 204:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
