"""The log of what officials did, and of what the service did for want of a decision."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.models import AuditEntry, Official
from coupon_service.core.auth import Principal

SERVICE = "service"
ENTRIES_MAX = 200


def record(
    session: Session,
    actor: Principal,
    action: str,
    object_id: UUID,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write down an official's act, in the transaction of the act itself.

    `details` are reasons, states and amounts; never personal data. Nothing here can be changed
    afterwards: the database refuses it.
    """
    assert actor.district_id is not None  # officials belong to a district
    session.add(
        AuditEntry(
            district_id=actor.district_id,
            actor_kind=actor.kind,
            actor_id=actor.id,
            action=action,
            object_id=object_id,
            details=dict(details or {}),
        )
    )


def record_service(
    session: Session,
    district_id: UUID,
    action: str,
    object_id: UUID,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write down what the service did by itself."""
    session.add(
        AuditEntry(
            district_id=district_id,
            actor_kind=SERVICE,
            actor_id=None,
            action=action,
            object_id=object_id,
            details=dict(details or {}),
        )
    )


def latest(
    session: Session, district_id: UUID, *, object_id: UUID | None = None
) -> list[tuple[AuditEntry, str | None]]:
    """The newest entries of a district with the actor's name, newest first."""
    query = (
        select(AuditEntry, Official.name)
        .join(Official, Official.id == AuditEntry.actor_id, isouter=True)
        .where(AuditEntry.district_id == district_id)
        .order_by(AuditEntry.seq.desc())
        .limit(ENTRIES_MAX)
    )
    if object_id is not None:
        query = query.where(AuditEntry.object_id == object_id)
    return [(entry, name) for entry, name in session.execute(query)]
