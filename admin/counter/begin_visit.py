"""Begin a visit: a resident is there, has shown a document, and agrees to be served."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from admin.audit import record
from admin.counter.count import count_act
from admin.counter.errors import ConsentNeededError
from admin.counter.models import CounterVisit
from coupon_service.core.auth import Principal
from coupon_service.core.ids import new_id
from coupon_service.core.personal import Vault
from coupon_service.residents.record_read import record_read
from coupon_service.residents.register_at_counter import register_at_counter

VISIT_LASTS = timedelta(minutes=30)


def begin_visit(
    session: Session,
    vault: Vault,
    official: Principal,
    *,
    name: str,
    id_number: str,
    phone: str | None,
    consents: bool,
    visits_per_day: int,
    now: datetime,
) -> UUID:
    """Find or register the resident; returns the visit's id.

    Raises:
        ConsentNeededError
        InvalidNameError, InvalidIdNumberError, RealNameRefusedError: see `register_at_counter`.
        CounterDayFullError
    """
    if not consents:
        raise ConsentNeededError
    assert official.district_id is not None  # officials belong to a district
    count_act(session, official.id, "visits", limit=visits_per_day, now=now)
    resident_id = register_at_counter(session, vault, name, id_number, phone, now)
    visit = CounterVisit(
        id=new_id(),
        district_id=official.district_id,
        official_id=official.id,
        resident_id=resident_id,
        began_at=now,
        ends_at=now + VISIT_LASTS,
    )
    session.add(visit)
    session.flush()
    record_read(
        session,
        resident_id,
        reader_kind=official.kind,
        reader_id=official.id,
        purpose="counter-service",
        now=now,
    )
    record(session, official, "counter.visit", visit.id)
    return visit.id
