"""Quote: what the customer would pay, were the vouchers redeemed now. Writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel
from coupon_service.campaigns.terms import Order
from coupon_service.core.errors import ProblemError
from redemption.errors import MerchantNotActiveError
from redemption.judge import judge
from redemption.present import Asked, At, Presented, Showing, present
from redemption.slots.places import look_at_places


@dataclass(frozen=True)
class QuoteCommand:
    """An order at a till, and the vouchers that might pay part of it."""

    showings: Sequence[Showing]
    at: At
    order: Order


@dataclass(frozen=True)
class Used:
    """A voucher that would take `discount_fen` off."""

    campaign: str
    discount_fen: int


@dataclass(frozen=True)
class Unused:
    """A voucher that would take off nothing, and why."""

    campaign: str
    error: ProblemError


@dataclass(frozen=True)
class Quote:
    """What each voucher would do for the order, in the order they were shown."""

    order: Order
    vouchers: Sequence[Used | Unused]

    @property
    def discount_fen(self) -> int:
        return sum(one.discount_fen for one in self.vouchers if isinstance(one, Used))

    @property
    def is_usable(self) -> bool:
        """Whether the order could be redeemed like this: every voucher would pay."""
        return all(isinstance(one, Used) for one in self.vouchers)


def quote(session: Session, commands: Sequence[QuoteCommand]) -> list[Quote | ProblemError]:
    """What the vouchers would take off these orders at this moment, each for itself.

    The refusals are `CodeNotRecognisedError` (no voucher of the merchant's district),
    `TillNotActiveError` and `MerchantNotActiveError`. Whatever else keeps a voucher from being used
    is in the quote.
    """
    asked = [Asked(command.at, command.showings) for command in commands]
    found = present(session, asked)
    orders = [presented for presented in found if isinstance(presented, Presented)]
    if not orders:
        return [refusal for refusal in found if isinstance(refusal, ProblemError)]
    places = look_at_places(session, orders, now=orders[0].now)
    quotes: list[Quote | ProblemError] = []
    for command, presented in zip(commands, found, strict=True):
        if isinstance(presented, ProblemError):
            quotes.append(presented)
            continue
        if not presented.counter.is_active:
            quotes.append(MerchantNotActiveError())
            continue
        verdicts = judge(presented, command.order, Channel.ONSITE, places=places)
        explained = [
            _explained(voucher.terms.campaign.name, verdict)
            for voucher, verdict in zip(presented.vouchers, verdicts, strict=True)
        ]
        quotes.append(Quote(command.order, explained))
    return quotes


def _explained(campaign: str, verdict: int | ProblemError) -> Used | Unused:
    if isinstance(verdict, ProblemError):
        return Unused(campaign, verdict)
    return Used(campaign, verdict)
