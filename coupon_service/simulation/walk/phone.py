"""A phone of one's own: its key is bound, and only its fresh proof pays."""

import time
from uuid import UUID

from coupon_service.simulation.phone import Phone
from coupon_service.simulation.walk.scene import Scene, expect, yuan
from coupon_service.simulation.walk.visitor import Visitor
from coupon_service.simulation.walk.voucher import (
    ABOVE_THRESHOLD_FEN,
    TILL,
    Claimed,
    Spent,
    at_till,
    refusal,
    showing,
    spent,
    store_name,
)

_STALE_S = 120


def bind(scene: Scene, resident: Visitor) -> Phone:
    """Bind a fresh key; another one is refused without the resident's word."""
    with scene.step("Bind a phone: a key that never leaves it") as say:
        phone = Phone()
        bound = resident.post(
            "/api/v1/phone-keys", {"public_key": phone.public_key.hex()}, expect=200
        ).json
        expect(bound["public_key"] == phone.public_key.hex(), "another key was bound")
        expect(bound["usable_from"] == bound["bound_at"], "the first phone has to wait")
        say(f"200  P-256 {phone.public_key.hex()[:16]}…, usable at once")
        another = {"public_key": Phone().public_key.hex()}
        reply = resident.refused("/api/v1/phone-keys", another, slug="phone-bound-elsewhere")
        say(refusal(reply, "another phone"))
        return phone


def redeem(scene: Scene, resident: Visitor, phone: Phone, claimed: Claimed) -> Spent:
    """The bare token and a stale proof are refused; a fresh proof pays."""
    with scene.step(f"Redeem by the phone's proof at {store_name(scene, TILL)}") as say:
        shown = resident.get(claimed.path).json
        till = at_till(scene, TILL)
        order = {
            "vouchers": showing(shown["token"]),
            "order_no": scene.order_no(),
            "order_fen": claimed.threshold_fen + ABOVE_THRESHOLD_FEN,
        }
        reply = till.refused("/api/v1/redemptions", order, slug="proof-needed")
        say(refusal(reply, "the issuer's token alone"))
        now_s, voucher_id = int(time.time()), UUID(claimed.voucher_id)
        stale = phone.prove(voucher_id, shown["token"], now_s - _STALE_S)
        reply = till.refused(
            "/api/v1/redemptions", {**order, "vouchers": showing(stale)}, slug="expired-token"
        )
        say(refusal(reply, f"a proof {_STALE_S} s old"))
        strange = Phone().prove(voucher_id, shown["token"], now_s)
        reply = till.refused(
            "/api/v1/redemptions",
            {**order, "vouchers": showing(strange)},
            slug="code-not-recognised",
        )
        say(refusal(reply, "signed by another phone"))
        fresh = phone.prove(voucher_id, shown["token"], now_s)
        done = till.post("/api/v1/redemptions", {**order, "vouchers": showing(fresh)}).json
        say(f"201  {len(fresh)} characters, voucher {yuan(done['discount_fen'])}")
        return spent(done)
