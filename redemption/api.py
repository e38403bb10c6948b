"""`/api/v1/redemptions` and `/api/v1/quotes`: what tills and their point-of-sale systems call."""

from http import HTTPStatus

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import in_transaction, transaction
from coupon_service.core.read_request import reads_address, reads_json
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem
from merchants.tills.duty import demand_clerk, duty_of_request
from redemption import throttle
from redemption.day_totals import day_totals
from redemption.desk import quote_here, redeem_here
from redemption.queries import active_till, order_or_refuse
from redemption.refund import RefundCommand, refund
from redemption.reverse import reverse
from redemption.schemas import (
    DayPath,
    DayTotalsView,
    OrderPath,
    OrderView,
    QuoteBody,
    QuoteView,
    RedeemBody,
    RefundBody,
    RefundView,
    TotalsOf,
    TotalsQuery,
)

bp = APIBlueprint(
    "redemption_api", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Redemptions")]
)
bp.before_request(demand_clerk)
_TILL: list[dict[str, list[str]]] = [{"till": []}, {"till_signature": []}]


@bp.post(
    "/redemptions",
    responses={200: OrderView, 201: OrderView, 403: Problem, 409: Problem, 429: Problem},
    security=_TILL,
)
@require(Kind.TILL)
@throttle.scans
@reads_json
def create_redemption(body: RedeemBody) -> tuple[Response, HTTPStatus]:
    """Pay part of an order with vouchers. The same order again gets the same answer, with 200."""
    redeemed = redeem_here(body)
    view = OrderView.of(redeemed.receipt, repeated=redeemed.repeated)
    return jsonify(view.model_dump()), HTTPStatus.OK if redeemed.repeated else HTTPStatus.CREATED


@bp.get("/redemptions/<order_no>", responses={200: OrderView, 404: Problem}, security=_TILL)
@require(Kind.TILL)
@throttle.orders
def show_redemption(path: OrderPath) -> Response:
    """What became of an order of this till's merchant. After a time-out, ask here."""
    with transaction(resources().sessions) as session:
        till = active_till(session, principal().id)
        receipt = order_or_refuse(session, till.store.merchant_id, path.order_no)
    return jsonify(OrderView.of(receipt).model_dump())


@bp.post(
    "/redemptions/<order_no>/reversal",
    responses={200: OrderView, 409: Problem},
    security=_TILL,
)
@require(Kind.TILL)
@throttle.reversals
def reverse_redemption(path: OrderPath) -> Response:
    """Undo an order on the day it was redeemed. One that has not arrived will then be refused."""
    receipt = in_transaction(
        resources().sessions,
        lambda session: reverse(session, principal().id, path.order_no, now=db_now(session)),
    )
    return jsonify(OrderView.of(receipt).model_dump())


@bp.post(
    "/redemptions/<order_no>/refunds",
    responses={200: RefundView, 201: RefundView, 404: Problem, 409: Problem},
    security=_TILL,
)
@require(Kind.TILL)
@throttle.reversals
def create_refund(path: OrderPath, body: RefundBody) -> tuple[Response, HTTPStatus]:
    """Take goods of an order back. The same refund again gets the same answer, with 200."""
    command = RefundCommand(
        principal().id,
        path.order_no,
        body.refund_no,
        body.goods_fen,
        clerk_id=duty_of_request().clerk_id,
    )
    refunded = in_transaction(
        resources().sessions, lambda session: refund(session, command, now=db_now(session))
    )
    view = RefundView.of(refunded)
    return jsonify(view.model_dump()), HTTPStatus.OK if refunded.repeated else HTTPStatus.CREATED


@bp.post(
    "/quotes", responses={200: QuoteView, 403: Problem, 409: Problem, 429: Problem}, security=_TILL
)
@require(Kind.TILL)
@throttle.scans
@reads_json
def create_quote(body: QuoteBody) -> Response:
    """What the customer would pay, and what each voucher does for it. Changes nothing."""
    return jsonify(QuoteView.of(quote_here(body)).model_dump())


@bp.get("/daily-totals/<day>", responses={200: DayTotalsView}, security=_TILL)
@require(Kind.TILL)
@throttle.orders
@reads_address
def show_day_totals(path: DayPath, query: TotalsQuery) -> Response:
    """What this till, or its merchant, did on one local day."""
    with transaction(resources().sessions) as session:
        till = active_till(session, principal().id)
        totals = day_totals(
            session,
            till.store.merchant_id,
            path.day,
            till_id=till.id if query.of is TotalsOf.TILL else None,
        )
    return jsonify(DayTotalsView.made(path.day, query.of, totals).model_dump(mode="json"))
