"""Claim at once: one look at the people, one script call and one INSERT for everybody.

Nearly every claim needs no more than that, and then a transaction around it only costs: each
statement commits by itself, the one INSERT decides and stores. What needs more is left to `claim`.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.core.db import on_rollback
from coupon_service.issuance.admit import Admitted, Claimant, admit_to_one
from coupon_service.issuance.answers import Cold, Seat, Wanted
from coupon_service.issuance.claim import (
    ClaimCommand,
    Granted,
    Outcome,
    Refused,
    candidate_for,
    refusal_of,
)
from coupon_service.issuance.gate import Gate
from coupon_service.issuance.rules import rules_of
from coupon_service.issuance.store import Candidate, store_vouchers


def claim_at_once(
    session: Session, gate: Gate, commands: Sequence[ClaimCommand]
) -> list[Outcome | None]:
    """The commands' outcomes in their order; None for one that `claim` has to bring to an end.

    `session` commits each statement by itself, so nothing here may rely on a lock: where other
    vouchers of a person decide, a claim is left to `claim`. So is one whose resident does not meet
    a condition, for they may have the voucher already; one that finds the gate cold; and one
    whose seat was not stored. The gate keeps that seat for them and gives it to `claim` again.
    """
    outcomes: list[Outcome | None] = [None] * len(commands)
    by_release: dict[UUID, list[int]] = {}
    for place, command in enumerate(commands):
        by_release.setdefault(command.release_id, []).append(place)
    candidates: list[tuple[int, Candidate]] = []
    for release_id, rule in rules_of(session, by_release).items():
        if rule.eligibility.asks_history:
            continue
        asked = by_release[release_id]
        verdicts = admit_to_one(session, rule, [_claimant(commands[place]) for place in asked])
        admitted = [
            (place, _wanted(commands[place], verdict))
            for place, verdict in zip(asked, verdicts, strict=True)
            if isinstance(verdict, Admitted)
        ]
        if not admitted:
            continue
        wanted = [want for _, want in admitted]
        for (place, want), answer in zip(admitted, gate.take(release_id, wanted), strict=True):
            match answer:
                case Seat(number):
                    _give_back_on_rollback(session, gate, release_id, want, number)
                    candidates.append((place, candidate_for(commands[place], number)))
                case Cold():
                    pass
                case _:
                    outcomes[place] = Refused(refusal_of(answer))
    if candidates:
        stored = store_vouchers(session, [candidate for _, candidate in candidates])
        for place, candidate in candidates:
            voucher = stored.get(candidate.voucher_id)
            if voucher is not None:
                outcomes[place] = Granted(voucher, repeated=False)
    return outcomes


def _claimant(command: ClaimCommand) -> Claimant:
    return Claimant(
        command.release_id, command.resident_id, by_guardian=command.claimed_by_id is not None
    )


def _wanted(command: ClaimCommand, admitted: Admitted) -> Wanted:
    return Wanted(
        command.resident_id,
        command.ordinal,
        command.device_hash,
        command.network,
        admitted.ranges,
    )


def _give_back_on_rollback(
    session: Session, gate: Gate, release_id: UUID, want: Wanted, seat: int
) -> None:
    on_rollback(session, lambda: gate.give_back(release_id, want, seat))
