"""Make a resident unreadable for good: the data key goes, and everything sealed under it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from coupon_service.core.auth import Kind
from coupon_service.core.models import SignInSession
from coupon_service.residents.models import (
    Proxy,
    ProxyState,
    Resident,
    ResidentKey,
    SignInCode,
    WechatLink,
)


def shred(session: Session, resident_id: UUID, *, now: datetime) -> None:
    """Delete name, phone, document, WeChat, sign-ins and proxies of a resident; keep the bare id.

    The keyed hash of the document stays on the row: it says nothing to anybody without the key and
    the number itself, and keeps the season's limits true should the person come back.
    """
    phone_index = session.execute(
        select(Resident.phone_index).where(Resident.id == resident_id)
    ).scalar_one()
    session.execute(delete(ResidentKey).where(ResidentKey.resident_id == resident_id))
    session.execute(delete(WechatLink).where(WechatLink.resident_id == resident_id))
    if phone_index is not None:
        session.execute(delete(SignInCode).where(SignInCode.phone_index == phone_index))
    session.execute(
        update(SignInSession)
        .where(
            SignInSession.principal_kind == Kind.RESIDENT,
            SignInSession.principal_id == resident_id,
        )
        .values(revoked_at=now, user_agent="")
    )
    session.execute(
        update(Proxy)
        .where(
            or_(Proxy.principal_id == resident_id, Proxy.agent_id == resident_id),
            Proxy.withdrawn_at.is_(None),
        )
        .values(state=ProxyState.WITHDRAWN, withdrawn_at=now)
    )
    session.execute(
        update(Resident)
        .where(Resident.id == resident_id)
        .values(
            phone_sealed=None,
            phone_index=None,
            name_sealed=None,
            id_number_sealed=None,
            id_kind=None,
            born_on=None,
            area_code=None,
            verified_at=None,
            erased_at=now,
        )
    )
