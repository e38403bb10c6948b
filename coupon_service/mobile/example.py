"""A campaign's terms by example: what one order costs, and what comes back when goods are returned.

Computed by the same rules as at the till.
"""

from dataclasses import dataclass

from coupon_service.campaigns.models import Campaign
from coupon_service.campaigns.refund import RefundSplit, refund_split
from coupon_service.campaigns.terms import Order, discount_fen
from coupon_service.core.money import BASIS_POINTS, FEN_PER_YUAN

_ROUND_FEN = 10 * FEN_PER_YUAN


@dataclass(frozen=True)
class Example:
    """An order that reaches the threshold, and the return of half of it. Amounts in fen.

    Attributes:
        short_fen: an order that just misses the threshold; none without a threshold.
    """

    order_fen: int
    saved_fen: int
    short_fen: int | None
    returned_fen: int
    back: RefundSplit

    @property
    def paid_fen(self) -> int:
        return self.order_fen - self.saved_fen


def example_of(campaign: Campaign) -> Example | None:
    """An example in round amounts; None if the voucher takes nothing off it."""
    order_fen = _order_fen(campaign)
    saved_fen = discount_fen(campaign, Order(order_fen, order_fen))
    if not isinstance(saved_fen, int):
        return None
    short_fen = campaign.threshold_fen - FEN_PER_YUAN if campaign.threshold_fen else None
    returned_fen = order_fen // 2
    back = refund_split(order_fen, saved_fen, returned_fen)
    return Example(order_fen, saved_fen, short_fen, returned_fen, back)


def _order_fen(campaign: Campaign) -> int:
    """A round amount a little above the threshold on which a percentage has not met its cap."""
    wanted_fen = max(campaign.threshold_fen, campaign.min_pay_fen + campaign.face_fen)
    if campaign.rate_bp is not None:
        uncapped_fen = campaign.face_fen * BASIS_POINTS // campaign.rate_bp
        wanted_fen = max(campaign.threshold_fen, uncapped_fen // 2)
    return -(-(wanted_fen + 1) // (2 * _ROUND_FEN)) * 2 * _ROUND_FEN
