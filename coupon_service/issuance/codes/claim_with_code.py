"""Claim with a code: whoever knows it takes a voucher from its release, once per code."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel, Mode
from coupon_service.core.personal import Vault
from coupon_service.issuance.admit import lock_person
from coupon_service.issuance.claim import ClaimCommand, Granted, Refused, claim
from coupon_service.issuance.codes.errors import ClaimCodeNotGoodError
from coupon_service.issuance.codes.models import ClaimCode, ClaimCodeUse
from coupon_service.issuance.codes.queries import code_typed, is_good, used_for
from coupon_service.issuance.gate import Gate
from coupon_service.vouchers.models import Voucher


def claim_with_code(
    session: Session,
    gate: Gate,
    vault: Vault,
    *,
    typed: str,
    resident_id: UUID,
    device_hash: bytes | None,
    now: datetime,
) -> Granted:
    """Give the resident the voucher of this code; a repeat gets the same one and counts once.

    The use is counted last, in the same transaction: a refused claim uses nothing up, and the
    code's row is locked for a moment only.

    Raises:
        ClaimCodeNotGoodError: unknown, used up, or not valid now.
        ProblemError: whatever `claim` refuses.
    """
    code = code_typed(session, vault, typed)
    # Two taps at once would each find nothing, and bring a first and a second voucher.
    lock_person(session, resident_id)
    before = used_for(session, code.id, resident_id)
    if before is None and not is_good(code, now):
        raise ClaimCodeNotGoodError
    command = ClaimCommand(
        release_id=code.release_id,
        resident_id=resident_id,
        channel=Channel(code.channel),
        ordinal=_ordinal(session, code.release_id, resident_id, before),
        device_hash=device_hash,
        mode=Mode.CODE,
    )
    (outcome,) = claim(session, gate, [command])
    if isinstance(outcome, Refused):
        raise outcome.error
    _count(session, code.id, outcome.voucher.voucher_id, resident_id, now)
    return outcome


def _ordinal(session: Session, release_id: UUID, resident_id: UUID, before: UUID | None) -> int:
    """Of the voucher the code has brought already, or else of the resident's next one."""
    query = select(func.coalesce(func.max(Voucher.ordinal), 0)).where(
        Voucher.release_id == release_id, Voucher.resident_id == resident_id
    )
    if before is not None:
        return session.execute(query.where(Voucher.id == before)).scalar_one()
    return session.execute(query).scalar_one() + 1


def _count(
    session: Session, code_id: UUID, voucher_id: UUID, resident_id: UUID, now: datetime
) -> None:
    """Count the voucher against its code, unless it was counted before."""
    new = session.execute(
        insert(ClaimCodeUse)
        .values(voucher_id=voucher_id, code_id=code_id, resident_id=resident_id)
        .on_conflict_do_nothing()
        .returning(ClaimCodeUse.voucher_id)
    ).scalar_one_or_none()
    if new is None:
        return
    # One conditional UPDATE decides who has the last use; the loser's voucher is undone with it.
    counted = session.execute(
        update(ClaimCode)
        .where(
            ClaimCode.id == code_id,
            ClaimCode.uses < ClaimCode.uses_max,
            ClaimCode.valid_from <= now,
            ClaimCode.valid_until > now,
        )
        .values(uses=ClaimCode.uses + 1)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(counted, CursorResult)
    if counted.rowcount != 1:
        raise ClaimCodeNotGoodError
