"""Admit: which residents may claim from a release, and out of which of its seats."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from coupon_service.campaigns.eligibility import Condition, Person, unmet
from coupon_service.core.clock import db_now, local_date
from coupon_service.issuance.answers import EVERY_SEAT, SeatRange
from coupon_service.issuance.arrays import uuids
from coupon_service.issuance.lists.queries import on_list
from coupon_service.issuance.rules import Rules, rules_of

_PEOPLE = """
    SELECT resident.id, resident.born_on, resident.area_code, clock_timestamp() AS now
    FROM residents resident WHERE resident.id = ANY (%s::uuid[])
    """
# Another release of the season gave them a voucher; and one of these is still unused.
_HISTORY = text(
    """
    SELECT voucher.resident_id, bool_or(voucher.state = 'issued') AS holds
    FROM vouchers voucher
    JOIN releases release ON release.id = voucher.release_id
    JOIN campaigns campaign ON campaign.id = release.campaign_id
    WHERE voucher.resident_id = ANY (:ids) AND campaign.season_id = :season_id
      AND voucher.release_id <> :release_id
    GROUP BY voucher.resident_id
    """
)
# Two claims of one person in different releases would not see each other's voucher otherwise.
# In one order for everybody, so that two batches never wait for each other.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:person, 1))")


@dataclass(frozen=True)
class Claimant:
    """A resident who wants something of a release; `by_guardian` if somebody acts for them."""

    release_id: UUID
    resident_id: UUID
    by_guardian: bool


@dataclass(frozen=True)
class Admitted:
    """They may claim, out of these seats in this order."""

    ranges: Sequence[SeatRange]


@dataclass(frozen=True)
class Unmet:
    """They may not: this condition does not hold."""

    condition: Condition


def admit(session: Session, claimants: Iterable[Claimant]) -> Mapping[Claimant, Admitted | Unmet]:
    """Judge each claimant. A release that does not exist admits nobody and refuses nobody.

    Where other vouchers of a person decide, the person is locked until the transaction ends.
    """
    by_release: dict[UUID, list[Claimant]] = {}
    for claimant in claimants:
        by_release.setdefault(claimant.release_id, []).append(claimant)
    rules = rules_of(session, by_release)
    people = _read(session, [one for id_ in rules for one in by_release[id_]])
    _lock_persons(session, rules, by_release)
    verdicts: dict[Claimant, Admitted | Unmet] = {}
    for id_, rule in rules.items():
        asked = by_release[id_]
        verdicts |= zip(asked, _judge(session, rule, asked, people), strict=True)
    return verdicts


def admit_to_one(
    session: Session, rule: Rules, claimants: Sequence[Claimant]
) -> list[Admitted | Unmet]:
    """Judge claimants of one release where no other vouchers of a person decide."""
    return _judge(session, rule, claimants, _read(session, claimants))


@dataclass(frozen=True)
class _People:
    """What the database knows of the residents who are there, and when it was asked."""

    by_id: Mapping[UUID, tuple[date | None, str | None]]
    now: datetime


def _read(session: Session, claimants: Sequence[Claimant]) -> _People:
    ids = uuids(one.resident_id for one in claimants)
    rows = session.connection().exec_driver_sql(_PEOPLE, (ids,)).all()
    now = rows[0][3] if rows else db_now(session)
    return _People({id_: (born_on, area) for id_, born_on, area, _ in rows}, now)


def _lock_persons(
    session: Session, rules: Mapping[UUID, Rules], by_release: Mapping[UUID, Sequence[Claimant]]
) -> None:
    persons = {
        claimant.resident_id.hex
        for id_, rule in rules.items()
        if rule.eligibility.asks_history
        for claimant in by_release[id_]
    }
    for person in sorted(persons):
        _lock(session, person)


def lock_person(session: Session, resident_id: UUID) -> None:
    """Until the transaction ends, let no other claim look at what this resident has."""
    _lock(session, resident_id.hex)


def _lock(session: Session, person: str) -> None:
    session.execute(_LOCK, {"person": person})


def _judge(
    session: Session, rule: Rules, claimants: Sequence[Claimant], people: _People
) -> list[Admitted | Unmet]:
    ids = [one.resident_id for one in claimants]
    history: Mapping[UUID, bool] = {}
    if rule.eligibility.asks_history:
        found = {"ids": ids, "season_id": rule.season_id, "release_id": rule.release_id}
        history = {row.resident_id: row.holds for row in session.execute(_HISTORY, found)}
    members = {list_id: on_list(session, list_id, ids) for list_id in rule.lists}
    today = local_date(people.now)
    verdicts: list[Admitted | Unmet] = []
    for claimant in claimants:
        id_ = claimant.resident_id
        born_on, area_code = people.by_id.get(id_, _NOBODY)
        person = Person(
            born_on=born_on,
            area_code=area_code,
            lists=frozenset(one for one, who in members.items() if id_ in who),
            claimed_before=id_ in history,
            holds_another=history.get(id_, False),
        )
        condition = unmet(rule.eligibility, person, today=today, by_guardian=claimant.by_guardian)
        if condition is not None:
            verdicts.append(Unmet(condition))
        elif rule.quotas:
            verdicts.append(Admitted(_ranges(rule, person, today, people.now)))
        else:
            verdicts.append(_TO_EVERY_SEAT)
    return verdicts


def _ranges(rule: Rules, person: Person, today: date, now: datetime) -> Sequence[SeatRange]:
    """The seats of their groups, then everybody's, then those no longer kept for a group."""
    own, opened = [], []
    for quota in rule.quotas:
        if unmet(quota.eligibility, person, today=today, by_guardian=True) is None:
            own.append(quota.seats)
        elif quota.opens_to_all_at is not None and quota.opens_to_all_at <= now:
            opened.append(quota.seats)
    return (*own, rule.everybody, *opened)


_NOBODY = (None, None)
_TO_EVERY_SEAT = Admitted(EVERY_SEAT)
