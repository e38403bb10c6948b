"""Cases on the wire. Amounts in fen."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from coupon_service.core.schemas import Body, View
from fraud.models import CaseState
from fraud.queries import CaseSummary, SuspectRedemption

Reason = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=4, max_length=500),
    # No control characters: PostgreSQL cannot take NUL, and a reason is one paragraph that reads
    # in its direction.
    Field(
        pattern=r"^[^\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]+$",
        description="Why; kept in the audit log",
    ),
]


class CaseQuery(Body):
    state: CaseState | None = None


class CasePath(BaseModel):
    case_id: UUID


class CaseView(View):
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
    weight: int = Field(description="of its heaviest redemption's findings")
    rules: Sequence[str]

    @classmethod
    def of(cls, case: CaseSummary) -> Self:
        return cls(**{name: getattr(case, name) for name in cls.model_fields})


class CaseList(View):
    cases: list[CaseView]


class SuspectView(View):
    """A redemption of the case. People and phones are numbered within it, never named."""

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

    @classmethod
    def of(cls, suspect: SuspectRedemption) -> Self:
        return cls(**{name: getattr(suspect, name) for name in cls.model_fields})


class CaseDetail(CaseView):
    redemptions: list[SuspectView]


class DecisionBody(Body):
    reason: Reason
