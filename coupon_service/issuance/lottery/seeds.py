"""Where a draw's seed comes from: public randomness that was named before it existed.

Each source is announced with the one value it will give: a round of the drand beacon, a numbered
drawing of the national welfare lottery, or, outside production, a file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx

from coupon_service.core.log import get_logger
from coupon_service.core.settings import Settings
from coupon_service.issuance.lottery.errors import (
    SeedEvidenceError,
    SeedUnavailableError,
    UnknownSeedSourceError,
)
from coupon_service.issuance.lottery.verify_draw import (
    DRAND_CHAINS,
    WELFARE_GAMES,
    randomness_of,
    welfare_numbers,
)

QUICKNET = next(iter(DRAND_CHAINS))
SEED_FILES = "seeds"
_TIMEOUT_S = 5.0
_NAME = re.compile(r"[a-z0-9-]{1,60}")
_DRAWING_NUMBER = re.compile(r"20[0-9]{5}")
_DIGITS_MAX = 400

Evidence = dict[str, Any]

log = get_logger(__name__)


class SeedSource(Protocol):
    """One value of public randomness, named in advance."""

    @property
    def available_at(self) -> datetime:
        """When the source will have spoken."""

    def as_announced(self) -> dict[str, Any]:
        """The source as the announcement names it."""

    def fetch(self, settings: Settings) -> Evidence | None:
        """What the source published; None if two officials have to type it.

        Raises:
            SeedUnavailableError: it cannot be had now, or is not what was announced.
        """

    def read(self, typed: str) -> Evidence:
        """What an official typed, in its one form.

        Raises:
            SeedEvidenceError: the source does not publish such a thing.
        """


@dataclass(frozen=True)
class DrandRound:
    """A round of a drand chain. Its time follows from its number.

    The relay is believed about the signature: checking it takes pairings on BLS12-381. Anybody can
    compare the published signature with another relay's.
    """

    chain: str
    round: int

    @classmethod
    def first_after(cls, moment: datetime) -> "DrandRound":
        """The first round of drand's quicknet at or after a moment."""
        genesis_s, period_s = DRAND_CHAINS[QUICKNET]
        return cls(QUICKNET, -(-(int(moment.timestamp()) - genesis_s) // period_s) + 1)

    @property
    def available_at(self) -> datetime:
        genesis_s, period_s = DRAND_CHAINS[self.chain]
        return datetime.fromtimestamp(genesis_s, UTC) + timedelta(
            seconds=period_s * (self.round - 1)
        )

    def as_announced(self) -> dict[str, Any]:
        return {"kind": "drand", "chain": self.chain, "round": self.round}

    def fetch(self, settings: Settings) -> Evidence:
        address = f"{settings.drand_url}/{self.chain}/public/{self.round}"
        try:
            # Nothing of the environment: a proxy variable must not lead to another beacon.
            answer = httpx.get(address, timeout=_TIMEOUT_S, trust_env=False).raise_for_status()
            beacon = answer.json()
            evidence = {"round": int(beacon["round"]), "signature": str(beacon["signature"])}
            randomness = randomness_of(self.as_announced(), evidence)
            if beacon.get("randomness", randomness.hex()) != randomness.hex():
                raise SeedUnavailableError
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("the beacon did not answer as announced", reason=type(error).__name__)
            raise SeedUnavailableError from None
        return evidence

    def read(self, typed: str) -> Evidence:  # noqa: ARG002  # nobody types it
        raise SeedEvidenceError


@dataclass(frozen=True)
class WelfareDrawing:
    """A numbered drawing of the welfare lottery, broadcast and published nationwide.

    Attributes:
        game: `ssq` (双色球) or `kl8` (快乐8).
        number: the drawing's number of seven digits, as `2026321`.
    """

    game: str
    number: str
    available_at: datetime

    def as_announced(self) -> dict[str, Any]:
        return {"kind": "welfare_lottery", "game": self.game, "number": self.number}

    def fetch(self, settings: Settings) -> None:  # noqa: ARG002  # typed by two officials
        return None

    def read(self, typed: str) -> Evidence:
        numbers = [int(digits) for digits in re.findall(r"[0-9]{1,2}", typed[:_DIGITS_MAX])]
        try:
            return {"numbers": welfare_numbers(self.game, numbers)}
        except (ValueError, IndexError):
            raise SeedEvidenceError from None


@dataclass(frozen=True)
class SeedFile:
    """32 bytes as hex in `<state_dir>/seeds/<name>`, for rehearsals without a network."""

    name: str
    available_at: datetime

    def as_announced(self) -> dict[str, Any]:
        return {"kind": "file", "name": self.name}

    def fetch(self, settings: Settings) -> Evidence:
        path: Path = settings.state_dir / SEED_FILES / self.name
        try:
            found = path.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            raise SeedUnavailableError from None
        if not re.fullmatch(r"[0-9a-f]{64}", found):
            raise SeedUnavailableError
        return {"bytes": found}

    def read(self, typed: str) -> Evidence:  # noqa: ARG002  # nobody types it
        raise SeedEvidenceError


def welfare_drawing(game: str, number: str, available_at: datetime) -> WelfareDrawing:
    """A drawing as an official names it.

    Raises:
        UnknownSeedSourceError: there is no such game, or drawings are not numbered like that.
    """
    if game not in WELFARE_GAMES or not _DRAWING_NUMBER.fullmatch(number):
        raise UnknownSeedSourceError
    return WelfareDrawing(game, number, available_at)


def seed_file(name: str, available_at: datetime, settings: Settings) -> SeedFile:
    """A file, where there is no public to convince.

    Raises:
        UnknownSeedSourceError: this is production, or it is no name of a file.
    """
    if not settings.is_development or not _NAME.fullmatch(name):
        raise UnknownSeedSourceError
    return SeedFile(name, available_at)


def announced_source(named: Mapping[str, Any], available_at: datetime) -> SeedSource:
    """The source that an announcement names."""
    match named["kind"]:
        case "drand":
            return DrandRound(named["chain"], named["round"])
        case "welfare_lottery":
            return WelfareDrawing(named["game"], named["number"], available_at)
        case "file":
            return SeedFile(named["name"], available_at)
        case unknown:
            raise ValueError(f"an announcement names a source of kind {unknown}")
