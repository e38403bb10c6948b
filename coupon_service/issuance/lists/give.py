"""Give: one batch of a grant's lines becomes vouchers, and each line gets its outcome."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.errors import NotOpenYetError, ReleasePausedError
from coupon_service.campaigns.models import Campaign, Channel, Mode, Release
from coupon_service.core.errors import TooManyRequestsError, UnavailableError
from coupon_service.issuance.claim import ClaimCommand, Granted, Refused, claim
from coupon_service.issuance.claim import Outcome as ClaimOutcome
from coupon_service.issuance.errors import SoldOutError
from coupon_service.issuance.gate import Gate
from coupon_service.issuance.lists.models import Grant, GrantOutcome, Outcome
from coupon_service.notices.notify import NoticeKind, Told, notify_all
from coupon_service.vouchers.models import Voucher

CHANNEL = Channel.ONLINE
# Neither the person's fault nor for ever: the whole run is undone and comes back later.
_NOT_NOW = (UnavailableError, TooManyRequestsError, ReleasePausedError, NotOpenYetError)


@dataclass(frozen=True)
class Line:
    """A line of the grant's list, and the resident with a confirmed name who answers to it."""

    line_no: int
    resident_id: UUID | None


def give(
    session: Session, gate: Gate, grant: Grant, lines: Sequence[Line], *, were_waiting: bool
) -> None:
    """Claim for everybody on the lines; the grant's row is locked by the caller.

    Raises:
        UnavailableError, TooManyRequestsError, ReleasePausedError, NotOpenYetError: not now; undo.
    """
    # Somebody may be on the list twice, by ID number and by phone.
    named = (line.resident_id for line in lines if line.resident_id is not None)
    people = list(dict.fromkeys(named))
    commands = [
        ClaimCommand(grant.release_id, resident_id, CHANNEL, mode=Mode.GRANT)
        for resident_id in people
    ]
    claimed = dict(zip(people, _claim(session, gate, commands), strict=True)) if commands else {}
    rows = [_row(grant, line, claimed) for line in lines]
    _write(session, grant, rows, were_waiting=were_waiting)
    _tell(session, grant, claimed)


def _claim(session: Session, gate: Gate, commands: Sequence[ClaimCommand]) -> list[ClaimOutcome]:
    """Claim, and ask the database itself where the gate says sold out and seats are left.

    The gate lets seats that came back rest for a while, and learns a little late of added ones. A
    grant's refusal stays in its report, so it must be true.
    """
    outcomes = claim(session, gate, commands)
    sold_out = [at for at, outcome in enumerate(outcomes) if _is_sold_out(outcome)]
    if sold_out:
        again = sold_out[: _seats_left(session, commands[0].release_id)]
        asked = claim(session, gate, [commands[at] for at in again], past_gate=True)
        for at, outcome in zip(again, asked, strict=True):
            outcomes[at] = outcome
    return outcomes


def _is_sold_out(outcome: ClaimOutcome) -> bool:
    return isinstance(outcome, Refused) and isinstance(outcome.error, SoldOutError)


def _seats_left(session: Session, release_id: UUID) -> int:
    taken = select(func.count()).where(Voucher.release_id == release_id).scalar_subquery()
    left: int = session.execute(
        select(Release.quantity - taken).where(Release.id == release_id)
    ).scalar_one()
    return max(0, left)


def _row(grant: Grant, line: Line, claimed: Mapping[UUID, ClaimOutcome]) -> dict[str, object]:
    row: dict[str, object] = {
        "release_id": grant.release_id,
        "line_no": line.line_no,
        "outcome": Outcome.WAITING,
        "voucher_id": None,
        "slug": None,
    }
    if line.resident_id is None:
        return row
    answer = claimed[line.resident_id]
    if isinstance(answer, Granted):
        return row | {"outcome": Outcome.GRANTED, "voucher_id": answer.voucher.voucher_id}
    if isinstance(answer.error, _NOT_NOW):
        raise answer.error
    return row | {"outcome": Outcome.REFUSED, "slug": answer.error.slug}


def _write(
    session: Session, grant: Grant, rows: Iterable[Mapping[str, object]], *, were_waiting: bool
) -> None:
    values = list(rows)
    statement = insert(GrantOutcome).values(values)
    if were_waiting:
        statement = statement.on_conflict_do_update(
            index_elements=[GrantOutcome.release_id, GrantOutcome.line_no],
            set_={
                column: statement.excluded[column] for column in ("outcome", "voucher_id", "slug")
            },
        )
    session.execute(statement)
    tally = Counter(row["outcome"] for row in values)
    grant.granted += tally[Outcome.GRANTED]
    grant.refused += tally[Outcome.REFUSED]
    grant.waiting += tally[Outcome.WAITING] - (len(values) if were_waiting else 0)


def _tell(session: Session, grant: Grant, claimed: Mapping[UUID, ClaimOutcome]) -> None:
    campaign = session.execute(
        select(Campaign.name)
        .join(Release, Release.campaign_id == Campaign.id)
        .where(Release.id == grant.release_id)
    ).scalar_one()
    told = [
        Told(resident_id, {"campaign": campaign, "voucher_id": answer.voucher.voucher_id})
        for resident_id, answer in claimed.items()
        if isinstance(answer, Granted) and not answer.repeated
    ]
    notify_all(session, NoticeKind.GRANTED, told)
