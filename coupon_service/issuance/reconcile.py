"""The reconciler: keeps the gate true to PostgreSQL.

It warms what is cold, refreshes what changed (a pause, a new quantity), and frees seats that were
handed out and never became vouchers, because the process that took them died; it learns of vouchers
that were stored past it.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Release, ReleaseState
from coupon_service.campaigns.queries import PUBLISHED
from coupon_service.core.clock import db_now
from coupon_service.issuance.answers import Wanted
from coupon_service.issuance.gate import Gate, GateFacts
from coupon_service.issuance.rules import rules_of
from coupon_service.vouchers.models import Voucher


def warm(session: Session, gate: Gate, release_id: UUID) -> bool:
    """Rebuild a cold gate from the database, unless somebody else is at it; whether it was done."""
    if not gate.begin_rebuild(release_id):
        return False
    facts = _facts(session, release_id)
    if facts is None:
        return False
    taken = session.execute(
        select(Voucher.resident_id, Voucher.ordinal, Voucher.seat).where(
            Voucher.release_id == release_id
        )
    ).all()
    ranges = rules_of(session, [release_id])[release_id].ranges
    gate.rebuild(release_id, facts, [(row[0], row[1], row[2]) for row in taken], ranges)
    return True


def reconcile(session: Session, gate: Gate) -> None:
    """Go over all published releases once.

    A seat that is out and not stored at two passes running goes back. The passes lie further
    apart than any claim takes, so no claim in progress loses its seat.
    """
    now = db_now(session)
    releases = session.scalars(
        select(Release.id).where(Release.state.in_(PUBLISHED), Release.closes_at > now)
    ).all()
    for release_id in releases:
        if gate.is_cold(release_id):
            warm(session, gate, release_id)
            continue
        facts = _facts(session, release_id)
        if facts is not None:
            gate.refresh(release_id, facts)
        lost = _lost_seats(session, gate, release_id)
        for seat in gate.swap_suspects(release_id, lost) & lost.keys():
            gate.give_back(release_id, Wanted(*lost[seat]), seat)


def refresh(session: Session, gate: Gate, release_id: UUID) -> None:
    """Tell a warm gate what has changed of a release."""
    facts = _facts(session, release_id)
    if facts is not None and not gate.is_cold(release_id):
        gate.refresh(release_id, facts)


def _lost_seats(session: Session, gate: Gate, release_id: UUID) -> dict[int, tuple[UUID, int]]:
    """Seats that are out and not stored: seat → (resident, ordinal)."""
    stored_count = session.execute(
        select(func.count()).select_from(Voucher).where(Voucher.release_id == release_id)
    ).scalar_one()
    # Seats out and stored are compared one by one only when a count has changed since they agreed.
    # Equal counts alone would not do: a seat may be lost while another was stored past the gate.
    counts = f"{gate.seats_out_count(release_id)}/{stored_count}"
    if gate.agreed_at(release_id) == counts:
        return {}
    out = gate.seats_out(release_id)
    rows = session.execute(
        select(Voucher.seat, Voucher.resident_id, Voucher.ordinal).where(
            Voucher.release_id == release_id
        )
    )
    stored = {row.seat: (row.resident_id, row.ordinal) for row in rows}
    # Stored by a claim that was under way when the gate was rebuilt: without this, its holder
    # would be told that everything is gone.
    missing = [(holder, seat) for seat, holder in stored.items() if seat not in out]
    for holder, seat in missing:
        gate.adopt(release_id, *holder, seat)
    lost = {seat: holder for seat, holder in out.items() if seat not in stored}
    if not lost and not missing:
        gate.agree(release_id, counts)
    return lost


def _facts(session: Session, release_id: UUID) -> GateFacts | None:
    row = session.execute(
        select(
            Release.quantity,
            Release.opens_at,
            Release.closes_at,
            Campaign.per_person,
            Release.state,
            func.clock_timestamp().label("now"),
        )
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(Release.id == release_id)
    ).one_or_none()
    if row is None or row.state == ReleaseState.DRAFT:
        return None
    return GateFacts(
        quantity=row.quantity,
        opens_ms=_ms(row.opens_at),
        closes_ms=_ms(row.closes_at),
        per_person=row.per_person,
        state=row.state,
        now_ms=_ms(row.now),
    )


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
