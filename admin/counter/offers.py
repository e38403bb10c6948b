"""What a resident may be given at the counter now, and why not what not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from admin.counter.errors import NotAtCounterError, VisitNotFoundError
from admin.counter.models import CounterDay, CounterVisit
from admin.models import Official
from coupon_service.campaigns.errors import ReleasePausedError
from coupon_service.campaigns.models import (
    Campaign,
    Channel,
    Mode,
    Release,
    ReleaseState,
    Season,
)
from coupon_service.campaigns.queries import PUBLISHED
from coupon_service.core.clock import local_date
from coupon_service.core.errors import ProblemError
from coupon_service.issuance.admit import Claimant, Unmet, admit
from coupon_service.issuance.errors import NOT_ELIGIBLE, LimitReachedError, SoldOutError
from coupon_service.issuance.gate import Gate
from coupon_service.vouchers.models import Voucher

# Releases made for the counter; and those for everybody that are claimed on site too. One with a
# waiting room is not: an official must not take anybody past those who wait.
MODES = (Mode.STAFF, Mode.FIRST_COME)


@dataclass(frozen=True)
class CounterOffer:
    """A release as one resident can have it at the counter.

    Attributes:
        vouchers: those the resident has of it, the first claimed first.
        ordinal: the next one's.
        refusal: why there is no next one now; a claim decides for itself.
    """

    release: Release
    campaign: Campaign
    vouchers: Sequence[Voucher]
    refusal: type[ProblemError] | None

    @property
    def ordinal(self) -> int:
        return len(self.vouchers) + 1


def offers_at_counter(
    session: Session, gate: Gate, visit: CounterVisit, now: datetime
) -> list[CounterOffer]:
    """Everything of the district that can be claimed at the counter now, by opening time."""
    rows = [
        (release, campaign)
        for release, campaign in session.execute(
            _claimable()
            .where(
                Season.district_id == visit.district_id,
                Release.opens_at <= now,
                Release.closes_at > now,
            )
            .order_by(Release.opens_at, Release.number)
        )
    ]
    ids = [release.id for release, _ in rows]
    held: dict[UUID, list[Voucher]] = {}
    for voucher in session.scalars(
        select(Voucher)
        .where(Voucher.resident_id == visit.resident_id, Voucher.release_id.in_(ids))
        .order_by(Voucher.ordinal)
    ):
        held.setdefault(voucher.release_id, []).append(voucher)
    claimants = {id_: Claimant(id_, visit.resident_id, by_guardian=False) for id_ in ids}
    verdicts = admit(session, claimants.values())
    left = gate.left(ids)

    def refusal(release: Release, campaign: Campaign) -> type[ProblemError] | None:
        if release.state == ReleaseState.PAUSED:
            return ReleasePausedError
        if len(held.get(release.id, ())) >= campaign.per_person:
            return LimitReachedError
        verdict = verdicts.get(claimants[release.id])
        if isinstance(verdict, Unmet):
            return NOT_ELIGIBLE[verdict.condition]
        return SoldOutError if left.get(release.id) == 0 else None

    return [
        CounterOffer(release, campaign, held.get(release.id, ()), refusal(release, campaign))
        for release, campaign in rows
    ]


def release_at_counter(
    session: Session, district_id: UUID, release_id: UUID
) -> tuple[Release, Campaign]:
    """A published release of the district that the counter can claim from.

    Raises:
        NotAtCounterError
    """
    row = session.execute(
        _claimable().where(Release.id == release_id, Season.district_id == district_id)
    ).one_or_none()
    if row is None:
        raise NotAtCounterError
    return row[0], row[1]


def visit_or_refuse(
    session: Session, visit_id: UUID, *, district_id: UUID, now: datetime
) -> CounterVisit:
    """A visit at the district's counters that has not ended.

    Raises:
        VisitNotFoundError
    """
    found = session.scalars(
        select(CounterVisit).where(
            CounterVisit.id == visit_id,
            CounterVisit.district_id == district_id,
            CounterVisit.ends_at > now,
        )
    ).one_or_none()
    if found is None:
        raise VisitNotFoundError
    return found


def day_at_counters(
    session: Session, district_id: UUID, now: datetime
) -> list[tuple[Official, CounterDay]]:
    """What the district's officials did at their counters today, by name."""
    rows = session.execute(
        select(Official, CounterDay)
        .join(CounterDay, CounterDay.official_id == Official.id)
        .where(Official.district_id == district_id, CounterDay.day == local_date(now))
        .order_by(Official.name, Official.id)
    )
    return [(official, day) for official, day in rows]


def _claimable() -> Select[Release, Campaign]:
    return (
        select(Release, Campaign)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .join(Season, Season.id == Campaign.season_id)
        .where(
            Release.state.in_(PUBLISHED),
            Release.mode.in_(MODES),
            Release.waiting_room.is_(False),
            Campaign.claim_channels.contains([Channel.ONSITE]),
        )
    )
