"""`/till/today` and `/till/orders`: past orders, and what can be done with one."""

from datetime import date, timedelta
from http import HTTPStatus

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now, local_date, local_day_start
from coupon_service.core.db import in_transaction, transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.resources import resources
from merchants.tills.queries import clerk_names
from redemption import throttle
from redemption.errors import RedemptionNotFoundError, TillNotActiveError
from redemption.pages import bp
from redemption.queries import active_till, order_or_refuse, possible_number
from redemption.reverse import reverse
from redemption.till.history import clerk_of, day_at_till, find_at_till, refunds_of

_PART_CHARS_MAX = 64
# Where a day is asked for that no calendar has, or none of ours.
_FIRST_DAY = date(2020, 1, 1)


@bp.get("/today")
@require(Kind.TILL)
@throttle.orders
def show_today() -> str:
    """What this till did today, on an earlier day, or under an order number."""
    part = request.args.get("q", "").strip()[:_PART_CHARS_MAX]
    with transaction(resources().sessions) as session:
        today = local_date(db_now(session))
        day = _day(request.args.get("day", ""), today)
        till = active_till(session, principal().id)
        orders = (
            find_at_till(session, till.id, part) if part else day_at_till(session, till.id, day)
        )
    return render_template(
        "redemption/today.html",
        till=till,
        orders=orders,
        part=part,
        day=day,
        today=today,
        starts=local_day_start(day),
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
    )


@bp.get("/orders/<order_no>")
@require(Kind.TILL)
@throttle.orders
def show_order(order_no: str) -> str:
    """What became of one order; a live one can be reversed today, and refunded any day."""
    return _order(possible_number(order_no))


@bp.get("/orders/<order_no>/receipt")
@require(Kind.TILL)
@throttle.orders
def show_receipt(order_no: str) -> str:
    """The order as a strip of paper."""
    held = resources()
    with transaction(held.sessions) as session:
        till = active_till(session, principal().id)
        order = order_or_refuse(session, till.store.merchant_id, possible_number(order_no))
        refunds = refunds_of(session, order.order_id)
        clerk_id = clerk_of(session, order.order_id)
        clerk = clerk_names(session, held.vault, [clerk_id]).get(clerk_id) if clerk_id else None
    return render_template(
        "redemption/receipt.html", till=till, order=order, refunds=refunds, clerk=clerk
    )


@bp.post("/orders/<order_no>/reversal")
@require(Kind.TILL)
@throttle.reversals
def do_reverse(order_no: str) -> ResponseReturnValue:
    """Undo an order that is on this page, which is why an unknown number is no tombstone here."""
    try:
        in_transaction(resources().sessions, lambda session: _reverse(session, order_no))
    except (TillNotActiveError, RedemptionNotFoundError):
        raise
    except ProblemError as error:
        return _order(order_no, refusal=error), error.status
    where = url_for("redemption.show_order", order_no=order_no)
    return redirect(where, HTTPStatus.SEE_OTHER)


def _reverse(session: Session, order_no: str) -> None:
    till = active_till(session, principal().id)
    order_or_refuse(session, till.store.merchant_id, possible_number(order_no))
    reverse(session, till.id, order_no, now=db_now(session))


def _order(order_no: str, *, refusal: ProblemError | None = None) -> str:
    with transaction(resources().sessions) as session:
        now = db_now(session)
        till = active_till(session, principal().id)
        order = order_or_refuse(session, till.store.merchant_id, order_no)
        refunds = refunds_of(session, order.order_id)
    return render_template(
        "redemption/order.html",
        till=till,
        order=order,
        refunds=refunds,
        repeated="repeated" in request.args,
        is_today=local_date(order.redeemed_at) == local_date(now),
        refusal=refusal,
    )


def _day(typed: str, today: date) -> date:
    """The day asked for, or today if it is none of the past."""
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return today
    return day if _FIRST_DAY <= day <= today else today
