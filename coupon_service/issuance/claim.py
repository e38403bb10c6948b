"""Claim: residents take vouchers from releases.

The use case takes a list: what a process has waiting goes through one script call per release and
one INSERT. One claim is a list of one. A bad claim in the list does not touch its neighbours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.campaigns.errors import (
    NotOpenYetError,
    ReleaseClosedError,
    ReleasePausedError,
)
from coupon_service.campaigns.models import Channel, Mode
from coupon_service.core.db import on_commit, on_rollback
from coupon_service.core.errors import ProblemError, UnavailableError
from coupon_service.core.ids import new_id
from coupon_service.issuance.admit import Admitted, Claimant, Unmet, admit
from coupon_service.issuance.allot import allot_seat
from coupon_service.issuance.answers import (
    EVERY_SEAT,
    Answer,
    Closed,
    Cold,
    DeviceSpent,
    Early,
    NetworkSpent,
    OverLimit,
    Paused,
    Seat,
    SeatRange,
    SoldOut,
    TooOften,
    Wanted,
)
from coupon_service.issuance.errors import (
    NOT_ELIGIBLE,
    ClaimsTooFastError,
    DeviceLimitError,
    LimitReachedError,
    NetworkLimitError,
    SoldOutError,
)
from coupon_service.issuance.gate import Gate
from coupon_service.issuance.reconcile import warm
from coupon_service.issuance.store import (
    Candidate,
    Key,
    Stored,
    store_vouchers,
    stored_vouchers,
    why_not,
)

# A seat the database has already given away costs another round. Only a rebuilt gate hands such
# seats out; after this many the seat is allotted in the database itself.
GATE_ROUNDS = 3
COLD_WAIT_S = 5.0


@dataclass(frozen=True)
class ClaimCommand:
    """One resident is to have their `ordinal`-th voucher of a release.

    Attributes:
        mode: the way the claim came; a release takes claims of its own mode only.
        claimed_by_id: the resident who acts for this one.
        assisted_by_id: the official who acts for this one.
        device_hash, network: where the claim comes from, for the quotas of each.
    """

    release_id: UUID
    resident_id: UUID
    channel: Channel
    ordinal: int = 1
    device_hash: bytes | None = None
    mode: Mode = Mode.FIRST_COME
    claimed_by_id: UUID | None = None
    assisted_by_id: UUID | None = None
    network: bytes | None = None

    @property
    def key(self) -> Key:
        return (self.release_id, self.resident_id, self.ordinal)


@dataclass(frozen=True)
class Granted:
    """The resident has the voucher; `repeated` if they had it before this command."""

    voucher: Stored
    repeated: bool


@dataclass(frozen=True)
class Refused:
    error: ProblemError


Outcome = Granted | Refused


@dataclass
class _Pending:
    """Commands without an outcome yet, the outcomes so far, and who may have which seats."""

    commands: list[ClaimCommand]
    outcomes: dict[Key, Outcome] = field(default_factory=dict)
    ranges: dict[Key, Sequence[SeatRange]] = field(default_factory=dict)

    @property
    def open(self) -> list[ClaimCommand]:
        return [command for command in self.commands if command.key not in self.outcomes]

    def wanted(self, command: ClaimCommand) -> Wanted:
        return Wanted(
            resident_id=command.resident_id,
            ordinal=command.ordinal,
            device=command.device_hash,
            network=command.network,
            ranges=self.ranges.get(command.key, EVERY_SEAT),
        )


def claim(
    session: Session, gate: Gate, commands: Sequence[ClaimCommand], *, past_gate: bool = False
) -> list[Outcome]:
    """Give each command a voucher or a refusal, in the commands' order.

    Repeating a command gives the same voucher. The caller commits before telling anybody; if the
    transaction is undone, the seats go back to the gate. `past_gate` takes seats that the gate
    does not know of yet, straight from the database, one claim of a release at a time.
    """
    pending = _Pending(list({command.key: command for command in commands}.values()))
    _admit(session, pending)
    if past_gate:
        _claim_in_database(session, gate, pending)
    else:
        _claim_through_gate(session, gate, pending)
        if pending.open:
            _claim_past_gate(session, gate, pending)
    seen: set[Key] = set()
    outcomes = []
    for command in commands:
        outcome = pending.outcomes[command.key]
        if command.key in seen and isinstance(outcome, Granted):
            outcome = replace(outcome, repeated=True)
        seen.add(command.key)
        outcomes.append(outcome)
    return outcomes


def _admit(session: Session, pending: _Pending) -> None:
    """Refuse whoever does not meet a condition, unless they have the voucher already."""
    claimants = {
        command.key: Claimant(
            command.release_id, command.resident_id, by_guardian=command.claimed_by_id is not None
        )
        for command in pending.commands
    }
    verdicts = admit(session, claimants.values())
    refused: dict[Key, Outcome] = {}
    for command in pending.commands:
        match verdicts.get(claimants[command.key]):
            case Admitted(ranges):
                pending.ranges[command.key] = ranges
            case Unmet(condition):
                refused[command.key] = Refused(NOT_ELIGIBLE[condition]())
            case None:  # no such release, which the database says best
                pass
    if refused:
        had_before = stored_vouchers(session, list(refused))
        pending.outcomes |= refused
        for key, voucher in had_before.items():
            pending.outcomes[key] = Granted(voucher, repeated=True)


def _claim_through_gate(session: Session, gate: Gate, pending: _Pending) -> None:
    for _ in range(GATE_ROUNDS):
        taken = _take(gate, session, pending)
        if not taken:
            break
        _store(session, gate, taken, pending)


# A candidate for storing, and the wish that brought its seat.
_Taken = tuple[Candidate, Wanted]


def _take(gate: Gate, session: Session, pending: _Pending) -> list[_Taken]:
    by_release: dict[UUID, list[ClaimCommand]] = {}
    for command in pending.open:
        by_release.setdefault(command.release_id, []).append(command)
    taken = []
    for release_id, group in by_release.items():
        wanted = [pending.wanted(command) for command in group]
        answers = gate.take(release_id, wanted)
        if isinstance(answers[0], Cold) and warm(session, gate, release_id):
            answers = gate.take(release_id, wanted)
        for command, want, answer in zip(group, wanted, answers, strict=True):
            if isinstance(answer, Seat):
                _give_back_on_rollback(session, gate, release_id, want, answer.number)
                taken.append((candidate_for(command, answer.number), want))
            elif not isinstance(answer, Cold):
                pending.outcomes[command.key] = Refused(refusal_of(answer))
    return taken


def _store(session: Session, gate: Gate, taken: Sequence[_Taken], pending: _Pending) -> None:
    """Insert the candidates; give every one that was not stored its outcome or another round."""
    stored = store_vouchers(session, [candidate for candidate, _ in taken])
    left = [candidate.key for candidate, _ in taken if candidate.voucher_id not in stored]
    had_before = stored_vouchers(session, left) if left else {}
    for candidate, want in taken:
        if candidate.voucher_id in stored:
            pending.outcomes[candidate.key] = Granted(stored[candidate.voucher_id], repeated=False)
            continue
        before = had_before.get(candidate.key)
        if before is not None:
            if before.seat != candidate.seat:
                gate.adopt(*candidate.key, before.seat)
            pending.outcomes[candidate.key] = Granted(before, repeated=True)
            continue
        reason = why_not(session, candidate)
        if reason is None:  # the seat is somebody else's: the gate was behind the database
            gate.forget(candidate.release_id, want, candidate.seat)
        else:
            gate.give_back(candidate.release_id, want, candidate.seat)
            pending.outcomes[candidate.key] = Refused(reason)


def _claim_past_gate(session: Session, gate: Gate, pending: _Pending) -> None:
    """Claim without the gate, in a few transactions at a time: the database must not drown when
    Redis is away.
    """
    if not gate.cold_slots.acquire(timeout=COLD_WAIT_S):
        pending.outcomes |= {command.key: Refused(UnavailableError()) for command in pending.open}
        return
    on_commit(session, gate.cold_slots.release)
    on_rollback(session, gate.cold_slots.release)
    # Whoever rebuilds the gate may be done by now, and then it is the quicker way again.
    _claim_through_gate(session, gate, pending)
    _claim_in_database(session, gate, pending)


def _claim_in_database(session: Session, gate: Gate, pending: _Pending) -> None:
    """Let PostgreSQL allot the seats, one transaction of a release at a time."""
    for command in pending.open:
        for _ in range(GATE_ROUNDS):
            outcome = _allotted(session, gate, pending, command)
            if outcome is not None:
                break
        pending.outcomes[command.key] = outcome or Refused(UnavailableError())


def _allotted(
    session: Session, gate: Gate, pending: _Pending, command: ClaimCommand
) -> Outcome | None:
    """The next seat PostgreSQL knows, or why not.

    None if a claim through the gate was quicker to store that seat: where Redis answers some and
    not others, both ways are in use at once.
    """
    before = stored_vouchers(session, [command.key])
    if before:
        return Granted(before[command.key], repeated=True)
    seat = allot_seat(session, command.release_id, pending.wanted(command).ranges)
    if seat is None:
        probe = candidate_for(command, seat=1)
        return Refused(why_not(session, probe) or SoldOutError())
    candidate = candidate_for(command, seat)
    stored = store_vouchers(session, [candidate])
    if stored:
        on_commit(session, lambda: gate.adopt(*candidate.key, seat))
        return Granted(stored[candidate.voucher_id], repeated=False)
    before = stored_vouchers(session, [command.key])
    if before:
        return Granted(before[command.key], repeated=True)
    reason = why_not(session, candidate)
    return None if reason is None else Refused(reason)


def candidate_for(command: ClaimCommand, seat: int) -> Candidate:
    """The voucher that the command would bring, with that seat."""
    return Candidate(
        voucher_id=new_id(),
        release_id=command.release_id,
        resident_id=command.resident_id,
        ordinal=command.ordinal,
        seat=seat,
        channel=command.channel,
        device_hash=command.device_hash,
        mode=command.mode,
        claimed_by_id=command.claimed_by_id,
        assisted_by_id=command.assisted_by_id,
    )


def _give_back_on_rollback(
    session: Session, gate: Gate, release_id: UUID, want: Wanted, seat: int
) -> None:
    on_rollback(session, lambda: gate.give_back(release_id, want, seat))


def refusal_of(answer: Answer) -> ProblemError:
    """The refusal in an answer that is neither a seat nor `Cold`."""
    match answer:
        case Early(opens_at):
            return NotOpenYetError(opens_at=opens_at)
        case TooOften(retry_after_s):
            return ClaimsTooFastError(retry_after_s=retry_after_s)
        case _:
            return _PLAIN_REFUSALS[type(answer)]()


_PLAIN_REFUSALS: Mapping[type[Answer], type[ProblemError]] = {
    SoldOut: SoldOutError,
    Closed: ReleaseClosedError,
    Paused: ReleasePausedError,
    OverLimit: LimitReachedError,
    DeviceSpent: DeviceLimitError,
    NetworkSpent: NetworkLimitError,
}
