"""What must come of orders, refunds, holds and settlements, in plain Python. Amounts in fen.

Nothing here asks the service: it is what the service is compared with.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import floor
from uuid import UUID

from coupon_service.campaigns.models import RefundPolicy
from coupon_service.ledger.models import AccountKind, Standing

ONE_REFUND = (RefundPolicy.RETURN_VOUCHER_KEEP_EXPIRY, RefundPolicy.RETURN_SHARE_TO_POOL)
UNPAID = (Standing.PAYABLE, Standing.HELD)
WITH_BANK = (Standing.IN_FLIGHT, Standing.PAID)


def half_up(amount: Fraction) -> int:
    return floor(amount + Fraction(1, 2))


@dataclass
class Coupon:
    """A voucher somebody holds.

    Attributes:
        state: issued, resting (returned, but usable tomorrow only), used or expired.
        is_late: its validity is over.
    """

    id: UUID
    policy: RefundPolicy
    face_fen: int
    state: str = "issued"
    is_late: bool = False


@dataclass
class Line:
    """What one voucher took off one order, what the district owes of it, and where that stands.

    Attributes:
        instructed_fen: by the settlement it is in; none while it is in none.
    """

    id: UUID
    coupon: Coupon
    discount_fen: int
    owed_fen: int
    standing: Standing = Standing.PAYABLE
    instructed_fen: int | None = None
    was_held: bool = False

    def take_back(self, part_fen: int) -> None:
        self.owed_fen -= part_fen
        if self.owed_fen == 0:
            self.standing = Standing.REVERSED


@dataclass
class Sale:
    """One order with its vouchers."""

    order_no: str
    order_fen: int
    lines: Sequence[Line]
    back_fen: int = 0
    customer_back_fen: int = 0
    is_reversed: bool = False

    @property
    def left_fen(self) -> int:
        return self.order_fen - self.back_fen

    @property
    def paid_fen(self) -> int:
        """What the customer paid."""
        return self.order_fen - sum(line.discount_fen for line in self.lines)

    def customer_of(self, back_fen: int) -> int:
        """What the customer has after that much came back."""
        return half_up(Fraction(back_fen * self.paid_fen, self.order_fen))


@dataclass
class Transfer:
    """One payout to the shop. `is_paid` is none until the bank has answered."""

    lines: Sequence[Line]
    amount_fen: int
    netted_fen: int
    is_paid: bool | None = None


@dataclass
class Model:
    """A season with one shop."""

    budget_fen: int
    coupons: list[Coupon] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)

    @property
    def lines(self) -> Iterable[Line]:
        return (line for sale in self.sales for line in sale.lines)

    def sell(self, sale: Sale) -> None:
        self.sales.append(sale)
        for line in sale.lines:
            line.coupon.state = "used"
            self.budget_fen += line.coupon.face_fen - line.discount_fen

    def split(self, sale: Sale, goods_fen: int) -> tuple[int, list[int]]:
        """What a refund gives the customer, and takes back of each voucher."""
        after_fen = sale.back_fen + goods_fen
        customer_fen = sale.customer_of(after_fen) - sale.customer_back_fen
        lefts = [line.owed_fen for line in sale.lines]
        up_to = [
            half_up(Fraction((goods_fen - customer_fen) * sum(lefts[:count]), sum(lefts) or 1))
            for count in range(len(lefts) + 1)
        ]
        return customer_fen, [after - before for before, after in pairwise(up_to)]

    def returns(self, sale: Sale, goods_fen: int) -> list[Line]:
        """The lines whose vouchers a refund gives back."""
        if goods_fen < sale.left_fen:
            return []
        return [
            line
            for line in sale.lines
            if not line.coupon.is_late
            and (
                line.coupon.policy is RefundPolicy.RETURN_ON_FULL_REFUND_NEXT_DAY
                or (line.coupon.policy in ONE_REFUND and sale.back_fen == 0)
            )
        ]

    def budget_after(self, parts: Iterable[tuple[Line, int]], returned: Sequence[Line]) -> int:
        """The budget once these parts are back and these vouchers reserved again."""
        freed = sum(part_fen for line, part_fen in parts if line.standing in UNPAID)
        return self.budget_fen + freed - sum(line.coupon.face_fen for line in returned)

    def refund(self, sale: Sale, goods_fen: int) -> None:
        customer_fen, parts = self.split(sale, goods_fen)
        returned = self.returns(sale, goods_fen)
        pairs = list(zip(sale.lines, parts, strict=True))
        self.budget_fen = self.budget_after(pairs, returned)
        for line, part_fen in pairs:
            line.take_back(part_fen)
        for line in returned:
            is_next_day = line.coupon.policy is RefundPolicy.RETURN_ON_FULL_REFUND_NEXT_DAY
            line.coupon.state = "resting" if is_next_day else "issued"
        sale.back_fen += goods_fen
        sale.customer_back_fen += customer_fen

    def reverse(self, sale: Sale) -> None:
        pairs = [(line, line.owed_fen) for line in sale.lines]
        self.budget_fen = self.budget_after(pairs, sale.lines)
        for line, part_fen in pairs:
            line.take_back(part_fen)
            line.coupon.state = "issued"
        sale.is_reversed = True

    def expire(self) -> None:
        """Expire what is unused and late."""
        for coupon in self.coupons:
            if coupon.is_late and coupon.state in ("issued", "resting"):
                coupon.state = "expired"
                self.budget_fen += coupon.face_fen

    @property
    def open_debit_fen(self) -> int:
        """What the shop has been paid too much, and no unrejected payout sets off yet."""
        overpaid = sum(
            line.instructed_fen - line.owed_fen
            for transfer in self.transfers
            if transfer.is_paid
            for line in transfer.lines
            if line.instructed_fen is not None
        )
        return overpaid - sum(t.netted_fen for t in self.transfers if t.is_paid is not False)

    def settle(self) -> Transfer | None:
        due = [line for line in self.lines if line.standing is Standing.PAYABLE]
        if not due:
            return None
        owed_fen = sum(line.owed_fen for line in due)
        netted_fen = min(self.open_debit_fen, owed_fen)
        for line in due:
            line.standing, line.instructed_fen = Standing.IN_FLIGHT, line.owed_fen
        transfer = Transfer(due, owed_fen - netted_fen, netted_fen)
        self.transfers.append(transfer)
        if transfer.amount_fen == 0:
            self.answer(transfer, is_paid=True)
        return transfer

    def answer(self, transfer: Transfer, *, is_paid: bool) -> None:
        transfer.is_paid = is_paid
        if is_paid:
            self.budget_fen += transfer.netted_fen
        for line in transfer.lines:
            if not is_paid:
                assert line.instructed_fen is not None
                self.budget_fen += line.instructed_fen - line.owed_fen
                line.instructed_fen = None
            if line.standing is Standing.IN_FLIGHT:
                line.standing = Standing.PAID if is_paid else Standing.PAYABLE

    def totals(self) -> dict[AccountKind, int]:
        """What each kind of account must hold, besides the appropriation and what is reserved."""
        totals = dict.fromkeys((AccountKind(one.value) for one in (*UNPAID, *WITH_BANK)), 0)
        for line in self.lines:
            if line.owed_fen:
                totals[AccountKind(line.standing.value)] += line.owed_fen
        overpaid = sum(
            line.instructed_fen - line.owed_fen
            for line in self.lines
            if line.instructed_fen is not None
        )
        set_off = sum(t.netted_fen for t in self.transfers if t.is_paid)
        return totals | {
            AccountKind.BUDGET: self.budget_fen,
            AccountKind.MERCHANT_DEBIT: overpaid - set_off,
        }
