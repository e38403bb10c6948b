"""Lists of residents as officials upload them, and the people on them."""

import random
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from admin.counter.begin_visit import VISIT_LASTS
from admin.counter.models import CounterVisit
from coupon_service.campaigns.models import Mode, Release
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import drain
from coupon_service.core.resources import Resources
from coupon_service.issuance.lists.models import Grant, ListState, ResidentList
from coupon_service.issuance.lists.start_grant import start_grant
from coupon_service.issuance.lists.upload import upload_list
from coupon_service.residents.id_number import check_character
from coupon_service.residents.models import Resident
from coupon_service.residents.register_at_counter import register_at_counter
from tests.factories.campaigns import SmallSeason, make_campaign, make_release


def id_numbers(count: int) -> list[str]:
    """So many different people's ID numbers, all born in 1980."""
    born = random.sample(range(28 * 12 * 1_000), count)
    bodies = (f"1101021980{n % 12 + 1:02d}{n // 12 % 28 + 1:02d}{n // 336:03d}" for n in born)
    return [body + check_character(body) for body in bodies]


def id_number() -> str:
    return id_numbers(1)[0]


def list_file(
    numbers: Sequence[str], *, header: str = "id_number", encoding: str = "utf-8"
) -> bytes:
    """A file of one column."""
    return "\r\n".join([header, *numbers, ""]).encode(encoding)


def upload(held: Resources, small: SmallSeason, content: bytes, *, name: str = "高龄老人") -> UUID:
    """An uploaded list whose import has not begun."""
    with transaction(held.sessions) as session:
        return upload_list(
            session, held.vault, content, season_id=small.season.id, name=name, created_by=None
        )


def imported(held: Resources, small: SmallSeason, content: bytes) -> UUID:
    """A list that can be used."""
    list_id = upload(held, small, content)
    drain(held.sessions)
    with transaction(held.sessions) as session:
        assert session.get_one(ResidentList, list_id).state == ListState.READY
    return list_id


def known_person(
    session: Session,
    held: Resources,
    id_number: str,
    *,
    name: str = "张三丰",
    phone: str | None = None,
) -> UUID:
    """A resident with a confirmed real name."""
    return register_at_counter(session, held.vault, name, id_number, phone, db_now(session))


def known_people(session: Session, held: Resources, id_numbers: Sequence[str]) -> None:
    """Many residents at once, known by these numbers. What is sealed of them is noise."""
    now = db_now(session)
    rows = [
        {
            "id": new_id(),
            "name_sealed": b"noise",
            "id_number_sealed": b"noise",
            "id_number_index": held.vault.index("id_number", number),
            "born_on": date(1980, 5, 17),
            "area_code": "110102",
            "verified_at": now,
        }
        for number in id_numbers
    ]
    session.execute(insert(Resident), rows)


def release_to_grant(session: Session, small: SmallSeason, *, quantity: int = 100) -> Release:
    """An open release that is given to a list."""
    campaign = make_campaign(session, small, name="敬老券")
    return make_release(session, campaign, quantity=quantity, mode=Mode.GRANT)


def make_list_in_use(session: Session, season_id: UUID, release_id: UUID) -> UUID:
    """An empty list that a release is given to; returns its id."""
    list_id = new_id()
    session.add(
        ResidentList(
            id=list_id,
            season_id=season_id,
            name="空名单",
            state=ListState.READY,
            encoding="utf-8",
            file_sha256="",
            file_bytes=0,
        )
    )
    session.flush()
    session.add(Grant(release_id=release_id, list_id=list_id))
    session.flush()
    return list_id


def make_visit(
    session: Session, *, district_id: UUID, official_id: UUID, resident_id: UUID
) -> UUID:
    """A resident's visit at a counter that goes on; returns its id."""
    now = db_now(session)
    visit = CounterVisit(
        id=new_id(),
        district_id=district_id,
        official_id=official_id,
        resident_id=resident_id,
        began_at=now,
        ends_at=now + VISIT_LASTS,
    )
    session.add(visit)
    session.flush()
    return visit.id


def granting(held: Resources, release_id: UUID, list_id: UUID) -> None:
    """Start a grant; its jobs wait."""
    with transaction(held.sessions) as session:
        start_grant(session, release_id, list_id, started_by=None)
