"""Confirm a carer at the counter: the person without a phone is there and says yes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from admin.audit import record
from admin.counter.offers import visit_or_refuse
from coupon_service.core.auth import Principal
from coupon_service.core.personal import Vault
from coupon_service.residents.answer_request import confirm_at_counter, waiting_at_counter
from coupon_service.residents.errors import ProxyEndedError
from coupon_service.residents.household import masked_name
from coupon_service.residents.record_read import record_read


@dataclass(frozen=True)
class WaitingCarer:
    """A relative who asks to act for the visitor; the name is masked."""

    proxy_id: UUID
    name: str
    asked_at: datetime


def carers_waiting(session: Session, vault: Vault, resident_id: UUID) -> Sequence[WaitingCarer]:
    """The relatives who asked to act for this resident, the first first."""
    return [
        WaitingCarer(proxy.id, masked_name(session, vault, proxy.agent_id), proxy.asked_at)
        for proxy in waiting_at_counter(session, resident_id)
        if proxy.agent_id is not None
    ]


def confirm_carer(
    session: Session, official: Principal, visit_id: UUID, proxy_id: UUID, *, now: datetime
) -> None:
    """The visitor's yes, heard by the official, makes the relative their carer.

    Raises:
        VisitNotFoundError: it has ended.
        ProxyEndedError: nobody asks the visitor for this any more.
    """
    assert official.district_id is not None  # officials belong to a district
    visit = visit_or_refuse(session, visit_id, district_id=official.district_id, now=now)
    waiting = {proxy.id for proxy in waiting_at_counter(session, visit.resident_id)}
    if proxy_id not in waiting:
        raise ProxyEndedError
    confirm_at_counter(session, proxy_id, official.id, now=now)
    record_read(
        session,
        visit.resident_id,
        reader_kind=official.kind,
        reader_id=official.id,
        purpose="counter-consent",
        now=now,
    )
    record(session, official, "counter.carer", proxy_id, {"visit_id": str(visit.id)})
