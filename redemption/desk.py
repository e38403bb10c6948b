"""The edge of redeeming: what a till's API and its pages do alike.

Codes are read and their signatures verified by each request for itself. What then needs the
database is brought together: the orders of a process that come at the same time share one
transaction, and so do its quotes.
"""

from collections.abc import Sequence

from coupon_service.campaigns.models import Channel
from coupon_service.core.auth import principal
from coupon_service.core.combine import combiner
from coupon_service.core.db import in_transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.resources import resources
from coupon_service.vouchers.keys import current_keyring
from coupon_service.vouchers.show import typed_code_key
from merchants.tills.duty import duty_of_request
from redemption.present import At, Showing
from redemption.quote import Quote, QuoteCommand, quote
from redemption.redeem import Outcome, RedeemCommand, Redeemed, Refused, redeem
from redemption.schemas import QuoteBody, RedeemBody, ShowingBody
from redemption.throttle import counting_wrong_codes
from redemption.verify import read_code


def redeem_here(body: RedeemBody) -> Redeemed:
    """Redeem at the signed-in till.

    Raises:
        ProblemError: the refusal; `position` says which voucher is the reason.
    """
    with counting_wrong_codes():
        command = RedeemCommand(
            showings=_read(body.vouchers),
            at=At(till_id=principal().id),
            order_no=body.order_no,
            order=body.order,
            channel=Channel.ONSITE,
            clerk_id=duty_of_request().clerk_id,
        )
        match combiner("redeem", _redeem_all).submit(command):
            case Redeemed() as redeemed:
                return redeemed
            case Refused(error, position):
                if position is not None and len(command.showings) > 1:
                    error.extra["position"] = position
                raise error


def quote_here(body: QuoteBody) -> Quote:
    """Quote for the signed-in till.

    Raises:
        ProblemError: the codes, or the till, cannot be used at all.
    """
    with counting_wrong_codes():
        command = QuoteCommand(_read(body.vouchers), At(till_id=principal().id), body.order)
        quoted = combiner("quote", _quote_all).submit(command)
        if isinstance(quoted, ProblemError):
            raise quoted
        return quoted


def _read(vouchers: Sequence[ShowingBody]) -> list[Showing]:
    keyring = current_keyring()
    showings = []
    for shown in vouchers:
        scan = read_code(
            shown.code,
            keyring=keyring,
            typed_key=typed_code_key(),
            skew_s=resources().settings.proof_skew_s,
        )
        showings.append(Showing(scan.voucher, scan, shown.second_check))
    return showings


def _redeem_all(commands: Sequence[RedeemCommand]) -> list[Outcome]:
    held = resources()
    return in_transaction(
        held.sessions,
        lambda session: redeem(session, commands, risk=held.risk),
    )


def _quote_all(commands: Sequence[QuoteCommand]) -> list[Quote | ProblemError]:
    return in_transaction(resources().sessions, lambda session: quote(session, commands))
