"""The edge of redeeming: what a till's API and its pages do alike.

Codes are read and their signatures verified by each request for itself. What then needs the
database is brought together: the orders of a process that come at the same time share one
transaction, and so do its quotes. Before that they share the round trip to Redis in which they are
counted.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from coupon_service.campaigns.models import Channel
from coupon_service.core.auth import principal
from coupon_service.core.combine import combiner
from coupon_service.core.db import in_transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.resources import resources
from coupon_service.vouchers.keys import current_keyring
from coupon_service.vouchers.show import typed_code_key
from merchants.tills.duty import duty_of_request
from redemption import throttle
from redemption.limits import Standing, Wish
from redemption.present import At, Showing
from redemption.quote import Quote, QuoteCommand, quote
from redemption.redeem import Outcome, RedeemCommand, Redeemed, Refused, redeem
from redemption.schemas import QuoteBody, RedeemBody, ShowingBody
from redemption.verify import read_code

C = TypeVar("C")
T = TypeVar("T")


def redeem_here(body: RedeemBody) -> Redeemed:
    """Redeem at the signed-in till.

    Raises:
        ProblemError: the refusal; `position` says which voucher is the reason.
    """
    with throttle.guessing(body.vouchers):
        command = RedeemCommand(
            showings=_read(body.vouchers),
            at=At(till_id=principal().id),
            order_no=body.order_no,
            order=body.order,
            channel=Channel.ONSITE,
            clerk_id=duty_of_request().clerk_id,
        )
        wish = throttle.wish_of(command.showings)
        standing, outcome = combiner("redeem", _redeem_all).submit((command, wish))
        throttle.tell(standing)
        match outcome:
            case Redeemed() as redeemed:
                return redeemed
            case Refused(error, position):
                if position is not None and len(command.showings) > 1:
                    error.extra["position"] = position
                raise error
            case None:
                raise AssertionError("who did not pass was told so")


def quote_here(body: QuoteBody) -> Quote:
    """Quote for the signed-in till.

    Raises:
        ProblemError: the codes, or the till, cannot be used at all.
    """
    with throttle.guessing(body.vouchers):
        command = QuoteCommand(_read(body.vouchers), At(till_id=principal().id), body.order)
        wish = throttle.wish_of(command.showings)
        standing, quoted = combiner("quote", _quote_all).submit((command, wish))
        throttle.tell(standing)
        if isinstance(quoted, ProblemError):
            raise quoted
        assert quoted is not None, "who did not pass was told so"
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


def _redeem_all(
    asked: Sequence[tuple[RedeemCommand, Wish]],
) -> list[tuple[Standing | None, Outcome | None]]:
    held = resources()

    def redeem_these(commands: Sequence[RedeemCommand]) -> list[Outcome]:
        return in_transaction(
            held.sessions, lambda session: redeem(session, commands, risk=held.risk)
        )

    return _with_room(asked, redeem_these)


def _quote_all(
    asked: Sequence[tuple[QuoteCommand, Wish]],
) -> list[tuple[Standing | None, Quote | ProblemError | None]]:
    held = resources()

    def quote_these(commands: Sequence[QuoteCommand]) -> list[Quote | ProblemError]:
        return in_transaction(held.statements, lambda session: quote(session, commands))

    return _with_room(asked, quote_these)


def _with_room(
    asked: Sequence[tuple[C, Wish]], work: Callable[[Sequence[C]], Sequence[T]]
) -> list[tuple[Standing | None, T | None]]:
    """Count the commands and do the work for those that pass; the others have no outcome."""
    counts = throttle.counting()
    standings: Sequence[Standing | None] = (
        counts.ask([wish for _, wish in asked]) if counts else [None] * len(asked)
    )
    passed = [one is None or one.passed for one in standings]
    going = [command for (command, _), goes in zip(asked, passed, strict=True) if goes]
    outcomes = iter(work(going) if going else ())
    return [
        (standing, next(outcomes) if goes else None)
        for standing, goes in zip(standings, passed, strict=True)
    ]
