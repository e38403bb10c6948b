"""The AR hook: a proof of presence awards a voucher, another pays with it at a virtual store."""

from collections.abc import Mapping
from typing import Any

from coupon_service.simulation.ar_provider import ArProviderSimulator
from coupon_service.simulation.demo.people import ar_secret
from coupon_service.simulation.walk.scene import Say, Scene, expect, yuan
from coupon_service.simulation.walk.visitor import SurpriseError, Visitor
from redemption.ar.event import Sighting

_AWARD_ANCHOR = "dashilan-lantern-east"
_REDEEM_ANCHOR = "cloud-dashilan-gate"
_PROVIDER = "lantern-sim"
_ABOVE_THRESHOLD_FEN = 18_50


def award(scene: Scene, resident: Visitor) -> str:
    """A lantern seen through the phone brings a voucher; returns its id."""
    anchor = _anchor(resident, _AWARD_ANCHOR)
    with scene.step(f"AR: presence at {anchor['name']} awards a voucher") as say:
        started = resident.post("/api/v1/ar/sessions", {"anchor_id": anchor["anchor_id"]}).json
        say("201  a session with a one-time nonce")
        done = _prove(scene, resident, started, say)
        voucher = resident.get(f"/api/v1/vouchers/{done['voucher_id']}").json
        say(f"200  {voucher['campaign']}: {yuan(voucher['face_fen'])} off")
        return str(done["voucher_id"])


def redeem(scene: Scene, resident: Visitor, voucher_id: str) -> int:
    """Presence at a virtual storefront pays with the voucher; returns the discount in fen."""
    anchor = _anchor(resident, _REDEEM_ANCHOR)
    with scene.step(f"AR: presence at {anchor['name']} redeems it at the virtual store") as say:
        voucher = resident.get(f"/api/v1/vouchers/{voucher_id}").json
        order_fen = voucher["threshold_fen"] + _ABOVE_THRESHOLD_FEN
        intent = {
            "anchor_id": anchor["anchor_id"],
            "voucher_id": voucher_id,
            "order_fen": order_fen,
        }
        started = resident.post("/api/v1/ar/sessions", intent).json
        say(f"201  a session for an order of {yuan(order_fen)}")
        done = _prove(scene, resident, started, say, order_fen)
        expect(
            done["discount_fen"] == voucher["face_fen"], "the discount is not the voucher's face"
        )
        state = resident.get(f"/api/v1/vouchers/{voucher_id}").json["state"]
        expect(state == "redeemed", f"the voucher is {state} instead of redeemed")
        say(f"200  redeemed: {yuan(done['discount_fen'])} off")
        return int(done["discount_fen"])


def _prove(
    scene: Scene,
    resident: Visitor,
    started: Mapping[str, Any],
    say: Say,
    order_fen: int | None = None,
) -> Mapping[str, Any]:
    """The provider's signed event, delivered twice; returns the completed session."""
    program = scene.visitor()
    simulator = ArProviderSimulator(program.client, _PROVIDER, ar_secret(scene.settings, _PROVIDER))
    delivery = simulator.prepare(Sighting.at_anchor(dict(started), order_fen))
    first, again = simulator.deliver(delivery), simulator.deliver(delivery)
    if first.status_code != 200:
        raise SurpriseError(f"the AR event was answered {first.status_code} {first.text}")
    expect(
        (again.status_code, again.content) == (200, first.content),
        "the same AR event a second time got another answer",
    )
    say("200  the provider's signed event; delivered again: the same answer")
    done = resident.get(f"/api/v1/ar/sessions/{started['session_id']}").json
    expect(done["state"] == "done", f"the session is {done['state']} instead of done")
    return done


def _anchor(visitor: Visitor, code: str) -> Mapping[str, Any]:
    after: dict[str, str] = {}
    while True:
        page = visitor.get("/api/v1/ar/anchors", **after).json
        for anchor in page["items"]:
            if anchor["code"] == code:
                return dict(anchor)
        if page["next"] is None:
            raise SurpriseError(f"there is no AR anchor {code}: the walk needs the demo season")
        after = {"after": page["next"]}
