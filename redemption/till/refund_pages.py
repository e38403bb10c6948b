"""`/till/orders/<order_no>/refund`: what a refund comes to, making it, and what it came to."""

import secrets
from dataclasses import dataclass
from http import HTTPStatus

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from pydantic import TypeAdapter, ValidationError

from coupon_service.campaigns.refund import tomorrow
from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now, local_date
from coupon_service.core.db import in_transaction, transaction
from coupon_service.core.errors import InvalidRequestError, ProblemError
from coupon_service.core.money import FEN_PER_YUAN, format_yuan, parse_yuan
from coupon_service.core.resources import resources
from coupon_service.core.schemas import OrderNo
from merchants.tills.duty import duty_of_request
from redemption import throttle
from redemption.errors import (
    RedemptionNotFoundError,
    RefundExceedsOrderError,
    TillNotActiveError,
)
from redemption.models import Order
from redemption.pages import bp
from redemption.queries import active_till, order_or_refuse, possible_number
from redemption.refund import RefundCommand, refund
from redemption.refund_plan import fates_of, plan_refund, refund_or_refuse

_REFUND_NO: TypeAdapter[str] = TypeAdapter(OrderNo)
_AMOUNT_CHARS_MAX = 13


@dataclass(frozen=True)
class RefundForm:
    """The worth of the goods as typed, in yuan, and a sentence if it is wrong."""

    goods: str
    error: str = ""


@bp.get("/orders/<order_no>/refund")
@require(Kind.TILL)
@throttle.orders
def show_refund_form(order_no: str) -> str:
    """What taking back these goods would come to; of no amount: all that is left."""
    return _form(possible_number(order_no), request.args.get("goods"))


@bp.post("/orders/<order_no>/refund")
@require(Kind.TILL)
@throttle.reversals
def do_refund(order_no: str) -> ResponseReturnValue:
    """Take goods of an order back. The form brings a number: sending it twice is one refund.

    If the database did not answer, nothing is claimed about the outcome: the form comes back with
    the same number.
    """
    order_no = possible_number(order_no)
    typed, refund_no = request.form.get("goods", ""), request.form.get("refund_no", "")
    try:
        command = RefundCommand(
            principal().id,
            order_no,
            _number(refund_no),
            _fen(typed),
            clerk_id=duty_of_request().clerk_id,
        )
        in_transaction(
            resources().sessions, lambda session: refund(session, command, now=db_now(session))
        )
    except (TillNotActiveError, RedemptionNotFoundError):
        raise
    except ProblemError as error:
        is_unknown = error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        page = _form(order_no, typed, refusal=error, refund_no=refund_no if is_unknown else None)
        return page, error.status
    where = url_for("redemption.show_refund", order_no=order_no, refund_no=refund_no)
    return redirect(where, HTTPStatus.SEE_OTHER)


@bp.get("/orders/<order_no>/refunds/<refund_no>")
@require(Kind.TILL)
@throttle.orders
def show_refund(order_no: str, refund_no: str) -> str:
    """What a refund came to: what the customer gets, and what became of the vouchers."""
    with transaction(resources().sessions) as session:
        till = active_till(session, principal().id)
        order = order_or_refuse(session, till.store.merchant_id, possible_number(order_no))
        made = refund_or_refuse(session, order.order_id, possible_number(refund_no))
        fates = fates_of(session, made)
    return render_template(
        "redemption/refunded.html",
        till=till,
        order=order,
        refund=made,
        fates=fates,
        tomorrow=tomorrow(made.refunded_at),
    )


def _form(
    order_no: str,
    typed: str | None,
    *,
    refusal: ProblemError | None = None,
    refund_no: str | None = None,
) -> str:
    with transaction(resources().sessions) as session:
        now = db_now(session)
        till = active_till(session, principal().id)
        order = order_or_refuse(session, till.store.merchant_id, order_no)
        left_fen = order.after_discount_fen - order.refunded_fen
        if typed is None:
            typed = _plain(left_fen)
        form, plan = RefundForm(typed.strip()[:_AMOUNT_CHARS_MAX]), None
        try:
            stored = session.get_one(Order, order.order_id)
            plan = plan_refund(session, stored, _fen(form.goods), now=now)
        except InvalidRequestError:
            form = RefundForm(form.goods, _("请填写退货金额，例如 58 或 58.50。"))
        except RefundExceedsOrderError as error:
            form = RefundForm(form.goods, _exceeds(error))
        except ProblemError as error:
            refusal = refusal or error
    return render_template(
        "redemption/refund.html",
        till=till,
        order=order,
        left_fen=left_fen,
        form=form,
        plan=plan,
        refund_no=refund_no or f"R{local_date(now):%y%m%d}-{secrets.token_hex(4)}",
        refusal=refusal,
        tomorrow=tomorrow(now),
    )


def _exceeds(error: RefundExceedsOrderError) -> str:
    return str(_("本单还可以退 %(amount)s 元的货。", amount=format_yuan(error.extra["left_fen"])))


def _plain(amount_fen: int) -> str:
    """An amount as it is typed: without separators."""
    return f"{amount_fen // FEN_PER_YUAN}.{amount_fen % FEN_PER_YUAN:02d}"


def _fen(typed: str) -> int:
    """Raises: InvalidRequestError."""
    try:
        amount_fen = parse_yuan(typed.strip())
    except ValueError:
        raise InvalidRequestError from None
    if amount_fen == 0:
        raise InvalidRequestError
    return amount_fen


def _number(refund_no: str) -> str:
    """Raises: InvalidRequestError."""
    try:
        return _REFUND_NO.validate_python(refund_no)
    except ValidationError:
        raise InvalidRequestError from None
