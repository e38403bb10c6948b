"""The main job: claim, draw, decode, redeem, repeat, refuse elsewhere, reverse, redeem again."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import zxingcpp
from PIL import Image

from coupon_service.core.money import format_yuan
from coupon_service.residents.names import mask_phone
from coupon_service.simulation.demo.people import DemoTill, till_key
from coupon_service.simulation.walk.people import sign_in_somebody
from coupon_service.simulation.walk.scene import Scene, expect, yuan
from coupon_service.simulation.walk.visitor import Reply, SurpriseError, Visitor

# A campaign that is open all season, at a store that never closes: a walk at night is no fraud.
_CAMPAIGN = "lantern-night"
TILL = DemoTill("dashilan-07", 1)
OTHER_TILL = DemoTill("dashilan-02", 1)
ABOVE_THRESHOLD_FEN = 28_00
# The layout of vouchers/token.py.
_TOKEN_VOUCHER = slice(2, 18)


@dataclass(frozen=True)
class Claimed:
    """A voucher as its claim answered."""

    voucher_id: str
    release: Mapping[str, Any]
    face_fen: int
    threshold_fen: int

    @property
    def path(self) -> str:
        return f"/api/v1/vouchers/{self.voucher_id}"


@dataclass(frozen=True)
class Spent:
    """What one redemption took off."""

    redemption_id: str
    order_no: str
    discount_fen: int


def sign_in(scene: Scene) -> Visitor:
    """A resident nobody has seen before signs in."""
    with scene.step("A resident signs in: phone, one-time code, real name") as say:
        resident = scene.visitor()
        person = sign_in_somebody(resident, scene.chance)
        me = resident.get("/api/v1/me").json
        expect(me["verified"] is True, "the real name was taken, and is not confirmed")
        expect(me["phone"] == mask_phone(person.phone), "the service shows another phone")
        expect(person.id_number not in str(me), "the service repeats the whole ID number")
        say(f"200  {me['name']}, phone {me['phone']}, ID number {me['id_number']}, confirmed")
        return resident


def open_release(scene: Scene, visitor: Visitor, campaign: str) -> Mapping[str, Any]:
    """The open release of a campaign of the demo season, by the campaign's code.

    Raises:
        SurpriseError: there is none: another season, or it is over.
    """
    name = next(row.name for row in scene.season.campaigns if row.code == campaign)
    listed = visitor.get("/api/v1/releases").json
    now = listed["server_time"]
    for release in listed["releases"]:
        if release["campaign"] == name and release["opens_at"] <= now < release["closes_at"]:
            return dict(release)
    raise SurpriseError(
        f"no release of {name} is open: the walk needs the demo season. `make reset` starts over."
    )


def claim_path(release: Mapping[str, Any]) -> str:
    """Where a resident's first claim of the release is put."""
    return f"/api/v1/releases/{release['release_id']}/claims/1"


def claim(visitor: Visitor, release: Mapping[str, Any]) -> Claimed:
    """Claim from a release."""
    answer = visitor.put(claim_path(release), expect=201).json
    return Claimed(answer["voucher_id"], release, answer["face_fen"], answer["threshold_fen"])


def claim_step(scene: Scene, resident: Visitor) -> Claimed:
    """Claim, and claim again: it stays one voucher."""
    with scene.step("Claim a voucher") as say:
        release = open_release(scene, resident, _CAMPAIGN)
        claimed = claim(resident, release)
        face, threshold = format_yuan(claimed.face_fen), format_yuan(claimed.threshold_fen)
        say(f"201  {release['campaign']}: {face} off from {threshold} yuan")
        again = resident.put(claim_path(release)).json
        expect(again["voucher_id"] == claimed.voucher_id, "claiming again gave another voucher")
        seat, quantity = again["seat"], release["quantity"]
        say(f"200  claimed again: the same voucher, seat {seat:,} of {quantity:,}")
        return claimed


def draw_and_decode(scene: Scene, resident: Visitor, claimed: Claimed) -> str:
    """Fetch the drawn code and read it as a camera would; returns its text."""
    with scene.step("Draw the QR code") as say:
        png = resident.get(f"{claimed.path}/qr.png").body
        image = Image.open(io.BytesIO(png))
        say(f"200  PNG, {image.width} × {image.height} pixels, {len(png):,} bytes")
    with scene.step("Decode the drawn image (zxing-cpp)") as say:
        codes = zxingcpp.read_barcodes(image)
        expect(len(codes) == 1, f"the image holds {len(codes)} codes instead of one")
        code = codes[0].text
        token = base64.b32decode(code + "=" * (-len(code) % 8))
        named = UUID(bytes=token[_TOKEN_VOUCHER])
        expect(str(named) == claimed.voucher_id, "the code names another voucher")
        say(
            f"{len(code)} characters: version {token[0]}, key {token[1]}, this voucher's id, signed"
        )
        return code


