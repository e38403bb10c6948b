"""What a till's API and its pages do alike, each in one transaction."""

from sqlalchemy.orm import Session

from coupon_service.core.auth import principal
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.vouchers.errors import SecondCheckWrongError
from coupon_service.vouchers.keys import keyring
from coupon_service.vouchers.show import typed_code_key
from redemption.models import Redemption
from redemption.quote import Quote, quote
from redemption.redeem import redeem
from redemption.schemas import QuoteBody, RedeemBody
from redemption.throttle import counting_wrong_codes
from redemption.verify import Scan, read_code


def redeem_here(body: RedeemBody) -> tuple[Redemption, bool]:
    """Redeem at the signed-in till; also whether this order had been answered before.

    Raises:
        ProblemError: whatever `redeem` refuses.
    """
    refusal: SecondCheckWrongError | None = None
    with counting_wrong_codes():
        with transaction(resources().sessions) as session:
            command = body.to_command(principal().id, _read(session, body.code))
            try:
                redemption = redeem(session, command, risk=resources().risk, now=db_now(session))
            except SecondCheckWrongError as wrong:
                refusal = wrong
        if refusal is not None:  # raised out here, so that the try stays counted
            raise refusal
    return redemption, redemption.id != command.id


def quote_here(body: QuoteBody) -> Quote:
    """Quote for the signed-in till.

    Raises:
        ProblemError: whatever `quote` refuses.
    """
    with counting_wrong_codes(), transaction(resources().sessions) as session:
        scan = _read(session, body.code)
        return quote(session, principal().id, scan, body.order, now=db_now(session))


def _read(session: Session, code: str) -> Scan:
    return read_code(
        code,
        keyring=keyring(session),
        typed_key=typed_code_key(),
        skew_s=resources().settings.proof_skew_s,
    )
