"""Residents, without the sign-in that brings them in real life."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert
from sqlalchemy.orm import Session

from coupon_service.core.auth import Kind
from coupon_service.core.clock import db_now
from coupon_service.core.ids import new_id
from coupon_service.core.models import SignInSession
from coupon_service.core.resources import resources
from coupon_service.residents.models import Proxy, ProxyState, Relation, Resident


def make_resident(
    session: Session, *, born_on: date = date(1980, 5, 17), area_code: str = "110102"
) -> UUID:
    """A resident whose real name is known; returns the id. Phone and ID number are nobody's."""
    vault = resources().vault
    id_ = new_id()
    phone, id_number = f"phone of {id_}", f"ID number of {id_}"
    resident = Resident(
        id=id_,
        phone_sealed=vault.seal_text("phone", phone),
        phone_index=vault.index("phone", phone),
        name_sealed=vault.seal_text("name", "张三丰"),
        id_number_sealed=vault.seal_text("id_number", id_number),
        id_number_index=vault.index("id_number", id_number),
        born_on=born_on,
        area_code=area_code,
        verified_at=db_now(session),
    )
    session.add(resident)
    session.flush()
    return resident.id


def make_crowd(session: Session, count: int) -> list[UUID]:
    """Many residents at once. What is sealed of them is noise."""
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "phone_sealed": b"noise",
            "phone_index": uuid4().bytes,
            "name_sealed": b"noise",
            "id_number_sealed": b"noise",
            "id_number_index": uuid4().bytes,
            "born_on": date(1980, 5, 17),
            "area_code": "110102",
            "verified_at": db_now(session),
        }
        for _ in range(count)
    ]
    session.execute(insert(Resident), rows)
    return [row["id"] for row in rows]


def make_family(session: Session, resident_id: UUID) -> tuple[UUID, UUID]:
    """Somebody the resident acts for, and a request that awaits the resident's answer."""
    principal_id, asker_id, now = make_resident(session), make_resident(session), db_now(session)
    live = Proxy(
        id=new_id(),
        principal_id=principal_id,
        agent_id=resident_id,
        relation=Relation.RELATIVE,
        state=ProxyState.LIVE,
        asked_by_id=principal_id,
        asked_at=now,
        consented_at=now,
    )
    asked = Proxy(
        id=new_id(),
        principal_id=resident_id,
        agent_id=asker_id,
        relation=Relation.CARER,
        asked_by_id=asker_id,
        asked_at=now,
    )
    session.add_all([live, asked])
    session.flush()
    return principal_id, asked.id


def make_sign_in(session: Session, resident_id: UUID) -> UUID:
    """Another browser of the resident's; returns the sign-in's id."""
    row = SignInSession(
        id=new_id(),
        principal_kind=Kind.RESIDENT,
        principal_id=resident_id,
        user_agent="",
        expires_at=db_now(session) + timedelta(days=1),
    )
    session.add(row)
    session.flush()
    return row.id
