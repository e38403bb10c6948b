"""`coupon-service ar-simulate`: an AR provider's process in a terminal.

Sends a signed event for a session, and listens for the webhooks the service sends back. It speaks
the interface of docs/ar.md and needs nothing of the service but its address and a secret.
"""

import sys
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any
from uuid import UUID

import click
import httpx
import orjson

from coupon_service.core.resources import resources
from coupon_service.core.webhooks import as_key, is_signed
from coupon_service.simulation.ar_provider import ArProviderSimulator
from coupon_service.simulation.demo.people import DemoInProductionError, ar_secret
from redemption.ar.event import Sighting
from redemption.ar.schemas import read_handover

TOLERANCE_S = 300
_BODY_BYTES_MAX = 64 * 1024


@click.command("ar-simulate")
@click.option("--provider", required=True, help="The provider's code.")
@click.option("--anchor", help="The code of the anchor where somebody is seen.")
@click.option("--code", help="What a resident's session shows: AR1.<session>.<nonce>")
@click.option("--session", "session_id", type=click.UUID, help="Instead of --code, with --nonce.")
@click.option("--nonce", help="Instead of --code, with --session.")
@click.option("--order-yuan", type=click.FloatRange(0.01), help="At a redeem anchor: the order.")
@click.option("--confidence", type=click.FloatRange(0, 1), default=0.97, show_default=True)
@click.option("--metres-off", type=float, default=0.0, help="How far north of the anchor.")
@click.option("--times", type=click.IntRange(1, 10), default=1, help="Deliver the event so often.")
@click.option("--url", help="Address of the service, if it is not the one that runs here.")
@click.option("--secret", "secrets", multiple=True, help="whsec_…; twice while it is replaced.")
@click.option("--serve", "port", type=int, help="Listen on this port for the webhooks sent back.")
def ar_simulate(
    provider: str,
    *,
    anchor: str | None,
    code: str | None,
    session_id: UUID | None,
    nonce: str | None,
    order_yuan: float | None,
    confidence: float,
    metres_off: float,
    times: int,
    url: str | None,
    secrets: Sequence[str],
    port: int | None,
) -> None:
    """Play an AR provider: send the proof for a session, or listen with --serve.

    Without --secret the demo's is taken. Exit code 1 if the service refuses the event.
    """
    settings = resources().settings
    try:
        known = list(secrets) or [ar_secret(settings, provider)]
        for secret in known:
            as_key(secret)
    except (DemoInProductionError, ValueError) as error:
        raise click.UsageError(f"--secret is needed: {error}") from None
    if port is not None:
        serve(port, known)
        return
    if anchor is None:
        raise click.UsageError("--anchor is needed, or --serve.")
    session_id, nonce = _session(code, session_id, nonce)
    address = url or f"http://{settings.host}:{settings.port}"
    with httpx.Client(base_url=address, timeout=10) as client:
        seen_at = find_anchor(client, anchor)
        sighting = Sighting(
            session_id=session_id,
            nonce=nonce,
            anchor_id=UUID(seen_at["anchor_id"]),
            lat=seen_at["lat"] + metres_off / 111_195,
            lon=seen_at["lon"],
            confidence=confidence,
            order_fen=None if order_yuan is None else round(order_yuan * 100),
        )
        simulator = ArProviderSimulator(client, provider, known[0])
        delivery = simulator.prepare(sighting)
        answers = [simulator.deliver(delivery) for _ in range(times)]
    for answer in answers:
        click.echo(f"{answer.status_code}  {answer.text}")
    if any(answer.status_code != HTTPStatus.OK for answer in answers):
        sys.exit(1)


def find_anchor(client: httpx.Client, code: str) -> dict[str, Any]:
    """The anchor of that code, as `GET /api/v1/ar/anchors` has it."""
    after: dict[str, str] = {}
    while True:
        page = client.get("/api/v1/ar/anchors", params=after).raise_for_status().json()
        for anchor in page["items"]:
            if anchor["code"] == code:
                return dict(anchor)
        if page["next"] is None:
            raise click.ClickException(f"The service has no anchor {code}.")
        after = {"after": page["next"]}


def serve(port: int, secrets: Sequence[str], *, count: int | None = None) -> None:
    """Answer webhooks on localhost, and print each; those that are not signed rightly get 401.

    Ends after `count` of them; without it, with the process.
    """
    keys = [as_key(secret) for secret in secrets]

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("content-length", 0))
            body = self.rfile.read(min(size, _BODY_BYTES_MAX))
            fault = fault_of(keys, dict(self.headers.items()), body, now_s=int(time()))
            click.echo(f"refused: {fault}" if fault else told(body))
            self.send_response(HTTPStatus.UNAUTHORIZED if fault else HTTPStatus.NO_CONTENT)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it
            """Nothing: what was received is printed already."""

    with ThreadingHTTPServer(("127.0.0.1", port), Receiver) as server:
        click.echo(f"Listening on http://127.0.0.1:{server.server_port}")
        if count is None:
            server.serve_forever()
        for _ in range(count or 0):
            server.handle_request()


def fault_of(
    keys: Sequence[bytes], headers: dict[str, str], body: bytes, *, now_s: int
) -> str | None:
    """What is wrong with a webhook's signature, or None."""
    named = {name.lower(): value for name, value in headers.items()}
    webhook_id, timestamp = named.get("webhook-id", ""), named.get("webhook-timestamp", "")
    if not timestamp.isdecimal():
        return "no timestamp"
    at_s = int(timestamp)
    if not is_signed(keys, webhook_id, at_s, body, named.get("webhook-signature", "")):
        return "not signed with a known secret"
    return "too old" if abs(now_s - at_s) > TOLERANCE_S else None


def told(body: bytes) -> str:
    """One line about a webhook: its type, and what it says."""
    event = orjson.loads(body)
    return f"{event['type']}  {orjson.dumps(event['data']).decode()}"


def _session(code: str | None, session_id: UUID | None, nonce: str | None) -> tuple[UUID, str]:
    if code is not None:
        try:
            return read_handover(code)
        except ValueError as error:
            raise click.UsageError(f"--code: {error}") from None
    if session_id is None or nonce is None:
        raise click.UsageError("Name the session: --code, or --session and --nonce.")
    return session_id, nonce
