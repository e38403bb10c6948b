"""Shared reads of cases. Nothing here names a resident: people are numbered within a case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, union
from sqlalchemy import case as sql_case
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Release, Season
from coupon_service.ledger.models import Payable
from coupon_service.vouchers.models import Voucher
from fraud.errors import CaseNotFoundError
from fraud.models import Case, CaseState, Hold, StoredFinding
from merchants.models import Merchant, Store, Till
from redemption.models import Order, Redemption

CASES_MAX = 200


@dataclass(frozen=True)
class CaseSummary:
    """A case with what it holds now. `weight` is that of its heaviest redemption."""

    case_id: UUID
    state: CaseState
    season_id: UUID
    merchant_id: UUID
    merchant: str
    opened_at: datetime
    due_at: datetime
    decided_at: datetime | None
    decided_by: UUID | None
    reason: str | None
    held_fen: int
    held_count: int
    weight: int
    rules: Sequence[str]


@dataclass(frozen=True)
class SuspectRedemption:
    """One redemption of a case. `resident_no` and `device_no` number people and phones from 1."""

    redemption_id: UUID
    order_no: str
    store: str
    till: str | None
    state: str
    redeemed_at: datetime
    claimed_at: datetime
    claim_channel: str
    order_fen: int
    discount_fen: int
    threshold_fen: int
    standing: str
    is_held: bool
    resident_no: int
    device_no: int | None
    findings: Mapping[str, Mapping[str, Any]]


def cases(
    session: Session, district_id: UUID, *, state: CaseState | None = None
) -> list[CaseSummary]:
    """Cases of a district: open ones first, by what is due soonest; then the latest decided."""
    query = _summaries(Season.district_id == district_id)
    if state is not None:
        query = query.where(Case.state == state)
    is_open = Case.state == CaseState.OPEN
    rows = session.execute(
        query.order_by(
            is_open.desc(),
            func.coalesce(Case.decided_at, Case.due_at).desc(),
            Case.id,
        ).limit(CASES_MAX)
    )
    found = [_summary(row) for row in rows]
    return sorted(
        (case for case in found if case.state is CaseState.OPEN), key=lambda case: case.due_at
    ) + [case for case in found if case.state is not CaseState.OPEN]


def case_of(session: Session, district_id: UUID, case_id: UUID) -> CaseSummary:
    """One case of a district.

    Raises:
        CaseNotFoundError: there is none, or it is another district's.
    """
    row = session.execute(
        _summaries(Season.district_id == district_id, Case.id == case_id)
    ).one_or_none()
    if row is None:
        raise CaseNotFoundError
    return _summary(row)


def suspects(session: Session, case_id: UUID) -> list[SuspectRedemption]:
    """The redemptions of a case, held or found suspicious, oldest first."""
    mine = union(
        select(Hold.payable_id).where(Hold.case_id == case_id),
        select(StoredFinding.redemption_id).where(StoredFinding.case_id == case_id),
    )
    findings: dict[UUID, dict[str, Mapping[str, Any]]] = {}
    for redemption_id, rule, evidence in session.execute(
        select(StoredFinding.redemption_id, StoredFinding.rule, StoredFinding.evidence)
        .where(StoredFinding.case_id == case_id)
        .order_by(StoredFinding.weight.desc(), StoredFinding.rule)
    ):
        findings.setdefault(redemption_id, {})[rule] = evidence
    held = (
        select(Hold.payable_id)
        .where(Hold.case_id == case_id, Hold.ended_at.is_(None))
        .correlate(None)
    )
    device_no = func.dense_rank().over(order_by=Voucher.device_hash.asc().nulls_last())
    rows = session.execute(
        select(
            Redemption.id.label("redemption_id"),
            Order.order_no,
            Store.name.label("store"),
            Till.name.label("till"),
            Redemption.state,
            Redemption.redeemed_at,
            Voucher.claimed_at,
            Voucher.claim_channel,
            Order.order_fen,
            Redemption.discount_fen,
            Campaign.threshold_fen,
            Payable.standing,
            Redemption.id.in_(held).label("is_held"),
            func.dense_rank().over(order_by=Voucher.resident_id).label("resident_no"),
            sql_case((Voucher.device_hash.is_not(None), device_no)).label("device_no"),
        )
        .join(Order, Order.id == Redemption.order_id)
        .join(Store, Store.id == Redemption.store_id)
        .join(Till, Till.id == Redemption.till_id, isouter=True)
        .join(Voucher, Voucher.id == Redemption.voucher_id)
        .join(Release, Release.id == Voucher.release_id)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .join(Payable, Payable.id == Redemption.id)
        .where(Redemption.id.in_(mine))
        .order_by(Redemption.redeemed_at, Redemption.id)
    ).mappings()
    return [
        SuspectRedemption(**row, findings=findings.get(row["redemption_id"], {})) for row in rows
    ]


def confirmed_redemptions() -> Select[UUID]:
    """Ids of the redemptions that officials found fraudulent, as a subquery."""
    confirmed = Case.state == CaseState.CONFIRMED
    both = union(
        select(Hold.payable_id).join(Case, Case.id == Hold.case_id).where(confirmed),
        select(StoredFinding.redemption_id)
        .join(Case, Case.id == StoredFinding.case_id)
        .where(confirmed),
    ).subquery()
    return select(both.c[0])


def _summaries(*conditions: ColumnElement[bool]) -> Select[Any]:
    held = (
        select(
            func.coalesce(func.sum(Payable.amount_fen - Payable.returned_fen), 0).label("fen"),
            func.count().label("count"),
        )
        .join(Hold, Hold.payable_id == Payable.id)
        .where(Hold.case_id == Case.id, Hold.ended_at.is_(None))
        .correlate(Case)
        .lateral()
    )
    heaviest = (
        select(func.sum(StoredFinding.weight))
        .where(StoredFinding.case_id == Case.id)
        .group_by(StoredFinding.redemption_id)
        .order_by(func.sum(StoredFinding.weight).desc())
        .limit(1)
        .correlate(Case)
        .scalar_subquery()
    )
    rules = (
        select(func.array_agg(StoredFinding.rule.distinct()))
        .where(StoredFinding.case_id == Case.id)
        .correlate(Case)
        .scalar_subquery()
    )
    return (
        select(Case, Merchant.name, held.c.fen, held.c.count, heaviest, rules)
        .join(Season, Season.id == Case.season_id)
        .join(Merchant, Merchant.id == Case.merchant_id)
        .join(held, held.c.fen.is_not(None))
        .where(*conditions)
    )


def _summary(row: Any) -> CaseSummary:
    case, merchant, held_fen, held_count, weight, rules = row
    return CaseSummary(
        case_id=case.id,
        state=CaseState(case.state),
        season_id=case.season_id,
        merchant_id=case.merchant_id,
        merchant=merchant,
        opened_at=case.opened_at,
        due_at=case.due_at,
        decided_at=case.decided_at,
        decided_by=case.decided_by,
        reason=case.reason,
        held_fen=int(held_fen),
        held_count=held_count,
        weight=int(weight or 0),
        rules=rules or [],
    )
