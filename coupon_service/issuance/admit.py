"""Admit: which residents may claim from a release, and out of which of its seats."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from coupon_service.campaigns.eligibility import Condition, Person, unmet
from coupon_service.core.clock import db_now, local_date
from coupon_service.issuance.answers import EVERY_SEAT, SeatRange
from coupon_service.issuance.lists.queries import on_list
from coupon_service.issuance.rules import Rules, rules_of

_PEOPLE = text(
    """
    SELECT resident.id, resident.born_on, resident.area_code, clock_timestamp() AS now
    FROM residents resident WHERE resident.id = ANY (:ids)
    """
)
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
    asked = {one.resident_id for id_ in rules for one in by_release[id_]}
    people = {row.id: row for row in session.execute(_PEOPLE, {"ids": list(asked)})}
    now = next(iter(people.values())).now if people else db_now(session)
    _lock_persons(session, rules, by_release)
    verdicts: dict[Claimant, Admitted | Unmet] = {}
    for id_, rule in rules.items():
        persons = _persons(session, rule, [one.resident_id for one in by_release[id_]], people)
        for claimant in by_release[id_]:
            verdicts[claimant] = _verdict(rule, claimant, persons[claimant.resident_id], now)
    return verdicts


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


def _persons(
    session: Session, rule: Rules, ids: Sequence[UUID], people: Mapping[UUID, Row[Any]]
) -> dict[UUID, Person]:
    history: Mapping[UUID, bool] = {}
    if rule.eligibility.asks_history:
        found = {"ids": ids, "season_id": rule.season_id, "release_id": rule.release_id}
        history = {row.resident_id: row.holds for row in session.execute(_HISTORY, found)}
    members = {list_id: on_list(session, list_id, ids) for list_id in rule.lists}
    persons = {}
    for id_ in ids:
        row = people.get(id_)
        persons[id_] = Person(
            born_on=row.born_on if row else None,
            area_code=row.area_code if row else None,
            lists=frozenset(one for one, who in members.items() if id_ in who),
            claimed_before=id_ in history,
            holds_another=history.get(id_, False),
        )
    return persons


def _verdict(rule: Rules, claimant: Claimant, person: Person, now: datetime) -> Admitted | Unmet:
    today = local_date(now)
    condition = unmet(rule.eligibility, person, today=today, by_guardian=claimant.by_guardian)
    if condition is not None:
        return Unmet(condition)
    if not rule.quotas:
        return Admitted(EVERY_SEAT)
    own, opened = [], []
    for quota in rule.quotas:
        if unmet(quota.eligibility, person, today=today, by_guardian=True) is None:
            own.append(quota.seats)
        elif quota.opens_to_all_at is not None and quota.opens_to_all_at <= now:
            opened.append(quota.seats)
    return Admitted((*own, rule.everybody, *opened))
