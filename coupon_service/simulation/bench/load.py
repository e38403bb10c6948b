"""What a load generator is told, and what it reports."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from coupon_service.simulation.http import Target


@dataclass(frozen=True)
class Volley:
    """Requests to be sent.

    Attributes:
        requests: encoded; each is sent once, unless `cycle` lets them go round.
        expected: the status that is right for every one of them.
    """

    requests: Sequence[bytes]
    expected: int
    cycle: bool


@dataclass
class Load:
    """What came of one or several volleys.

    Attributes:
        busy_s, busy_answers: the time of full load, and what was answered in it.
        sent, answers: of the whole volley; answers by status.
        broken: connections or answers cut off, and time-outs.
        latencies_us: how often an answer took that many microseconds.
    """

    busy_s: float = 0.0
    busy_answers: int = 0
    sent: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    latencies_us: Counter[int] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        return self.busy_answers / self.busy_s if self.busy_s else 0.0

    @property
    def unanswered(self) -> int:
        """Sent and never answered: what was under way when the time was over."""
        return max(0, self.sent - self.answers.total())

    def percentile_ms(self, percent: float) -> float:
        """The latency that so many per cent of the answers did not exceed."""
        wanted = self.latencies_us.total() * percent / 100
        seen = 0
        for latency_us in sorted(self.latencies_us):
            seen += self.latencies_us[latency_us]
            if seen >= wanted:
                return latency_us / 1000
        return 0.0

    def add(self, other: "Load") -> None:
        """Take the other's figures in."""
        self.busy_s += other.busy_s
        self.busy_answers += other.busy_answers
        self.sent += other.sent
        self.answers += other.answers
        self.broken += other.broken
        self.latencies_us += other.latencies_us


class Client(Protocol):
    """A load generator."""

    name: str
    note: str

    def fire(self, target: Target, volley: Volley, *, seconds: float, connections: int) -> Load:
        """Send the volley over so many connections, for so many seconds at most."""
        ...
