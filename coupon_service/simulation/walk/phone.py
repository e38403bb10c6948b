"""A phone of one's own: its key is bound, and only its fresh proof pays."""

import struct
import time
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from coupon_service.simulation.walk.scene import Scene, expect, yuan
from coupon_service.simulation.walk.visitor import Visitor
from coupon_service.simulation.walk.voucher import (
    ABOVE_THRESHOLD_FEN,
    TILL,
    Claimed,
    Spent,
    at_till,
    refusal,
    store_name,
)
from coupon_service.vouchers import base32

# The layout of docs/qr.md, level 2, put together here as a phone's own program would.
_VERSION = b"\x02"
_DOMAIN = b"coupon-voucher-proof" + _VERSION
_STALE_S = 120


class Phone:
    """A private key that never leaves, and what it signs."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> str:
        """SEC 1, compressed, hexadecimal."""
        point = self._key.public_key()
        return point.public_bytes(Encoding.X962, PublicFormat.CompressedPoint).hex()

    def prove(self, voucher_id: str, token: str, shown_at_s: int) -> str:
        """The code this phone shows for a token at a Unix second, which is its counter too."""
        raw = base32.decode(token)
        moment = struct.pack(">II", shown_at_s, shown_at_s)
        message = _DOMAIN + UUID(voucher_id).bytes + moment + sha256(raw).digest()
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(SHA256())))
        return base32.encode(_VERSION + raw + moment + r.to_bytes(32) + s.to_bytes(32))


def bind(scene: Scene, resident: Visitor) -> Phone:
    """Bind a fresh key; another one is refused without the resident's word."""
    with scene.step("Bind a phone: a key that never leaves it") as say:
        phone = Phone()
        bound = resident.post(
            "/api/v1/phone-keys", {"public_key": phone.public_key}, expect=200
        ).json
        expect(bound["public_key"] == phone.public_key, "another key was bound")
        expect(bound["usable_from"] == bound["bound_at"], "the first phone has to wait")
        say(f"200  P-256 {phone.public_key[:16]}…, usable at once")
        another = {"public_key": Phone().public_key}
        reply = resident.refused("/api/v1/phone-keys", another, slug="phone-bound-elsewhere")
        say(refusal(reply, "another phone"))
        return phone


def redeem(scene: Scene, resident: Visitor, phone: Phone, claimed: Claimed) -> Spent:
    """The bare token and a stale proof are refused; a fresh proof pays."""
    with scene.step(f"Redeem by the phone's proof at {store_name(scene, TILL)}") as say:
        shown = resident.get(claimed.path).json
        till = at_till(scene, TILL)
        order = {
            "code": shown["token"],
            "order_no": scene.order_no(),
            "order_fen": claimed.threshold_fen + ABOVE_THRESHOLD_FEN,
        }
        reply = till.refused("/api/v1/redemptions", order, slug="proof-needed")
        say(refusal(reply, "the issuer's token alone"))
        now_s = int(time.time())
        stale = phone.prove(claimed.voucher_id, shown["token"], now_s - _STALE_S)
        reply = till.refused("/api/v1/redemptions", {**order, "code": stale}, slug="expired-token")
        say(refusal(reply, f"a proof {_STALE_S} s old"))
        strange = Phone().prove(claimed.voucher_id, shown["token"], now_s)
        reply = till.refused(
            "/api/v1/redemptions", {**order, "code": strange}, slug="code-not-recognised"
        )
        say(refusal(reply, "signed by another phone"))
        fresh = phone.prove(claimed.voucher_id, shown["token"], now_s)
        done = till.post("/api/v1/redemptions", {**order, "code": fresh}).json
        say(f"201  {len(fresh)} characters, voucher {yuan(done['discount_fen'])}")
        return Spent(done["redemption_id"], done["order_no"], done["discount_fen"])
