"""Redemptions on the wire. Amounts in fen."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from flask_babel import gettext
from pydantic import BaseModel, Field, StringConstraints, model_validator

from coupon_service.campaigns.terms import GoodsKind, Order
from coupon_service.core.schemas import Body, OrderNo, PositiveFen, View
from redemption.day_totals import DayTotals
from redemption.models import OrderState, RedemptionState
from redemption.quote import Quote, Unused, Used
from redemption.receipt import Line, Receipt
from redemption.refund import Refunded
from redemption.verify import CODE_CHARS_MAX

VOUCHERS_MAX = 10

Code = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=CODE_CHARS_MAX),
    Field(description="What was scanned, or the twelve digits below the QR code"),
]
SecondCheck = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9A-Za-z]{4}$")]


class OrderPath(BaseModel):
    order_no: OrderNo


class ShowingBody(Body):
    """A voucher as it was shown."""

    code: Code
    second_check: SecondCheck | None = Field(
        default=None,
        description="Of a paper voucher: the last four characters of the holder's identity number",
    )


class QuoteBody(Body):
    """An order, and the vouchers that shall pay part of it."""

    vouchers: list[ShowingBody] = Field(min_length=1, max_length=VOUCHERS_MAX)
    order_fen: PositiveFen
    after_discount_fen: PositiveFen | None = Field(
        default=None, description="After the merchant's own discount; `order_fen` if there is none"
    )
    goods: dict[GoodsKind, PositiveFen] = Field(
        default_factory=dict,
        description="How much of `after_discount_fen` is for goods of kinds that terms may exclude",
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        order = self.order
        if order.after_discount_fen > order.order_fen:
            raise ValueError("after_discount_fen exceeds order_fen")
        if sum(order.goods.values()) > order.after_discount_fen:
            raise ValueError("goods exceed after_discount_fen")
        return self

    @property
    def order(self) -> Order:
        after_discount_fen = self.after_discount_fen
        return Order(
            self.order_fen,
            self.order_fen if after_discount_fen is None else after_discount_fen,
            {str(kind): fen for kind, fen in self.goods.items()},
        )


class RedeemBody(QuoteBody):
    order_no: OrderNo


class RefundBody(Body):
    """Goods of an order that came back."""

    refund_no: OrderNo
    goods_fen: PositiveFen | None = Field(
        default=None,
        description="What they had cost, out of `after_discount_fen`; all that is left, if absent",
    )


class TotalsOf(StrEnum):
    TILL = "till"
    MERCHANT = "merchant"


class DayPath(BaseModel):
    day: date = Field(description="Local day, `YYYY-MM-DD`")


class TotalsQuery(Body):
    of: TotalsOf = Field(default=TotalsOf.TILL, description="This till, or all of its merchant's")


class DayTotalsView(View):
    """What was done on one local day. Orders that were reversed are in no amount."""

    day: date
    of: TotalsOf
    order_count: int
    order_fen: int
    discount_fen: int
    paid_fen: int = Field(description="What customers paid, before refunds")
    reversal_count: int
    refund_count: int = Field(description="Refunds made on that day, whenever the order was")
    refunded_goods_fen: int
    refunded_customer_fen: int
    refunded_district_fen: int

    @classmethod
    def made(cls, day: date, of: TotalsOf, totals: DayTotals) -> Self:
        return cls(day=day, of=of, **vars(totals))


class QuotedVoucherView(View):
    """One voucher of a quote: what it takes off, or why nothing."""

    campaign: str
    discount_fen: int
    unused_slug: str | None
    unused_title: str | None
    unused_detail: str | None = Field(description="The reason in the visitor's language")
    unused_facts: dict[str, Any] = Field(
        description="What the refusal would tell besides, such as `usable_from`"
    )

    @classmethod
    def of(cls, quoted: Used | Unused) -> Self:
        if isinstance(quoted, Used):
            return cls(
                campaign=quoted.campaign,
                discount_fen=quoted.discount_fen,
                unused_slug=None,
                unused_title=None,
                unused_detail=None,
                unused_facts={},
            )
        return cls(
            campaign=quoted.campaign,
            discount_fen=0,
            unused_slug=quoted.error.slug,
            unused_title=quoted.error.title,
            unused_detail=gettext(quoted.error.sentence),
            unused_facts=quoted.error.extra,
        )


class QuoteView(View):
    order_fen: int
    after_discount_fen: int
    discount_fen: int
    customer_pays_fen: int
    vouchers: list[QuotedVoucherView]

    @classmethod
    def of(cls, quote: Quote) -> Self:
        return cls(
            order_fen=quote.order.order_fen,
            after_discount_fen=quote.order.after_discount_fen,
            discount_fen=quote.discount_fen,
            customer_pays_fen=quote.order.after_discount_fen - quote.discount_fen,
            vouchers=[QuotedVoucherView.of(voucher) for voucher in quote.vouchers],
        )


class RedemptionView(View):
    """One voucher of an order."""

    redemption_id: UUID
    campaign: str
    state: RedemptionState
    discount_fen: int
    refunded_discount_fen: int

    @classmethod
    def of(cls, line: Line) -> Self:
        return cls(
            redemption_id=line.redemption_id,
            campaign=line.campaign,
            state=line.state,
            discount_fen=line.discount_fen,
            refunded_discount_fen=line.refunded_discount_fen,
        )


class OrderView(View):
    """One order, and what became of it. A `tombstone` was reversed before it arrived."""

    order_id: UUID
    order_no: str
    state: OrderState
    order_fen: int
    after_discount_fen: int
    discount_fen: int
    customer_pays_fen: int
    refunded_fen: int = Field(description="Goods that came back, out of `after_discount_fen`")
    redeemed_at: datetime
    reversed_at: datetime | None
    vouchers: list[RedemptionView]
    repeated: bool = Field(description="Answered before; nothing was done this time")

    @classmethod
    def of(cls, receipt: Receipt, *, repeated: bool = False) -> Self:
        return cls(
            order_id=receipt.order_id,
            order_no=receipt.order_no,
            state=receipt.state,
            order_fen=receipt.order_fen,
            after_discount_fen=receipt.after_discount_fen,
            discount_fen=receipt.discount_fen,
            customer_pays_fen=receipt.customer_pays_fen,
            refunded_fen=receipt.refunded_fen,
            redeemed_at=receipt.redeemed_at,
            reversed_at=receipt.reversed_at,
            vouchers=[RedemptionView.of(line) for line in receipt.lines],
            repeated=repeated,
        )


class RefundView(View):
    """What a refund came to: the customer's part and the vouchers' part add up to the goods."""

    refund_id: UUID
    refund_no: str
    order_no: str
    goods_fen: int
    customer_fen: int
    district_fen: int
    left_fen: int = Field(description="Goods of the order that have not come back")
    returned_vouchers: int = Field(description="Vouchers that their holders may use again")
    refunded_at: datetime
    repeated: bool = Field(description="Made before; nothing was done this time")

    @classmethod
    def of(cls, refunded: Refunded) -> Self:
        return cls(**vars(refunded))
