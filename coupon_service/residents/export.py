"""Everything stored about a resident, as one JSON document that is written as it is read.

What is known by table is told by table: every table with a `resident_id` belongs to the resident,
so a part of the service that is added later is exported without being named here. Keyed hashes,
seals and keys are left out; the profile is opened.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import LargeBinary, Select, Table, TextClause, select, text
from sqlalchemy.orm import Session

from coupon_service.core.db import Base
from coupon_service.core.personal import Vault
from coupon_service.residents.models import PersonalDataRead, Resident, ResidentKey
from coupon_service.residents.personal_data import unseal

_ROWS_AT_ONCE = 200
# The tables belong to packages above; here they are only read out.
_SECTIONS: Mapping[str, TextClause] = {
    "sign_ins": text(
        """
        SELECT id, user_agent, created_at, expires_at, revoked_at FROM sign_in_sessions
        WHERE principal_kind = 'resident' AND principal_id = :me ORDER BY id
        """
    ),
    "household": text(
        """
        SELECT id, principal_id, agent_id, relation, state, asked_by_id, asked_at, consented_at,
               withdrawn_at
        FROM proxies WHERE :me IN (principal_id, agent_id) ORDER BY id
        """
    ),
    "vouchers": text(
        """
        SELECT voucher.id, season.name AS season, campaign.name AS campaign, release.name AS round,
               voucher.seat, voucher.ordinal, voucher.state, campaign.face_fen,
               campaign.threshold_fen, voucher.claim_channel, voucher.resident_id,
               voucher.claimed_by_id, voucher.claimed_at, voucher.valid_from, voucher.expires_at,
               voucher.redeemed_at
        FROM vouchers voucher
        JOIN releases release ON release.id = voucher.release_id
        JOIN campaigns campaign ON campaign.id = release.campaign_id
        JOIN seasons season ON season.id = campaign.season_id
        WHERE :me IN (voucher.resident_id, voucher.claimed_by_id) ORDER BY voucher.id
        """
    ),
    "redemptions": text(
        """
        SELECT redemption.id, redemption.voucher_id, store.name AS store, shop_order.order_no,
               shop_order.order_fen, redemption.discount_fen, redemption.state,
               redemption.redeemed_at
        FROM redemptions redemption
        JOIN orders shop_order ON shop_order.id = redemption.order_id
        JOIN vouchers voucher ON voucher.id = redemption.voucher_id
        JOIN stores store ON store.id = redemption.store_id
        WHERE voucher.resident_id = :me ORDER BY redemption.id
        """
    ),
}
_TOLD_ABOVE = frozenset({"vouchers", ResidentKey.__tablename__})


def export(session: Session, vault: Vault, resident_id: UUID, *, now: datetime) -> Iterator[bytes]:
    """The document, piece by piece; the session must stay open until the last."""
    profile = _profile(session, vault, resident_id)
    yield b'{"exported_at":' + orjson.dumps(now) + b',"profile":' + orjson.dumps(profile)
    for name, rows in _SECTIONS.items():
        yield from _section(session, name, rows, resident_id)
    for table in own_tables():
        columns = [one for one in table.columns if not isinstance(one.type, LargeBinary)]
        rows_of = select(*columns).where(table.c.resident_id == resident_id)
        yield from _section(session, table.name, rows_of, resident_id)
    yield b"}\n"


def own_tables() -> list[Table]:
    """The tables that belong to residents by a `resident_id`, and are not told in words already."""
    return [
        table
        for table in Base.metadata.sorted_tables
        if "resident_id" in table.columns and table.name not in _TOLD_ABOVE
    ]


def reads_of(session: Session, resident_id: UUID, *, limit: int) -> list[PersonalDataRead]:
    """Who looked at the resident's data in clear, the latest first."""
    return list(
        session.scalars(
            select(PersonalDataRead)
            .where(PersonalDataRead.resident_id == resident_id)
            .order_by(PersonalDataRead.at.desc(), PersonalDataRead.id.desc())
            .limit(limit)
        )
    )


def _profile(session: Session, vault: Vault, resident_id: UUID) -> dict[str, Any]:
    resident = session.get_one(Resident, resident_id)
    clear = unseal(session, vault, resident_id)
    return {
        "resident_id": resident.id,
        "phone": clear and clear.phone,
        "name": clear and clear.name,
        "id_kind": resident.id_kind,
        "id_number": clear and clear.id_number,
        "born_on": resident.born_on,
        "area_code": resident.area_code,
        "verified_at": resident.verified_at,
        "created_at": resident.created_at,
    }


def _section(
    session: Session, name: str, rows: TextClause | Select[*tuple[Any, ...]], resident_id: UUID
) -> Iterator[bytes]:
    yield b"," + orjson.dumps(name) + b":["
    parameters = {"me": resident_id} if isinstance(rows, TextClause) else {}
    found = session.execute(rows, parameters, execution_options={"yield_per": _ROWS_AT_ONCE})
    comma = b""
    for row in found.mappings():
        yield comma + orjson.dumps(dict(row))
        comma = b","
    yield b"]"
