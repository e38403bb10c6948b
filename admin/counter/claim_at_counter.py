"""Claim at the counter: an official claims for the resident whose visit it is."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.audit import record
from admin.counter.count import count_act
from admin.counter.offers import release_at_counter, visit_or_refuse
from coupon_service.campaigns.models import Channel
from coupon_service.core.auth import Principal
from coupon_service.issuance.claim import ClaimCommand, Granted, Refused, claim
from coupon_service.issuance.gate import Gate
from coupon_service.notices.notify import NoticeKind, notify
from coupon_service.residents.models import Resident


def claim_at_counter(
    session: Session,
    gate: Gate,
    official: Principal,
    visit_id: UUID,
    release_id: UUID,
    *,
    ordinal: int,
    claims_per_day: int,
    now: datetime,
) -> Granted:
    """Give the visitor their `ordinal`-th voucher of the release; the same again changes nothing.

    Raises:
        VisitNotFoundError: it has ended.
        NotAtCounterError: the district's counters do not claim from it.
        CounterDayFullError
        ProblemError: the claim's refusal.
    """
    assert official.district_id is not None  # officials belong to a district
    visit = visit_or_refuse(session, visit_id, district_id=official.district_id, now=now)
    release, campaign = release_at_counter(session, official.district_id, release_id)
    command = ClaimCommand(
        release.id,
        visit.resident_id,
        Channel.ONSITE,
        ordinal,
        mode=release.mode,
        assisted_by_id=official.id,
    )
    (outcome,) = claim(session, gate, [command])
    if isinstance(outcome, Refused):
        raise outcome.error
    if outcome.repeated:
        return outcome
    count_act(session, official.id, "claims", limit=claims_per_day, now=now)
    voucher_id = outcome.voucher.voucher_id
    details = {"release_id": str(release.id), "visit_id": str(visit.id)}
    record(session, official, "counter.claim", voucher_id, details)
    has_phone = session.execute(
        select(Resident.phone_index.is_not(None)).where(Resident.id == visit.resident_id)
    ).scalar_one()
    if has_phone:  # nobody reads what is told to somebody without one
        notify(
            session,
            visit.resident_id,
            NoticeKind.STAFF_CLAIMED,
            campaign=campaign.name,
            voucher_id=voucher_id,
        )
    return outcome
