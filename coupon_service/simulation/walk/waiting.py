"""The waiting list: a voucher that is handed back goes to whoever waited for it."""

from collections.abc import Mapping
from typing import Any

from coupon_service.simulation.walk.crowd import Outcome
from coupon_service.simulation.walk.scene import Scene, expect
from coupon_service.simulation.walk.visitor import Visitor


def hand_back_and_serve(scene: Scene, crowd: Outcome) -> None:
    """One who came too late waits, one who was lucky hands back, and the first one is served."""
    with scene.step("The waiting list: a voucher comes back") as say:
        if not crowd.lucky:
            say("nobody of the crowd has a voucher to hand back: this season's are gone")
            return
        path = f"/api/v1/releases/{crowd.wave.release_id}/waiting"
        waiting = _browser(scene, crowd.unlucky[0])
        place = waiting.put(path).json
        expect(place["standing"] == "waiting", f"who joined the list is {place['standing']}")
        say(f"200  waiting for {crowd.wave.name}, {place['ahead']} ahead")
        cookie, voucher_id = next(iter(crowd.lucky.items()))
        _browser(scene, cookie).post(f"/api/v1/vouchers/{voucher_id}/return", expect=204)
        say("204  one of the lucky hands the voucher back")

        def served() -> Mapping[str, Any] | None:
            place = waiting.get(path).json
            return place if place["standing"] == "served" else None

        place = scene.wait_for("the next in line", served)
        voucher = waiting.get(f"/api/v1/vouchers/{place['voucher_id']}").json
        expect(voucher["state"] == "issued", f"the voucher is {voucher['state']}, not issued")
        say(f"200  served: {voucher['campaign']}, seat {voucher['seat']}")


def _browser(scene: Scene, cookie: str) -> Visitor:
    """The browser that has this `Cookie` header."""
    visitor = scene.visitor()
    visitor.client.headers["Cookie"] = cookie
    return visitor
