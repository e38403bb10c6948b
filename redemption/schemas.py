"""Redemptions on the wire. Amounts in fen."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from coupon_service.campaigns.models import Channel
from coupon_service.campaigns.terms import Order
from coupon_service.core.schemas import Body, OrderNo, PositiveFen, View
from redemption.models import Redemption, RedemptionState
from redemption.quote import Quote
from redemption.redeem import RedeemCommand
from redemption.verify import CODE_CHARS_MAX, Scan

Code = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=CODE_CHARS_MAX),
    Field(description="What was scanned, or the twelve digits below the QR code"),
]


SecondCheck = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9A-Za-z]{4}$")]


class OrderPath(BaseModel):
    order_no: OrderNo


class QuoteBody(Body):
    """A voucher's code and the order it shall pay part of."""

    code: Code
    order_fen: PositiveFen
    after_discount_fen: PositiveFen | None = Field(
        default=None, description="After the merchant's own discount; `order_fen` if there is none"
    )

    @model_validator(mode="after")
    def _a_discount_lowers(self) -> Self:
        if self.after_discount_fen is not None and self.after_discount_fen > self.order_fen:
            raise ValueError("after_discount_fen exceeds order_fen")
        return self

    @property
    def order(self) -> Order:
        return Order(
            self.order_fen,
            self.order_fen if self.after_discount_fen is None else self.after_discount_fen,
        )


class RedeemBody(QuoteBody):
    order_no: OrderNo
    second_check: SecondCheck | None = Field(
        default=None,
        description="Of a paper voucher: the last four characters of the holder's identity number",
    )

    def to_command(self, till_id: UUID, scan: Scan) -> RedeemCommand:
        return RedeemCommand(
            voucher=scan.voucher,
            scan=scan,
            second_check=self.second_check,
            order_no=self.order_no,
            order_fen=self.order.order_fen,
            after_discount_fen=self.order.after_discount_fen,
            channel=Channel.ONSITE,
            till_id=till_id,
        )


class QuoteView(View):
    order_fen: int
    after_discount_fen: int
    discount_fen: int
    customer_pays_fen: int
    campaign: str

    @classmethod
    def of(cls, quote: Quote) -> Self:
        return cls(
            order_fen=quote.order.order_fen,
            after_discount_fen=quote.order.after_discount_fen,
            discount_fen=quote.discount_fen,
            customer_pays_fen=quote.order.after_discount_fen - quote.discount_fen,
            campaign=quote.campaign,
        )


class RedemptionView(View):
    """One order, and what became of it. A `tombstone` was reversed before it arrived."""

    redemption_id: UUID
    order_no: str
    state: RedemptionState
    order_fen: int
    after_discount_fen: int
    discount_fen: int
    customer_pays_fen: int
    redeemed_at: datetime
    reversed_at: datetime | None
    repeated: bool = Field(description="Answered before; nothing was done this time")

    @classmethod
    def of(cls, redemption: Redemption, *, repeated: bool = False) -> Self:
        return cls(
            redemption_id=redemption.id,
            order_no=redemption.order_no,
            state=RedemptionState(redemption.state),
            order_fen=redemption.order_fen,
            after_discount_fen=redemption.after_discount_fen,
            discount_fen=redemption.discount_fen,
            customer_pays_fen=redemption.after_discount_fen - redemption.discount_fen,
            redeemed_at=redemption.redeemed_at,
            reversed_at=redemption.reversed_at,
            repeated=repeated,
        )
