"""Erase a resident, and the children nobody else speaks for."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from coupon_service.core.jobs import emit
from coupon_service.residents.models import Proxy, ProxyState, Resident
from coupon_service.residents.shred import shred

# Emitted with `resident_id`: packages that know a resident by the id forget what they need not.
ERASED = "residents.erased"


def leaving_with(session: Session, resident_id: UUID) -> list[UUID]:
    """The resident, and those without a phone for whom nobody else acts. Locks their rows."""
    theirs, others = aliased(Proxy), aliased(Proxy)
    alone = (
        select(theirs.principal_id)
        .where(
            theirs.agent_id == resident_id,
            theirs.state == ProxyState.LIVE,
            ~exists().where(
                others.principal_id == theirs.principal_id,
                others.agent_id != resident_id,
                others.state == ProxyState.LIVE,
            ),
        )
        .scalar_subquery()
    )
    rows = session.execute(
        select(Resident.id)
        .where(
            or_(
                Resident.id == resident_id,
                and_(Resident.id.in_(alone), Resident.phone_index.is_(None)),
            ),
            Resident.erased_at.is_(None),
        )
        .order_by(Resident.id)
        .with_for_update()
    )
    return list(rows.scalars())


def erase(session: Session, resident_ids: Sequence[UUID], *, now: datetime) -> None:
    """Shred each of them, for good. Vouchers and the ledger keep the bare id."""
    for resident_id in resident_ids:
        shred(session, resident_id, now=now)
        emit(session, ERASED, resident_id=resident_id)
