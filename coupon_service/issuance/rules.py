"""The rules of a release that stay as they were published: who may claim, and out of which seats.

A process reads them once per release. What can change while it is open (state, window, quantity)
is not here: the gate hints at it and the database decides.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.eligibility import Eligibility
from coupon_service.campaigns.models import Campaign, Release, ReleaseQuota, ReleaseState
from coupon_service.issuance.answers import EVERY_SEAT, SeatRange

_RELEASES_KEPT = 2_000
_kept: dict[UUID, "Rules"] = {}


@dataclass(frozen=True)
class Quota:
    """Seats kept for a group, and from when they are everybody's."""

    eligibility: Eligibility
    seats: SeatRange
    opens_to_all_at: datetime | None


@dataclass(frozen=True)
class Rules:
    release_id: UUID
    season_id: UUID
    eligibility: Eligibility
    quotas: Sequence[Quota]

    @property
    def lists(self) -> frozenset[UUID]:
        """The lists of residents that matter here."""
        conditions = (self.eligibility, *(quota.eligibility for quota in self.quotas))
        return frozenset(one.list_id for one in conditions if one.list_id is not None)

    @property
    def ranges(self) -> Sequence[SeatRange]:
        """Every range of seats: those of the groups, and everybody's."""
        if not self.quotas:
            return EVERY_SEAT
        return (*(quota.seats for quota in self.quotas), self.everybody)

    @property
    def everybody(self) -> SeatRange:
        """Groups have the first seats; the rest is everybody's."""
        return (max((last or 0 for _, last in (q.seats for q in self.quotas)), default=0) + 1, None)


def rules_of(session: Session, release_ids: Collection[UUID]) -> dict[UUID, Rules]:
    """The rules of each of these releases; one that does not exist is left out."""
    missing = [id_ for id_ in release_ids if id_ not in _kept]
    found = _read(session, missing) if missing else {}
    return {id_: rules for id_ in release_ids if (rules := found.get(id_) or _kept.get(id_))}


def _read(session: Session, release_ids: Sequence[UUID]) -> dict[UUID, Rules]:
    quotas: dict[UUID, list[Quota]] = {}
    for row in session.scalars(
        select(ReleaseQuota)
        .where(ReleaseQuota.release_id.in_(release_ids))
        .order_by(ReleaseQuota.first_seat)
    ):
        quotas.setdefault(row.release_id, []).append(
            Quota(
                Eligibility.of(row.eligibility),
                (row.first_seat, row.last_seat),
                row.opens_to_all_at,
            )
        )
    rows = session.execute(
        select(Release.id, Release.state, Campaign.season_id, Campaign.eligibility)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(Release.id.in_(release_ids))
    )
    found = {}
    for id_, state, season_id, eligibility in rows:
        rules = Rules(id_, season_id, Eligibility.of(eligibility), tuple(quotas.get(id_, ())))
        found[id_] = rules
        if state != ReleaseState.DRAFT:
            _keep(rules)
    return found


def _keep(rules: Rules) -> None:
    if len(_kept) >= _RELEASES_KEPT:
        _kept.clear()
    _kept[rules.release_id] = rules
