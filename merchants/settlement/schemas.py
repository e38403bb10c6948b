"""Settlement on the wire. Amounts in fen."""

from datetime import UTC, datetime
from typing import Annotated, Self
from uuid import UUID

from flask_openapi3 import RawModel
from pydantic import AwareDatetime, BaseModel, Field

from coupon_service.core.schemas import Body, View
from merchants.models import Payout, SettlementBatch
from merchants.schemas import PAGE_DEFAULT, PAGE_MAX
from merchants.settlement.answer import AnswerSummary
from merchants.settlement.queries import Run

Cutoff = Annotated[
    AwareDatetime, Field(ge=datetime(2020, 1, 1, tzinfo=UTC), le=datetime(2100, 1, 1, tzinfo=UTC))
]


class SettleBody(Body):
    season_id: UUID
    cutoff_at: Cutoff | None = Field(
        default=None, description="not in the future; without it, the start of the local day"
    )


class BatchPath(BaseModel):
    settlement_id: UUID


class RunPath(BaseModel):
    run_id: UUID


class BatchQuery(Body):
    season_id: UUID | None = None
    cursor: UUID | None = Field(default=None, description="`next_cursor` of the page before")
    limit: int = Field(default=PAGE_DEFAULT, ge=1, le=PAGE_MAX)


class AnswerCsv(RawModel):
    mimetypes = ["text/csv"]  # noqa: RUF012  # the base class declares it so


class RunView(View):
    """A requested settlement. Done with no settlement means there was nothing to pay."""

    run_id: UUID
    season_id: UUID
    cutoff_at: datetime
    is_done: bool
    settlement_id: UUID | None

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(
            run_id=run.id,
            season_id=run.season_id,
            cutoff_at=run.cutoff_at,
            is_done=run.is_done,
            settlement_id=run.batch_id,
        )


class BatchView(View):
    settlement_id: UUID
    season_id: UUID
    cutoff_at: datetime
    state: str
    line_count: int
    payout_count: int
    total_fen: int
    file_sha256: str
    left_out_count: int
    created_at: datetime
    settled_at: datetime | None

    @classmethod
    def of(cls, batch: SettlementBatch) -> Self:
        return cls(
            settlement_id=batch.id,
            season_id=batch.season_id,
            cutoff_at=batch.cutoff_at,
            state=batch.state,
            line_count=batch.line_count,
            payout_count=batch.payout_count,
            total_fen=batch.total_fen,
            file_sha256=batch.file_sha256,
            left_out_count=len(batch.left_out),
            created_at=batch.created_at,
            settled_at=batch.settled_at,
        )


class BatchList(View):
    settlements: list[BatchView]
    next_cursor: UUID | None = Field(description="null on the last page")


class PayoutView(View):
    """One merchant's part. The bank transfers `amount_fen`; `netted_fen` sets off its debit."""

    payout_id: UUID
    position: int
    merchant_id: UUID
    merchant_code: str
    merchant: str
    account_last4: str
    item_count: int
    amount_fen: int
    netted_fen: int
    state: str
    bank_reference: str | None
    answered_at: datetime | None

    @classmethod
    def of(cls, payout: Payout) -> Self:
        return cls(
            payout_id=payout.id,
            position=payout.position,
            merchant_id=payout.merchant_id,
            merchant_code=payout.merchant.code,
            merchant=payout.merchant_name,
            account_last4=payout.account.number_last4,
            item_count=payout.item_count,
            amount_fen=payout.amount_fen,
            netted_fen=payout.netted_fen,
            state=payout.state,
            bank_reference=payout.bank_reference,
            answered_at=payout.answered_at,
        )


class LeftOutView(View):
    """A merchant that was owed something and could not be paid."""

    merchant_id: UUID
    reason: str
    items: int
    items_fen: int


class BatchDetail(BatchView):
    payouts: list[PayoutView]
    left_out: list[LeftOutView]


class AnswerView(View):
    """How many payouts the file settled, sent back or merely repeated, and how many remain."""

    settlement_id: UUID
    paid: int
    rejected: int
    repeated: int
    open: int

    @classmethod
    def of(cls, summary: AnswerSummary) -> Self:
        return cls(
            settlement_id=summary.batch_id,
            paid=summary.paid,
            rejected=summary.rejected,
            repeated=summary.repeated,
            open=summary.open,
        )
