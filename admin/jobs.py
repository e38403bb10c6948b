"""What the office does in the background."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.audit import record_service
from coupon_service.campaigns.models import Season
from fraud.models import Case


def record_lapse(session: Session, case_id: UUID) -> None:
    """Write into the audit log that a case lapsed because nobody decided it."""
    district_id, reason = session.execute(
        select(Season.district_id, Case.reason)
        .join(Case, Case.season_id == Season.id)
        .where(Case.id == case_id)
    ).one()
    record_service(session, district_id, "case.lapse", case_id, {"reason": reason})
