"""Settlement: the batch, its payout file, and the bank's answer."""

import csv
import io
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from coupon_service.core.csv_cells import BOM
from coupon_service.core.money import parse_yuan
from coupon_service.simulation.walk.office import Office
from coupon_service.simulation.walk.scene import Scene, expect, yuan
from coupon_service.simulation.walk.visitor import SurpriseError
from merchants.settlement.answer_file import COLUMNS

# 序号 and 合计 of merchants/settlement/payout_file.py.
_HEADER_ROWS = 2


def settle(scene: Scene, office: Office, season_id: str) -> Mapping[str, Any]:
    """Ask for a batch up to now, and wait for the job; returns the batch in detail."""
    visitor = office.visitor
    with scene.step("Settlement: everything owed up to now") as say:
        now = visitor.get("/api/v1/releases").json["server_time"]
        wanted = {"season_id": season_id, "cutoff_at": now}
        asked = visitor.post("/api/v1/settlements", wanted, expect=202)
        run_path = asked.headers["Location"]
        say(f"202  requested: {run_path}")

        def done() -> Mapping[str, Any] | None:
            run = visitor.get(run_path).json
            return run if run["is_done"] else None

        run = scene.wait_for("the settlement job", done)
        if run["settlement_id"] is None:
            raise SurpriseError("there was nothing to pay, and the walk has just redeemed")
        batch = visitor.get(f"/api/v1/settlements/{run['settlement_id']}").json
        expect(batch["state"] == "instructed", f"the batch is {batch['state']}, not instructed")
        say(
            f"200  batch {batch['settlement_id']}: {batch['line_count']} redemptions, "
            f"{batch['payout_count']} payouts, {yuan(batch['total_fen'])}"
        )
        return batch


def check_file(scene: Scene, office: Office, batch: Mapping[str, Any]) -> None:
    """The payout file is the one that was instructed, to the byte and to the fen."""
    with scene.step("The payout file") as say:
        path = f"/api/v1/settlements/{batch['settlement_id']}/payouts.csv"
        content = office.visitor.get(path).body
        digest = sha256(content).hexdigest()
        expect(digest == batch["file_sha256"], "the file's SHA-256 is not the batch's")
        rows = list(csv.reader(io.StringIO(content.decode().removeprefix(BOM), newline="")))
        lines, total = rows[_HEADER_ROWS:-1], rows[-1]
        summed_fen = sum(parse_yuan(line[-1]) for line in lines)
        expect(
            (len(lines), summed_fen) == (batch["payout_count"], batch["total_fen"]),
            f"the file's {len(lines)} lines sum up to {summed_fen} fen; the batch says otherwise",
        )
        expect(
            (int(total[1]), parse_yuan(total[2])) == (len(lines), summed_fen),
            "the file's last line is not the sum of the others",
        )
        say(f"200  {len(content):,} bytes, SHA-256 {digest[:16]}… as stored with the batch")
        say(f"{len(lines)} transfers sum up to {yuan(summed_fen)}")


def bank_answers(scene: Scene, office: Office, batch: Mapping[str, Any]) -> int:
    """Import a bank's answer that pays everything; returns what counts as paid, in fen."""
    with scene.step("The bank's answer is imported") as say:
        path = f"/api/v1/settlements/{batch['settlement_id']}"
        answer = _answer(scene, batch)
        taken = office.visitor.post(f"{path}/bank-answer", csv=answer, expect=200).json
        expect(
            (taken["paid"], taken["open"]) == (batch["payout_count"], 0),
            f"{taken['paid']} payouts were marked paid and {taken['open']} are open",
        )
        settled = office.visitor.get(path).json
        expect(settled["state"] == "settled", f"the batch is {settled['state']}, not settled")
        say(f"200  {taken['paid']} payouts paid, none open: the batch is settled")
        again = office.visitor.post(f"{path}/bank-answer", csv=answer, expect=200).json
        expect(
            (again["paid"], again["repeated"]) == (0, taken["paid"]),
            "importing the same answer again changed something",
        )
        say("200  the same file again changes nothing")
        return sum(payout["amount_fen"] + payout["netted_fen"] for payout in settled["payouts"])


def _answer(scene: Scene, batch: Mapping[str, Any]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for payout in batch["payouts"]:
        if payout["amount_fen"]:
            yuan_, fen = divmod(payout["amount_fen"], 100)
            reference = f"WALK{scene.chance.getrandbits(48):012X}"
            writer.writerow(
                [
                    batch["settlement_id"],
                    payout["position"],
                    payout["merchant_code"],
                    f"{yuan_}.{fen:02d}",
                    "paid",
                    reference,
                ]
            )
    return out.getvalue().encode()
