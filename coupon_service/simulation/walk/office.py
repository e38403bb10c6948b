"""The official: signs in, reads the season's numbers, and checks that they add up."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyotp

from coupon_service.simulation.demo.people import OFFICIALS, password, totp_secret
from coupon_service.simulation.walk.scene import Scene, expect, yuan
from coupon_service.simulation.walk.visitor import SurpriseError, Visitor

_OFFICE = "/api/v1/office"
_TOTP_STEP_S = 30


@dataclass(frozen=True)
class Office:
    """A signed-in official."""

    visitor: Visitor

    def totals(self) -> Mapping[str, Any]:
        """The running season in numbers."""
        return self.visitor.get(f"{_OFFICE}/totals").json

    def releases(self) -> Sequence[Mapping[str, Any]]:
        """The running season's releases, with how many seats of each are taken."""
        found: Sequence[Mapping[str, Any]] = self.visitor.get(f"{_OFFICE}/releases").json[
            "releases"
        ]
        return found

    def open_cases(self) -> Sequence[Mapping[str, Any]]:
        """Fraud cases that wait for a decision."""
        answer = self.visitor.get(f"{_OFFICE}/cases", state="open").json
        found: Sequence[Mapping[str, Any]] = answer["cases"]
        return found

    def case(self, case_id: str) -> Mapping[str, Any]:
        """One case with its redemptions."""
        return self.visitor.get(f"{_OFFICE}/cases/{case_id}").json

    def release_case(self, case_id: str, reason: str) -> Mapping[str, Any]:
        """Decide that nothing is wrong."""
        path = f"{_OFFICE}/cases/{case_id}/release"
        return self.visitor.post(path, {"reason": reason}, expect=200).json


@dataclass(frozen=True)
class Done:
    """What one walk did, in counts and fen: what the season's totals must have grown by."""

    issued: int
    redeemed: int
    redeemed_fen: int
    paid_fen: int


def sign_in(scene: Scene) -> Office:
    """Sign the demo's official in: password, and the code an authenticator would show."""
    with scene.step("An official signs in: password and one-time code") as say:
        name = OFFICIALS[0].username
        visitor = scene.visitor()
        for attempt, code in enumerate(_codes(scene, name)):
            entered = {
                "username": name,
                "password": password(scene.settings, name),
                "code": code,
            }
            reply = visitor.post(f"{_OFFICE}/sign-in", entered, expect=frozenset({200, 401}))
            if reply.status == 200:
                say(f"200  {reply.json['role']} {name}" + (_USED if attempt else ""))
                return Office(visitor)
        raise SurpriseError(
            f"{name} may not sign in: is this the demo season, and COUPON_SECRET_KEY the service's?"
        )


_USED = " (a code is good once; an earlier walk had used the one before)"


def _codes(scene: Scene, name: str) -> Iterator[str]:
    """What the authenticator shows now, then next, and, once its time has come, after that."""
    totp = pyotp.TOTP(totp_secret(scene.settings, name), interval=_TOTP_STEP_S)
    step = int(time.time()) // _TOTP_STEP_S
    yield totp.generate_otp(step)
    yield totp.generate_otp(step + 1)  # the service allows for clocks that are a step off
    with scene.waiting("both codes are used up: waiting for the authenticator's next one"):
        time.sleep((step + 1) * _TOTP_STEP_S - time.time() + 0.5)
    yield totp.generate_otp(step + 2)


def look(scene: Scene, office: Office) -> Mapping[str, Any]:
    """Read the totals before anything happens."""
    with scene.step("The season's totals before") as say:
        totals = office.totals()
        _check_sums(totals)
        money = totals["money"]
        say(f"{totals['season']}: {yuan(totals['appropriated_fen'])} appropriated")
        say(f"issued {totals['issued_count']:,}, redeemed {totals['redeemed_count']:,}")
        say(f"spent {yuan(money['spent_fen'])}; every level of the budget adds up")
        return totals


def compare(scene: Scene, office: Office, before: Mapping[str, Any], done: Done) -> None:
    """The totals have grown by what the walk did, and by nothing else."""
    with scene.step("The season's totals after") as say:
        after = office.totals()
        _check_sums(after)
        grown = Done(
            issued=after["issued_count"] - before["issued_count"],
            redeemed=after["redeemed_count"] - before["redeemed_count"],
            redeemed_fen=after["redeemed_fen"] - before["redeemed_fen"],
            paid_fen=after["money"]["paid_fen"] - before["money"]["paid_fen"],
        )
        expect(
            grown == done,
            f"the totals grew by {grown}, and the walk did {done}: "
            "either they are wrong, or somebody else used the service meanwhile",
        )
        say(f"issued +{done.issued:,}, redeemed +{done.redeemed:,} ({yuan(done.redeemed_fen)})")
        say(f"paid +{yuan(done.paid_fen)}; every level of the budget adds up")


def check_invariants(scene: Scene, office: Office) -> None:
    """Everything that must always hold of ledger, seats, redemptions and settlement, holds."""
    with scene.step("The invariants") as say:
        answer = office.visitor.get(f"{_OFFICE}/invariants").json
        broken = [f"{found['invariant']}: {found['found']}" for found in answer["violations"]]
        expect(not broken, "broken: " + "; ".join(broken))
        say(f"200  all {answer['checked']} hold")


def _check_sums(totals: Mapping[str, Any]) -> None:
    """Boards add up to the season, and each level's money is somewhere."""
    boards = [node for node in totals["nodes"] if node["level"] == "board"]
    for part in totals["money"]:
        summed = sum(board["money"][part] for board in boards)
        expect(summed == totals["money"][part], f"the boards' {part} do not add up to the season's")
    granted = totals["treasury_fen"] + totals["money"]["allocated_fen"]
    expect(granted == totals["appropriated_fen"], "treasury and boards are not the appropriation")
    money = totals["money"]
    placed = money["left_fen"] + money["reserved_fen"] + money["spent_fen"]
    expect(
        placed + totals["owed_back_fen"] == money["allocated_fen"],
        "left, reserved, spent and owed back do not add up to what was allocated",
    )
    spent = sum(money[f"{where}_fen"] for where in ("payable", "held", "in_flight", "paid"))
    expect(spent == money["spent_fen"], "what was spent stands nowhere")
