"""Which resident a WeChat account signs in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.personal import Vault
from coupon_service.residents.models import Resident, WechatLink
from coupon_service.residents.personal_data import own_key


def link_wechat(
    session: Session, vault: Vault, resident_id: UUID, openid: str, *, now: datetime
) -> None:
    """The account signs this resident in from now on, and nobody else.

    Whoever got here has just proven the phone: a number that changed hands takes its link along.
    """
    sealed = own_key(session, vault, resident_id).seal_text("openid", openid)
    session.execute(
        insert(WechatLink)
        .values(
            openid_index=_index(vault, openid),
            openid_sealed=sealed,
            resident_id=resident_id,
            linked_at=now,
        )
        .on_conflict_do_update(
            index_elements=[WechatLink.openid_index],
            set_={"resident_id": resident_id, "openid_sealed": sealed, "linked_at": now},
        )
    )


def linked_resident(session: Session, vault: Vault, openid: str) -> Resident | None:
    """The resident this account signs in."""
    return session.execute(
        select(Resident)
        .join(WechatLink, WechatLink.resident_id == Resident.id)
        .where(WechatLink.openid_index == _index(vault, openid))
    ).scalar_one_or_none()


def openid_of(session: Session, vault: Vault, resident_id: UUID) -> str | None:
    """Where a WeChat message to the resident goes: the account linked last; None if none is."""
    sealed = session.scalars(
        select(WechatLink.openid_sealed)
        .where(WechatLink.resident_id == resident_id)
        .order_by(WechatLink.linked_at.desc())
        .limit(1)
    ).one_or_none()
    if sealed is None:
        return None
    return own_key(session, vault, resident_id).open_text("openid", sealed)


def _index(vault: Vault, openid: str) -> bytes:
    return vault.index("openid", openid)
