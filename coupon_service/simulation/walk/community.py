"""A community's code brings a voucher, and using that one earns another."""

from collections.abc import Mapping
from typing import Any

from coupon_service.core.money import format_yuan
from coupon_service.issuance.codes.code_text import shown
from coupon_service.simulation.demo.people import COMMUNITY_RELEASE, community_code
from coupon_service.simulation.walk.scene import Scene, expect, yuan
from coupon_service.simulation.walk.visitor import Visitor
from coupon_service.simulation.walk.voucher import Claimed, claim_path, open_release

_CAMPAIGN = "group-chain"
_AWARD_CAMPAIGN = "lantern-supper"


def claim_with_code(scene: Scene, resident: Visitor) -> Claimed:
    """Claim with the code, typed carelessly, and again: it stays one voucher."""
    with scene.step("Claim with a community's code") as say:
        release = open_release(scene, resident, _CAMPAIGN)
        reply = resident.put(claim_path(release), expect=409)
        say(f"409  {reply.json['slug']}: {reply.json['detail']} (without the code)")
        code = shown(community_code(scene.settings, COMMUNITY_RELEASE))
        path = "/api/v1/claim-codes/claims"
        first = resident.post(path, {"code": code}).json
        claimed = Claimed(first["voucher_id"], release, first["face_fen"], first["threshold_fen"])
        face, threshold = format_yuan(claimed.face_fen), format_yuan(claimed.threshold_fen)
        say(f"201  {code} brings {release['campaign']}: {face} off from {threshold} yuan")
        again = resident.post(path, {"code": code.replace("-", " ")}, expect=200).json
        expect(again["voucher_id"] == claimed.voucher_id, "the code brought another voucher")
        say("200  typed again: the same voucher")
        return claimed


def awarded(scene: Scene, resident: Visitor) -> None:
    """What the redemption earned is in the wallet, and the resident was told."""
    with scene.step("The redemption earns another voucher") as say:
        campaign = next(row.name for row in scene.season.campaigns if row.code == _AWARD_CAMPAIGN)

        def earned() -> Mapping[str, Any] | None:
            vouchers = resident.get("/api/v1/vouchers").json["vouchers"]
            return next((one for one in vouchers if one["campaign"] == campaign), None)

        voucher = scene.wait_for("the award", earned)
        say(f"200  {campaign}: {yuan(voucher['face_fen'])} off")
        notices = resident.get("/api/v1/notices").json["notices"]
        told = [notice for notice in notices if notice["kind"] == "awarded"]
        expect(len(told) == 1, f"the resident was told of {len(told)} awards instead of one")
        say(f"200  a notice: {told[0]['text']}")
