"""Join: a resident waits for what comes back to a release that is sold out."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.errors import (
    NotOpenYetError,
    ReleaseClosedError,
    ReleasePausedError,
)
from coupon_service.campaigns.models import Channel, Mode, Release, ReleaseState
from coupon_service.campaigns.queries import release_or_refuse
from coupon_service.core.ids import new_id
from coupon_service.issuance.admit import Claimant, Unmet, admit
from coupon_service.issuance.answers import EVERY_SEAT, SeatRange
from coupon_service.issuance.errors import NOT_ELIGIBLE, LimitReachedError
from coupon_service.issuance.gate import Gate
from coupon_service.issuance.waiting.errors import NoWaitingHereError, StillAvailableError
from coupon_service.issuance.waiting.models import PLACES, WaitingEntry, WaitingList
from coupon_service.issuance.waiting.queries import Place, next_ordinal, place_of
from coupon_service.vouchers.models import Voucher


def join(
    session: Session, gate: Gate, release_id: UUID, resident_id: UUID, *, now: datetime
) -> Place:
    """Put the resident at the end of the list; whoever is on it stays where they are.

    Raises:
        ReleaseNotFoundError, NotOpenYetError, ReleasePausedError, ReleaseClosedError
        NoWaitingHereError: the release is not claimed by everybody online.
        NotEligibleError: the resident does not meet a condition.
        StillAvailableError: it is not sold out.
        LimitReachedError: the resident has had all they may.
    """
    release = release_or_refuse(session, release_id)
    _refuse_unless_open(release, now)
    if release.mode != Mode.FIRST_COME or Channel.ONLINE not in release.campaign.claim_channels:
        raise NoWaitingHereError
    if next_ordinal(session, release_id, resident_id) > release.campaign.per_person:
        raise LimitReachedError
    if not _is_sold_out(session, gate, release, _seats_for(session, release_id, resident_id)):
        raise StillAvailableError
    session.execute(insert(WaitingList).values(release_id=release_id).on_conflict_do_nothing())
    entry = insert(WaitingEntry).values(
        id=new_id(), release_id=release_id, resident_id=resident_id, joined_at=now
    )
    # Whoever left goes to the end; whoever waits stays where they are.
    session.execute(
        entry.on_conflict_do_update(
            index_elements=[WaitingEntry.release_id, WaitingEntry.resident_id],
            set_={
                "place": PLACES.next_value(),
                "joined_at": now,
                "left_at": None,
                "refused": None,
            },
            where=WaitingEntry.left_at.is_not(None),
        ).execution_options(synchronize_session=False)
    )
    session.expire_all()
    return place_of(session, release, resident_id, now=now)


def _refuse_unless_open(release: Release, now: datetime) -> None:
    if release.state == ReleaseState.CLOSED or release.closes_at <= now:
        raise ReleaseClosedError
    if release.state == ReleaseState.PAUSED:
        raise ReleasePausedError
    if release.opens_at > now:
        raise NotOpenYetError(opens_at=release.opens_at)


def _seats_for(session: Session, release_id: UUID, resident_id: UUID) -> Sequence[SeatRange]:
    claimant = Claimant(release_id, resident_id, by_guardian=False)
    verdict = admit(session, [claimant])[claimant]
    if isinstance(verdict, Unmet):
        refusal = NOT_ELIGIBLE[verdict.condition]
        raise refusal
    return verdict.ranges


def _is_sold_out(
    session: Session, gate: Gate, release: Release, ranges: Sequence[SeatRange]
) -> bool:
    """Whether nobody would get one of these seats now.

    Being wrong harms nobody: only what came back is served, and seats that are left are anybody's
    to claim.
    """
    left = gate.left([release.id]).get(release.id)
    if left is not None and (left == 0 or ranges == EVERY_SEAT):
        return left == 0
    bounds = [(first, min(last or release.quantity, release.quantity)) for first, last in ranges]
    taken = session.execute(
        select(func.count())
        .select_from(Voucher)
        .where(
            Voucher.release_id == release.id,
            or_(*(Voucher.seat.between(first, last) for first, last in bounds)),
        )
    ).scalar_one()
    return taken >= sum(last - first + 1 for first, last in bounds)
