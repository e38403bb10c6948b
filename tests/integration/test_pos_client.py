"""The example clients of docs/examples/pos against the service itself, over a real socket."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from flask_openapi3 import OpenAPI
from werkzeug.serving import make_server

from coupon_service.core.clock import local_date
from coupon_service.core.resources import Resources
from tests.factories.pos import make_pos_key
from tests.factories.pos_client import POS, load_client
from tests.factories.redemption import Market, market_with_voucher
from tests.invariants import assert_invariants


@pytest.fixture
def coupon_pos() -> ModuleType:
    """The Python example."""
    return load_client()


@pytest.fixture
def address(app: OpenAPI) -> Iterator[str]:
    """The application on a free port of this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def shop(held: Resources) -> tuple[Market, str, str]:
    market, _, code = market_with_voucher(held)
    return market, code.typed_code, make_pos_key(held, market.counter)


def test_the_python_client_quotes_redeems_asks_refunds_and_reverses(
    held: Resources, address: str, shop: tuple[Market, str, str], coupon_pos: ModuleType
) -> None:
    _, code, key = shop
    pos = coupon_pos.CouponPos(address, key)
    assert pos.quote([code], order_fen=8_000)["customer_pays_fen"] == 6_000
    order = pos.redeem("A:1", [code], order_fen=8_000)
    assert (order["state"], order["discount_fen"], order["repeated"]) == ("redeemed", 2_000, False)
    assert pos.redeem("A:1", [code], order_fen=8_000)["repeated"] is True
    with pytest.raises(coupon_pos.RefusedError) as refusal:
        pos.redeem("A:1", [code], order_fen=9_000)
    assert (refusal.value.status, refusal.value.slug) == (409, "order-number-reused")
    assert pos.refund("A:1", "R-1", goods_fen=800)["customer_fen"] == 600
    assert pos.order("A:1")["refunded_fen"] == 800
    totals = pos.daily_totals(local_date(datetime.now(UTC)), of="merchant")
    assert (totals["order_count"], totals["discount_fen"]) == (1, 2_000)
    with pytest.raises(coupon_pos.RefusedError):
        coupon_pos.CouponPos(address, key[:-1]).order("A:1")
    assert_invariants(held)


def test_the_python_client_finds_out_what_a_lost_answer_said(
    held: Resources,
    address: str,
    shop: tuple[Market, str, str],
    coupon_pos: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, code, key = shop
    really, asked = coupon_pos.urlopen, []

    def lossy(request: Any, timeout: float) -> Any:
        asked.append(request.get_header("Signature"))
        answer = really(request, timeout=timeout)
        if len(asked) < 3:
            answer.close()
            raise TimeoutError
        return answer

    monkeypatch.setattr(coupon_pos, "urlopen", lossy)
    monkeypatch.setattr(coupon_pos, "PAUSES_S", (0, 0, 0))
    order = coupon_pos.CouponPos(address, key).redeem("A-1", [code], order_fen=8_000)
    assert (order["state"], order["repeated"]) == ("redeemed", True)
    assert len(set(asked)) == 3
    assert_invariants(held)


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("openssl")), reason="no curl, or no openssl"
)
def test_the_shell_client_redeems(
    held: Resources, address: str, shop: tuple[Market, str, str]
) -> None:
    _, code, key = shop
    order = {"vouchers": [{"code": code}], "order_no": "A-1", "order_fen": 8_000}

    def ask(method: str, path: str, body: str = "") -> Any:
        arguments = [str(POS / "coupon-pos.sh"), method, f"{address}{path}", body]
        env = os.environ | {"COUPON_POS_KEY": key, "no_proxy": "*"}
        ran = subprocess.run(arguments, env=env, capture_output=True, text=True, check=True)
        return json.loads(ran.stdout)

    assert ask("POST", "/api/v1/redemptions", json.dumps(order))["state"] == "redeemed"
    assert ask("POST", "/api/v1/redemptions/A-1/reversal")["state"] == "reversed"
    assert ask("GET", "/api/v1/redemptions/A-1?why=1")["state"] == "reversed"
    assert_invariants(held)