def showing(code: str) -> list[dict[str, str]]:
    """The vouchers of an order that is paid with one."""
    return [{"code": code}]


def spent(order: Mapping[str, Any]) -> Spent:
    """What the answer to a redemption with one voucher says."""
    (voucher,) = order["vouchers"]
    return Spent(voucher["redemption_id"], order["order_no"], order["discount_fen"])


def at_till(scene: Scene, till: DemoTill) -> Visitor:
    """A program at one of the demo's tills, with the till's key."""
    visitor = scene.visitor()
    visitor.prove(till_key(scene.settings, till))
    return visitor


def redeem(scene: Scene, till: Visitor, claimed: Claimed, code: str) -> Spent:
    """Pay part of an order with the voucher, and ask again as after a lost answer."""
    order_fen = claimed.threshold_fen + ABOVE_THRESHOLD_FEN
    order = {"vouchers": showing(code), "order_no": scene.order_no(), "order_fen": order_fen}
    with scene.step(f"Redeem at the till of {store_name(scene, TILL)}") as say:
        first = till.post("/api/v1/redemptions", order).json
        pays_fen = order_fen - claimed.face_fen
        expect(
            first["customer_pays_fen"] == pays_fen,
            f"the customer pays {first['customer_pays_fen']} fen, which should be {pays_fen}",
        )
        say(
            f"201  order {yuan(first['order_fen'])}, voucher {yuan(first['discount_fen'])}, "
            f"the customer pays {yuan(first['customer_pays_fen'])}"
        )
    with scene.step("Repeat the redemption, as after a time-out") as say:
        again = till.post("/api/v1/redemptions", order, expect=200).json
        expect(again == {**first, "repeated": True}, "the repetition got another answer")
        say(f"200  the same answer: redemption {again['order_id']}")
        other = {**order, "order_fen": order_fen + 1}
        reply = till.refused("/api/v1/redemptions", other, slug="order-number-reused")
        say(refusal(reply, "the same order number with another amount"))
    return spent(first)


def refuse_elsewhere(scene: Scene, resident: Visitor, claimed: Claimed) -> None:
    """Another till is shown a fresh code of the used voucher."""
    with scene.step(f"Another till tries the same voucher: {store_name(scene, OTHER_TILL)}") as say:
        order = {
            "vouchers": showing(resident.get(claimed.path).json["token"]),
            "order_no": scene.order_no(),
            "order_fen": claimed.threshold_fen + ABOVE_THRESHOLD_FEN,
        }
        elsewhere = at_till(scene, OTHER_TILL)
        say(refusal(elsewhere.refused("/api/v1/redemptions", order, slug="voucher-used")))


def reverse(scene: Scene, till: Visitor, resident: Visitor, claimed: Claimed, spent: Spent) -> None:
    """The till undoes its redemption; the voucher is good again."""
    with scene.step("Reverse the redemption") as say:
        undone = till.post(f"/api/v1/redemptions/{spent.order_no}/reversal", expect=200).json
        expect(undone["state"] == "reversed", f"the order is {undone['state']}, not reversed")
        state = resident.get(claimed.path).json["state"]
        expect(state == "issued", f"the voucher is {state} instead of issued")
        say(f"200  order {undone['order_no']} is reversed, and the voucher is good again")


def redeem_again(
    scene: Scene, till: Visitor, resident: Visitor, claimed: Claimed, reversed_: Spent
) -> Spent:
    """Redeem under a new order number, this time by the digits below the code."""
    with scene.step("Redeem again: a new order number, and the typed digits") as say:
        digits = resident.get(claimed.path).json["typed_code"]
        order = {
            "vouchers": showing(digits),
            "order_no": reversed_.order_no,
            "order_fen": claimed.threshold_fen + ABOVE_THRESHOLD_FEN,
        }
        reply = till.refused("/api/v1/redemptions", order, slug="order-was-reversed")
        say(refusal(reply, "the old order number"))
        redeemed = till.post("/api/v1/redemptions", {**order, "order_no": scene.order_no()}).json
        looked_up = till.get(f"/api/v1/redemptions/{redeemed['order_no']}").json
        expect(looked_up == redeemed, "looking the order up shows something else")
        say(f"201  {len(digits)} digits, voucher {yuan(redeemed['discount_fen'])}")
        return spent(redeemed)


def store_name(scene: Scene, till: DemoTill) -> str:
    """The name of the store in which the till stands."""
    return next(store.name for store in scene.season.stores if store.code == till.store)


def refusal(reply: Reply, what: str = "") -> str:
    """A refusal as the walk prints it."""
    told = f"{reply.status}  {reply.json['slug']}: {reply.json['detail']}"
    return f"{told} ({what})" if what else told
