"""What a customer gets back who returns goods that were partly paid with a voucher."""

from dataclasses import dataclass

from coupon_service.core.money import share_half_up


@dataclass(frozen=True)
class RefundSplit:
    """One refund in fen: what the customer gets, and what the voucher had paid of it."""

    customer_fen: int
    district_fen: int


def refund_split(
    order_fen: int, discount_fen: int, returned_fen: int, *, returned_before_fen: int = 0
) -> RefundSplit:
    """Split what goods cost between customer and district, by what each paid of the order.

    Rounds half up on the cumulative amount, so several refunds of one order add up exactly.
    `returned_fen` and `returned_before_fen` are prices before the voucher.

    Raises:
        ValueError: more would be returned than was bought.
    """
    after_fen = returned_before_fen + returned_fen
    if not 0 <= returned_before_fen <= after_fen <= order_fen:
        raise ValueError("more would be returned than was bought")
    paid_fen = order_fen - discount_fen
    customer_fen = share_half_up(after_fen, paid_fen, order_fen) - share_half_up(
        returned_before_fen, paid_fen, order_fen
    )
    return RefundSplit(customer_fen, returned_fen - customer_fen)
