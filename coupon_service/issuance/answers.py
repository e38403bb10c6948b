"""What is wanted of the gate, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID


@dataclass(frozen=True)
class Seat:
    number: int


@dataclass(frozen=True)
class Lasting:
    """For `left_ms` nobody new gets a seat, while the gate's list of holders has this version."""

    left_ms: int
    version: str


@dataclass(frozen=True)
class SoldOut:
    """Every seat the resident may have is handed out. One may still come back.

    `lasting`: every seat of the release is out, and that stays so for a while.
    """

    lasting: Lasting | None = None


@dataclass(frozen=True)
class Early:
    opens_at: datetime


@dataclass(frozen=True)
class Closed:
    pass


@dataclass(frozen=True)
class Paused:
    pass


@dataclass(frozen=True)
class OverLimit:
    """The ordinal is more than the campaign allows one person."""


@dataclass(frozen=True)
class TooOften:
    retry_after_s: int


@dataclass(frozen=True)
class DeviceSpent:
    """This browser has taken as many seats of the release as one may."""


@dataclass(frozen=True)
class NetworkSpent:
    """This network has taken as many seats of the release as one may."""


@dataclass(frozen=True)
class Cold:
    """The gate knows nothing of this release, or did not answer in time."""


Answer = (
    Seat
    | SoldOut
    | Early
    | Closed
    | Paused
    | OverLimit
    | TooOften
    | DeviceSpent
    | NetworkSpent
    | Cold
)

# From a first to a last seat; None: to the release's last one.
SeatRange = tuple[int, int | None]
EVERY_SEAT: Sequence[SeatRange] = ((1, None),)


@dataclass(frozen=True)
class Wanted:
    """One seat for one resident.

    Attributes:
        device, network: where the wish comes from, if that is to be counted.
        ranges: the seats the resident may have, tried in this order.
    """

    resident_id: UUID
    ordinal: int
    device: bytes | None = None
    network: bytes | None = None
    ranges: Sequence[SeatRange] = EVERY_SEAT

    @property
    def field(self) -> str:
        return f"{self.resident_id.hex}:{self.ordinal}"

    @property
    def origins(self) -> tuple[str, str]:
        return (
            f"d{self.device.hex()}" if self.device else "",
            f"n{self.network.hex()}" if self.network else "",
        )


def parsed(answer: str) -> Answer:
    """What `take.lua` says of one wish."""
    if answer in _PLAIN:
        return _PLAIN[answer]
    word, _, detail = answer.partition(":")
    match word:
        case "early":
            return Early(datetime.fromtimestamp(int(detail) / 1000, UTC))
        case "rate":
            return TooOften(int(detail))
        case "sold":
            left_ms, _, version = detail.partition(":")
            return SoldOut(Lasting(int(left_ms), version))
        case _:
            return Seat(int(word))


_PLAIN: Mapping[str, Answer] = {
    "cold": Cold(),
    "closed": Closed(),
    "paused": Paused(),
    "limit": OverLimit(),
    "device": DeviceSpent(),
    "network": NetworkSpent(),
    "sold": SoldOut(),
}


def written(ranges: Sequence[SeatRange]) -> str:
    """Ranges as `take.lua` reads them."""
    return ",".join(f"{first}-{last or 0}" for first, last in ranges)
