"""The text message gateway is a real HTTP server here, on a port of this machine."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import orjson
import pytest
from flask.testing import FlaskClient
from flask_openapi3 import OpenAPI
from pydantic import SecretStr

from coupon_service.core.resources import resources
from coupon_service.core.settings import Settings
from coupon_service.entrypoints.app import create_app
from tests.factories.residents import CODES, SIGN_IN

PHONE = "13800138000"


class Gateway(ThreadingHTTPServer):
    """Keeps what it was asked to send; answers `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 202
        self.sent: list[dict[str, str]] = []
        self.authorization: str | None = None


class _Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.sent.append(orjson.loads(body))
        self.server.authorization = self.headers["Authorization"]
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(settings: Settings, gateway: Gateway) -> Iterator[FlaskClient]:
    address = f"http://127.0.0.1:{gateway.server_port}/messages"
    changed = {"sms_sender": address, "sms_token": SecretStr("gateway-token")}
    app: OpenAPI = create_app(settings.model_copy(update=changed))
    with app.app_context():
        yield app.test_client()
        resources().engine.dispose()


def test_the_gateway_gets_the_code_that_signs_in(client: FlaskClient, gateway: Gateway) -> None:
    assert client.post(CODES, json={"phone": PHONE}).status_code == 202
    assert gateway.authorization == "Bearer gateway-token"
    (message,) = gateway.sent
    assert message["phone"] == PHONE
    assert client.post(SIGN_IN, json=message).status_code == 200


def test_a_gateway_that_refuses_is_told_as_busy(client: FlaskClient, gateway: Gateway) -> None:
    gateway.status = 500
    answer = client.post(CODES, json={"phone": PHONE})
    assert (answer.status_code, answer.get_json()["slug"]) == (503, "code-not-sent")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_gateway_that_is_gone_is_told_as_busy(client: FlaskClient, gateway: Gateway) -> None:
    gateway.shutdown()
    gateway.server_close()
    answer = client.post(CODES, json={"phone": PHONE})
    assert (answer.status_code, answer.get_json()["slug"]) == (503, "code-not-sent")
