"""A client for point-of-sale systems. Python 3.11 or newer, nothing else.

    pos = CouponPos("https://coupon.example", "pos_….…")
    quote = pos.quote(["123456789012"], order_fen=8_000)
    order = pos.redeem("A-20260618-0001", ["123456789012"], order_fen=8_000)
    pos.reverse("A-20260618-0001")

`redeem`, `reverse` and `refund` may be called again with the same numbers at any time: the effect
is had once, and the answer is the same. They do so by themselves when an answer got lost.
"""

import hashlib
import hmac
import json
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

TIMEOUT_S = 5.0
# The pauses between attempts whose outcome is not known.
PAUSES_S = (0.5, 1.0, 2.0)
# Statuses that say "perhaps it was done": ask again under the same number.
_UNKNOWN = frozenset({502, 503, 504})
WEBHOOK_TOLERANCE_S = 300


class RefusedError(Exception):
    """The service answered no. `slug` is for programs; `detail` is a sentence for the cashier."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('slug')}")
        self.status = status
        self.slug = str(problem.get("slug", ""))
        self.detail = str(problem.get("detail", ""))


class OutcomeUnknownError(Exception):
    """No answer came. Ask for the order, or call again with the same numbers; never guess."""


class CouponPos:
    """One till. `key` is what the merchant's page showed: `pos_<id>.<secret>`."""

    def __init__(self, address: str, key: str) -> None:
        self._address = address.rstrip("/")
        self._key_id, _, secret = key.partition(".")
        self._secret = secret.encode()

    def quote(self, codes: Sequence[str], *, order_fen: int, **more: Any) -> dict[str, Any]:
        """What the customer would pay. Changes nothing."""
        return self._ask("POST", "/api/v1/quotes", _order(codes, order_fen, more))

    def redeem(
        self, order_no: str, codes: Sequence[str], *, order_fen: int, **more: Any
    ) -> dict[str, Any]:
        """Let the vouchers pay part of the order. Amounts in fen."""
        body = {"order_no": order_no, **_order(codes, order_fen, more)}
        return self._ask_until_known("POST", "/api/v1/redemptions", body)

    def order(self, order_no: str) -> dict[str, Any]:
        """What became of an order."""
        return self._ask_until_known("GET", f"/api/v1/redemptions/{_part(order_no)}")

    def reverse(self, order_no: str) -> dict[str, Any]:
        """Undo an order on the same day."""
        return self._ask_until_known("POST", f"/api/v1/redemptions/{_part(order_no)}/reversal")

    def refund(
        self, order_no: str, refund_no: str, *, goods_fen: int | None = None
    ) -> dict[str, Any]:
        """Take goods back; all that is left of the order, without an amount."""
        body = {"refund_no": refund_no} | ({} if goods_fen is None else {"goods_fen": goods_fen})
        path = f"/api/v1/redemptions/{_part(order_no)}/refunds"
        return self._ask_until_known("POST", path, body)

    def daily_totals(self, day: date, *, of: str = "till") -> dict[str, Any]:
        """What was done on a day in Beijing, by this till or by all of the `merchant`."""
        return self._ask_until_known("GET", f"/api/v1/daily-totals/{day.isoformat()}?of={of}")

    def _ask_until_known(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        for pause_s in PAUSES_S:
            try:
                return self._ask(method, path, body)
            except OutcomeUnknownError:
                time.sleep(pause_s)
        return self._ask(method, path, body)

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        # Each attempt is signed anew: a nonce counts once.
        headers = sign(self._key_id, self._secret, method, self._address + path, raw)
        if raw:
            headers["Content-Type"] = "application/json"
        request = Request(self._address + path, raw or None, headers, method=method)
        try:
            with urlopen(request, timeout=TIMEOUT_S) as answer:
                return dict(json.load(answer))
        except HTTPError as error:
            if error.code in _UNKNOWN:
                raise OutcomeUnknownError from error
            raise RefusedError(error.code, json.loads(error.read() or b"{}")) from error
        except (URLError, TimeoutError, ConnectionError, json.JSONDecodeError) as error:
            raise OutcomeUnknownError from error


def sign(
    key_id: str,
    secret: bytes,
    method: str,
    url: str,
    body: bytes,
    *,
    created_s: int | None = None,
    nonce: str | None = None,
) -> dict[str, str]:
    """The headers of a signed request: RFC 9421 with hmac-sha256, and RFC 9530 for the body."""
    address = urlsplit(url)
    values = {
        "@method": method,
        "@path": address.path,
        "@query": f"?{address.query}",
    }
    headers = {}
    if body:
        digest = b64encode(hashlib.sha256(body).digest()).decode()
        headers["Content-Digest"] = values["content-digest"] = f"sha-256=:{digest}:"
    created_s = int(time.time()) if created_s is None else created_s
    listed = " ".join(f'"{name}"' for name in values)
    parameters = f'({listed});created={created_s};keyid="{key_id}"'
    parameters += f';nonce="{nonce or secrets.token_urlsafe(18)}";alg="hmac-sha256"'
    lines = [f'"{name}": {value}' for name, value in values.items()]
    base = "\n".join([*lines, f'"@signature-params": {parameters}'])
    mac = b64encode(hmac.digest(secret, base.encode(), "sha256")).decode()
    return headers | {"Signature-Input": f"pos={parameters}", "Signature": f"pos=:{mac}:"}


def is_genuine_webhook(
    webhook_secrets: Iterable[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now_s: float | None = None,
) -> bool:
    """Whether the service sent this webhook just now. `headers` has small letters for names.

    `body` is the raw bytes. Keep the `webhook-id`s of the last days: the same may come twice.
    """
    webhook_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    now_s = time.time() if now_s is None else now_s
    if not stamp.isdecimal() or abs(now_s - int(stamp)) > WEBHOOK_TOLERANCE_S:
        return False
    signed = f"{webhook_id}.{stamp}.".encode() + body
    keys = [b64decode(one.removeprefix("whsec_")) for one in webhook_secrets]
    macs = [b64encode(hmac.digest(key, signed, "sha256")) for key in keys]
    given = [one.encode() for one in headers.get("webhook-signature", "").split(" ")]
    return any(hmac.compare_digest(b"v1," + mac, one) for mac in macs for one in given)


def _order(codes: Sequence[str], order_fen: int, more: Mapping[str, Any]) -> dict[str, Any]:
    return {"vouchers": [{"code": code} for code in codes], "order_fen": order_fen, **more}


def _part(text: str) -> str:
    """A part of a path: a colon stands as it is."""
    return quote(text, safe=":")
