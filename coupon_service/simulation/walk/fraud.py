"""Fraud: a pattern that no honest shop makes, the hold it brings, and the official who decides."""

from collections.abc import Mapping, Sequence
from typing import Any

from coupon_service.issuance.device import COOKIE as DEVICE_COOKIE
from coupon_service.simulation.demo.people import DemoTill
from coupon_service.simulation.season.rows import StoreRow
from coupon_service.simulation.walk.office import Office
from coupon_service.simulation.walk.people import sign_in_somebody
from coupon_service.simulation.walk.scene import Scene, expect, yuan
from coupon_service.simulation.walk.visitor import SurpriseError, Visitor
from coupon_service.simulation.walk.voucher import (
    Spent,
    at_till,
    claim,
    open_release,
    showing,
    spent,
)

_CAMPAIGN = "breakfast"
_CATEGORY = "小吃"
# More residents on one phone, and more orders in a minute at one till, than the rules allow.
_RESIDENTS = 7


def make_pattern(scene: Scene, office: Office) -> tuple[Mapping[str, Any], list[Spent]]:
    """One phone claims for seven people, and one till redeems it all at the exact threshold.

    Returns the case that the rules open, with its redemptions, and what was redeemed.
    """
    with scene.step(f"Fraud: one phone, {_RESIDENTS} residents, one till, exact amounts") as say:
        store = _unsuspected(scene, office)
        till = at_till(scene, DemoTill(store.code, 1))
        spent = []
        device = ""
        for _ in range(_RESIDENTS):
            resident = scene.visitor()
            if device:
                resident.client.cookies.set(DEVICE_COOKIE, device)
            sign_in_somebody(resident, scene.chance)
            spent.append(_claim_and_redeem(scene, resident, till))
            device = device or resident.client.cookies[DEVICE_COOKIE]
        worth_fen = sum(one.discount_fen for one in spent)
        say(f"201  {store.name}: {_RESIDENTS} redemptions, {yuan(worth_fen)}")
        case = scene.wait_for("the fraud check", lambda: _case_of(office, spent))
        say(f"200  a case is open: {', '.join(case['rules'])}")
        say(f"held: {case['held_count']} redemptions, {yuan(case['held_fen'])}")
        expect(case["held_fen"] >= worth_fen, "the case holds less than was redeemed")
        return case, spent


def release(scene: Scene, office: Office, case: Mapping[str, Any], spent: Sequence[Spent]) -> None:
    """The official looks, and lets the money go."""
    with scene.step("The official releases the hold") as say:
        held_before_fen = office.totals()["money"]["held_fen"]
        decided = office.release_case(case["case_id"], "演练：系自动走查产生的订单，予以放行")
        expect(
            (decided["state"], decided["held_fen"]) == ("released", 0),
            f"the case is {decided['state']} and holds {decided['held_fen']} fen",
        )
        ours = {one.redemption_id for one in spent}
        standings = {
            row["standing"]
            for row in office.case(case["case_id"])["redemptions"]
            if row["redemption_id"] in ours
        }
        expect(standings == {"payable"}, f"the released money stands as {standings}")
        freed_fen = held_before_fen - office.totals()["money"]["held_fen"]
        expect(freed_fen == case["held_fen"], f"{freed_fen} fen were freed in the totals")
        say(
            f"200  {yuan(freed_fen)} are payable again, with the official's reason in the audit log"
        )


def _claim_and_redeem(scene: Scene, resident: Visitor, till: Visitor) -> Spent:
    claimed = claim(resident, open_release(scene, resident, _CAMPAIGN))
    order = {
        "vouchers": showing(resident.get(claimed.path).json["token"]),
        "order_no": scene.order_no(),
        "order_fen": claimed.threshold_fen,
    }
    done = till.post("/api/v1/redemptions", order).json
    return spent(done)


def _unsuspected(scene: Scene, office: Office) -> StoreRow:
    """A snack shop whose merchant has no open case: somebody else's file is left alone."""
    suspected = {case["merchant"] for case in office.open_cases()}
    names = {merchant.code: merchant.name for merchant in scene.season.merchants}
    for store in scene.season.stores:
        if store.category == _CATEGORY and names[store.merchant] not in suspected:
            return store
    raise SurpriseError("every snack shop of the demo has an open fraud case")


def _case_of(office: Office, spent: Sequence[Spent]) -> Mapping[str, Any] | None:
    """The open case that holds all of these, once it does."""
    ours = {one.redemption_id for one in spent}
    for summary in office.open_cases():
        case = office.case(summary["case_id"])
        held = {row["redemption_id"] for row in case["redemptions"] if row["is_held"]}
        if ours <= held:
            return case
    return None
