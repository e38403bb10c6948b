"""A person who was known without a phone signs in with one: the two become one resident."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from coupon_service.core.personal import Vault
from coupon_service.residents.documents import Document
from coupon_service.residents.errors import RealNameRefusedError
from coupon_service.residents.establish import index_of, revive
from coupon_service.residents.household import lock_residents
from coupon_service.residents.models import Resident, WechatLink
from coupon_service.residents.personal_data import own_key, unseal
from coupon_service.residents.shred import shred

# The table of vouchers belongs to a package above; whether there is one is all that is asked.
_IN_USE = text(
    """
    SELECT EXISTS (SELECT FROM vouchers WHERE resident_id = :id)
        OR EXISTS (SELECT FROM proxies WHERE principal_id = :id AND state = 'live')
    """
)


def take_over(
    session: Session,
    vault: Vault,
    newcomer_id: UUID,
    name: str,
    document: Document,
    *,
    now: datetime,
) -> UUID:
    """Give the newcomer's phone to the resident who has the document; returns that one's id.

    The newcomer, who never had a real name and so never had a voucher, is erased. Their sessions
    end: the caller signs the resident in.

    Raises:
        RealNameRefusedError: that resident has a phone; or another name, and somebody relies on it.
    """
    holder_id = session.execute(
        select(Resident.id).where(Resident.id_number_index == index_of(vault, document))
    ).scalar_one_or_none()
    if holder_id is None or holder_id == newcomer_id:
        raise RealNameRefusedError
    rows = lock_residents(session, [holder_id, newcomer_id])
    holder, newcomer = rows[holder_id], rows[newcomer_id]
    known, brought = unseal(session, vault, holder_id), unseal(session, vault, newcomer_id)
    if holder.phone_index is not None or newcomer.verified_at is not None:
        raise RealNameRefusedError
    if known is None or brought is None or brought.phone is None:
        raise RealNameRefusedError
    if holder.erased_at is None and known.name != name and _in_use(session, holder_id):
        raise RealNameRefusedError
    phone_index = newcomer.phone_index
    openids = _wechat_of(session, vault, newcomer_id)
    shred(session, newcomer_id, now=now)
    if holder.erased_at is not None:
        revive(session, vault, holder_id, name, document, now=now)
    key = own_key(session, vault, holder_id)
    session.execute(
        update(Resident)
        .where(Resident.id == holder_id)
        .values(
            phone_sealed=key.seal_text("phone", brought.phone),
            phone_index=phone_index,
            name_sealed=key.seal_text("name", name),
        )
    )
    for openid_index, openid in openids.items():
        session.add(
            WechatLink(
                openid_index=openid_index,
                openid_sealed=key.seal_text("openid", openid),
                resident_id=holder_id,
                linked_at=now,
            )
        )
    session.flush()
    return holder_id


def _in_use(session: Session, resident_id: UUID) -> bool:
    """Whether anything hangs on who this is. Otherwise the name is one that somebody else gave."""
    return bool(session.execute(_IN_USE, {"id": resident_id}).scalar_one())


def _wechat_of(session: Session, vault: Vault, resident_id: UUID) -> dict[bytes, str]:
    key = own_key(session, vault, resident_id)
    rows = session.execute(
        select(WechatLink.openid_index, WechatLink.openid_sealed).where(
            WechatLink.resident_id == resident_id
        )
    )
    return {index: key.open_text("openid", sealed) for index, sealed in rows}
