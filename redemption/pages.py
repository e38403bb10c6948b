"""`/till`: a till's counter. Everything but the camera works without JavaScript."""

import secrets
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from coupon_service.core.auth import Kind, end_session, principal, require, start_session
from coupon_service.core.clock import db_now, local_date
from coupon_service.core.db import transaction
from coupon_service.core.display import return_path
from coupon_service.core.errors import ProblemError
from coupon_service.core.limits import limiter
from coupon_service.core.resources import resources
from coupon_service.vouchers.errors import SecondCheckNeededError, SecondCheckWrongError
from merchants.auth import till_principal
from redemption import throttle
from redemption.desk import quote_here, redeem_here
from redemption.errors import TillNotActiveError
from redemption.forms import CounterForm, read_form
from redemption.offline.queries import may_trade_offline
from redemption.queries import active_till, today_at_till
from redemption.quote import Quote
from redemption.till.access import lock_without_clerk
from redemption.verify import CODE_CHARS_MAX

bp = Blueprint(
    "redemption",
    __name__,
    url_prefix="/till",
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
)
bp.before_request(lock_without_clerk)

RECENT = 5
_KEY_CHARS_MAX = 200
_ASKING = (SecondCheckNeededError, SecondCheckWrongError)


@bp.get("/")
@require(Kind.TILL)
def show_counter() -> str:
    """The form for the next order."""
    return _counter(CounterForm())


@bp.post("/redeem")
@require(Kind.TILL)
@throttle.scans
def do_redeem() -> ResponseReturnValue:
    """Redeem; success goes to the order's own page, so that a reload does not send it again.

    If the database did not answer, nothing is claimed about the outcome: the form comes back as it
    was, with its order number.
    """
    form, body = read_form(request.form)
    if body is None:
        return _counter(form), HTTPStatus.BAD_REQUEST
    try:
        redeemed = redeem_here(body)
    except TillNotActiveError:
        raise
    except ProblemError as error:
        return _counter(
            form, refusal=error, payable_fen=body.order.after_discount_fen
        ), error.status
    where = url_for(
        "redemption.show_order",
        order_no=redeemed.receipt.order_no,
        repeated=1 if redeemed.repeated else None,
    )
    return redirect(where, HTTPStatus.SEE_OTHER)


@bp.post("/quote")
@require(Kind.TILL)
@throttle.scans
def do_quote() -> ResponseReturnValue:
    """What the customer would pay; the form stays filled for the redemption itself."""
    form, body = read_form(request.form)
    if body is None:
        return _counter(form), HTTPStatus.BAD_REQUEST
    try:
        return _counter(form, quote=quote_here(body))
    except TillNotActiveError:
        raise
    except ProblemError as error:
        return _counter(
            form, refusal=error, payable_fen=body.order.after_discount_fen
        ), error.status


@bp.get("/sign-in")
@require(Kind.ANYONE)
def show_sign_in() -> str:
    """The form for the till's key."""
    return render_template("redemption/sign_in.html", error=None)


@bp.post("/sign-in")
@require(Kind.ANYONE)
@limiter.limit("20/minute; 200/day")
def do_sign_in() -> ResponseReturnValue:
    """Sign this browser in as the till whose key was pasted."""
    till = till_principal(request.form.get("key", "").strip()[:_KEY_CHARS_MAX])
    if till is None:
        page = render_template("redemption/sign_in.html", error=True)
        return page, HTTPStatus.UNAUTHORIZED
    back = return_path(request.args.get("next"), url_for("redemption.show_counter"))
    response = make_response(redirect(back, HTTPStatus.SEE_OTHER))
    with transaction(resources().sessions) as session:
        start_session(session, till, response)
    return response


@bp.post("/sign-out")
@require(Kind.TILL)
def do_sign_out() -> Response:
    """End this browser's session."""
    response = make_response(redirect(url_for("redemption.show_sign_in"), HTTPStatus.SEE_OTHER))
    with transaction(resources().sessions) as session:
        end_session(session, principal(), response)
    return response


def _counter(
    form: CounterForm,
    *,
    refusal: ProblemError | None = None,
    payable_fen: int = 0,
    quote: Quote | None = None,
) -> str:
    with transaction(resources().sessions) as session:
        now = db_now(session)
        till = active_till(session, principal().id)
        recent = today_at_till(session, till.id, now=now)[:RECENT]
        is_offline_allowed = may_trade_offline(session, till.id)
    # A paper voucher: the same request once more, with the holder's answer.
    asks_second_check = isinstance(refusal, _ASKING) or "second_check" in form.errors
    return render_template(
        "redemption/counter.html",
        till=till,
        form=form,
        new_order_no=_new_order_no(now),
        refusal=refusal,
        payable_fen=payable_fen,
        quote=quote,
        # Of an outcome that is unknown, the very same request is the way to learn it.
        keeps_code=quote is not None
        or asks_second_check
        or (refusal is not None and refusal.status >= 500),
        asks_second_check=asks_second_check,
        code_chars_max=CODE_CHARS_MAX,
        recent=recent,
        is_offline_allowed=is_offline_allowed,
    )


def _new_order_no(now: datetime) -> str:
    """For a counter without a point-of-sale system: the day, and 32 random bits."""
    return f"{local_date(now):%y%m%d}-{secrets.token_hex(4)}"
