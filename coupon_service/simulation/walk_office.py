"""The official: signs in, reads the season's numbers, and checks that they add up."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyotp

from coupon_service.simulation.demo_people import OFFICIALS, password, totp_secret
from coupon_service.simulation.walk_scene import Scene, expect, yuan
from coupon_service.simulation.walk_visitor import SurpriseError, Visitor

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
        found: Sequence[Mapping[str, Any]] = self.visitor.get(f"{_OFFICE}/releases").json["releases"]
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


def _codes(scene: Scene, name: str) -> Sequence[str]:
    """Now's code, the next one, and, after a while, the one after."""
    totp = pyotp.TOTP(totp_secret(scene.settings, name))
    step = int(time.time()) // _TOTP_STEP_S
    return _LazyCodes(scene, totp, step)


class _LazyCodes(Sequence[str]):
    """Three codes of an authenticator; for the third its time is waited for."""

    def __init__(self, scene: Scene, totp: pyotp.TOTP, step: int) -> None:
        self._scene, self._totp, self._step = scene, totp, step
