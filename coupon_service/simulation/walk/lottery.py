"""The lottery: enter one that takes entries, and check one that is drawn as anybody can."""

import json
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from coupon_service.issuance.lottery.verify_draw import UnreadableError, faults_of, read_result
from coupon_service.simulation.walk.scene import Scene, expect
from coupon_service.simulation.walk.visitor import SurpriseError, Visitor

_HASH_SHOWN = 16


def enter(scene: Scene, resident: Visitor) -> None:
    """Enter, and enter again: it stays one entry."""
    with scene.step("Enter a lottery") as say:
        draw = _draw(scene, resident, "collecting")
        announced = json.loads(draw["announcement"])
        expect(
            sha256(draw["announcement"].encode()).hexdigest() == draw["announcement_sha256"],
            "the announcement has another hash",
        )
        closes, source = announced["entries_close_at"], announced["seed_source"]["kind"]
        say(f"200  {draw['entries']} entries for {draw['quantity']} vouchers, until {closes}")
        say(f"announced beforehand: the seed comes from a {source}, at {draw['seed_available_at']}")
        wanted = {"release_id": draw["release_id"]}
        first = resident.post("/api/v1/lottery/entries", wanted).json
        again = resident.post("/api/v1/lottery/entries", wanted, expect=200).json
        expect(again == first, "entering again changed the entry")
        say(f"201  entered, and again 200: one entry, leaf {first['leaf'][:_HASH_SHOWN]}…")


def verify(scene: Scene) -> None:
    """Download a published draw without signing in, and do it all over again."""
    with scene.step("Verify a lottery that was drawn") as say:
        anybody = scene.visitor()
        draw = _draw(scene, anybody, "published")
        result = anybody.get(f"/api/v1/lottery/{draw['release_id']}/result").body
        expect(sha256(result).hexdigest() == draw["result_sha256"], "the file has another hash")
        say(f"200  {len(result):,} bytes, of the published SHA-256")
        with tempfile.NamedTemporaryFile(suffix=".jsonl.gz") as file:
            Path(file.name).write_bytes(result)
            try:
                published = read_result(file.name)
            except UnreadableError as error:
                raise SurpriseError(f"the published draw cannot be read: {error}") from None
        faults = list(faults_of(published))
        expect(not faults, "the draw does not verify: " + "; ".join(faults))
        header, leaves, _, outcomes = published
        expect(header["root"] == draw["root"], "the file has another root than the draw")
        say(f"{len(leaves)} entries under root {draw['root'][:_HASH_SHOWN]}…, {sum(outcomes)} won")
        say("verify_draw.py: commitment, seed, order and winners match")


def _draw(scene: Scene, visitor: Visitor, state: str) -> Mapping[str, Any]:
    """A draw of the demo season in that state."""
    drawn = {row.release for row in scene.season.draws}
    campaigns = {row.campaign for row in scene.season.releases if row.code in drawn}
    names = {row.name for row in scene.season.campaigns if row.code in campaigns}
    for release in visitor.get("/api/v1/releases").json["releases"]:
        if release["campaign"] in names:
            draw = visitor.get(f"/api/v1/lottery/{release['release_id']}").json
            if draw["state"] == state:
                return draw
    raise SurpriseError(f"no lottery of the demo season is {state}. `make reset` starts over.")
