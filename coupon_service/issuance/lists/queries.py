"""Shared reads of lists and grants."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from coupon_service.campaigns.models import Campaign, Mode, Release, ReleaseState, Season
from coupon_service.issuance.lists.errors import GrantNotFoundError, ListNotFoundError
from coupon_service.issuance.lists.models import (
    Grant,
    GrantOutcome,
    ListFault,
    ListMember,
    ListState,
    Outcome,
    ResidentList,
)
from coupon_service.residents.models import Resident

_ROWS_AT_ONCE = 5_000


@dataclass(frozen=True)
class Granting:
    """A grant with what it gives, and to which list."""

    grant: Grant
    release: Release
    campaign: Campaign
    list: ResidentList

    @property
    def reached(self) -> int:
        """Lines with an outcome."""
        return self.grant.granted + self.grant.waiting + self.grant.refused


@dataclass(frozen=True)
class OutcomeLine:
    """What became of one line; no outcome yet if the grant has not come to it."""

    line_no: int
    outcome: Outcome | None
    slug: str | None


def answers_to(person_index: InstrumentedAttribute[bytes]) -> ColumnElement[bool]:
    """Whether a resident with a confirmed real name is the person a line names."""
    return Resident.verified_at.is_not(None) & (
        (Resident.id_number_index == person_index) | (Resident.phone_index == person_index)
    )


def on_list(session: Session, list_id: UUID, resident_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these residents are on the list."""
    return set(
        session.scalars(
            select(Resident.id)
            .join(ListMember, answers_to(ListMember.person_index))
            .where(ListMember.list_id == list_id, Resident.id.in_(resident_ids))
        )
    )


def lists_of(session: Session, season_id: UUID) -> Sequence[ResidentList]:
    """The season's lists, the newest first."""
    return session.scalars(
        select(ResidentList)
        .where(ResidentList.season_id == season_id)
        .order_by(ResidentList.created_at.desc(), ResidentList.id.desc())
    ).all()


def ready_lists(session: Session, season_id: UUID) -> Sequence[ResidentList]:
    """The lists that conditions and grants of the season can name."""
    return [one for one in lists_of(session, season_id) if one.state == ListState.READY]


def list_or_refuse(session: Session, list_id: UUID, *, district_id: UUID) -> ResidentList:
    """A list of the district.

    Raises:
        ListNotFoundError: there is none, or it is another district's.
    """
    found = session.scalars(
        select(ResidentList)
        .join(Season, Season.id == ResidentList.season_id)
        .where(ResidentList.id == list_id, Season.district_id == district_id)
    ).one_or_none()
    if found is None:
        raise ListNotFoundError
    return found


def faults_of(session: Session, list_id: UUID, *, limit: int | None = None) -> Iterator[ListFault]:
    """The list's faulty lines in the file's order."""
    yield from session.scalars(
        select(ListFault)
        .where(ListFault.list_id == list_id)
        .order_by(ListFault.line_no)
        .limit(limit)
        .execution_options(yield_per=_ROWS_AT_ONCE)
    )


def grants_of(session: Session, season_id: UUID, *, list_id: UUID | None = None) -> list[Granting]:
    """The season's grants, the newest first; of one list if it is named."""
    query = (
        select(Grant, Release, Campaign, ResidentList)
        .join(Release, Release.id == Grant.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .join(ResidentList, ResidentList.id == Grant.list_id)
        .where(Campaign.season_id == season_id)
        .order_by(Grant.started_at.desc(), Grant.release_id)
    )
    if list_id is not None:
        query = query.where(Grant.list_id == list_id)
    return [Granting(*row) for row in session.execute(query)]


def grant_or_refuse(session: Session, release_id: UUID, *, district_id: UUID) -> Granting:
    """A grant of the district.

    Raises:
        GrantNotFoundError: there is none, or it is another district's.
    """
    found = session.execute(
        select(Grant, Release, Campaign, ResidentList)
        .join(Release, Release.id == Grant.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .join(Season, Season.id == Campaign.season_id)
        .join(ResidentList, ResidentList.id == Grant.list_id)
        .where(Grant.release_id == release_id, Season.district_id == district_id)
    ).one_or_none()
    if found is None:
        raise GrantNotFoundError
    return Granting(*found)


def grantable_releases(session: Session, season_id: UUID) -> list[tuple[Release, Campaign]]:
    """Published releases of the season that are given to a list and have none yet."""
    rows = session.execute(
        select(Release, Campaign)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .outerjoin(Grant, Grant.release_id == Release.id)
        .where(
            Campaign.season_id == season_id,
            Release.mode == Mode.GRANT,
            Release.state.in_((ReleaseState.OPEN, ReleaseState.PAUSED)),
            Release.closes_at > func.clock_timestamp(),
            Grant.release_id.is_(None),
        )
        .order_by(Release.opens_at, Release.number)
    )
    return [(release, campaign) for release, campaign in rows]


def refusals_of(session: Session, release_id: UUID) -> Mapping[str, int]:
    """How many lines were refused for which reason (slug), the most frequent first."""
    rows = session.execute(
        select(GrantOutcome.slug, func.count())
        .where(GrantOutcome.release_id == release_id, GrantOutcome.outcome == Outcome.REFUSED)
        .group_by(GrantOutcome.slug)
        .order_by(func.count().desc(), GrantOutcome.slug)
    )
    return {str(slug): count for slug, count in rows}


def outcomes_of(session: Session, grant: Grant) -> Iterator[OutcomeLine]:
    """Every line of the grant's list with what became of it, in the file's order."""
    rows = session.execute(
        select(ListMember.line_no, GrantOutcome.outcome, GrantOutcome.slug)
        .outerjoin(
            GrantOutcome,
            (GrantOutcome.release_id == grant.release_id)
            & (GrantOutcome.line_no == ListMember.line_no),
        )
        .where(ListMember.list_id == grant.list_id)
        .order_by(ListMember.line_no)
        .execution_options(yield_per=_ROWS_AT_ONCE)
    )
    for row in rows:
        yield OutcomeLine(*row)
