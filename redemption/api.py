"""`/api/v1/redemptions` and `/api/v1/quotes`: what tills and their point-of-sale systems call."""

from http import HTTPStatus

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.read_request import reads_json
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem
from redemption import throttle
from redemption.at_till import quote_here, redeem_here
from redemption.queries import active_till, order_or_refuse
from redemption.reverse import reverse
from redemption.schemas import OrderPath, QuoteBody, QuoteView, RedeemBody, RedemptionView

bp = APIBlueprint(
    "redemption_api", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Redemptions")]
)
_TILL: list[dict[str, list[str]]] = [{"till": []}]


@bp.post(
    "/redemptions",
    responses={200: RedemptionView, 201: RedemptionView, 403: Problem, 409: Problem, 429: Problem},
    security=_TILL,
)
@require(Kind.TILL)
@throttle.scans
@throttle.wrong_codes
@throttle.wrong_digits
@reads_json
def create_redemption(body: RedeemBody) -> tuple[Response, HTTPStatus]:
    """Redeem a voucher for an order. The same order again gets the same answer, with 200."""
    redemption, repeated = redeem_here(body)
    view = RedemptionView.of(redemption, repeated=repeated)
    return jsonify(view.model_dump()), HTTPStatus.OK if repeated else HTTPStatus.CREATED


@bp.get("/redemptions/<order_no>", responses={200: RedemptionView, 404: Problem}, security=_TILL)
@require(Kind.TILL)
@throttle.orders
def show_redemption(path: OrderPath) -> Response:
    """What became of an order of this till's merchant. After a time-out, ask here."""
    with transaction(resources().sessions) as session:
        till = active_till(session, principal().id)
        redemption = order_or_refuse(session, till.store.merchant_id, path.order_no)
    return jsonify(RedemptionView.of(redemption).model_dump())


@bp.post(
    "/redemptions/<order_no>/reversal",
    responses={200: RedemptionView, 409: Problem},
    security=_TILL,
)
@require(Kind.TILL)
@throttle.reversals
def reverse_redemption(path: OrderPath) -> Response:
    """Undo an order on the day it was redeemed. One that has not arrived will then be refused."""
    with transaction(resources().sessions) as session:
        redemption = reverse(session, principal().id, path.order_no, now=db_now(session))
    return jsonify(RedemptionView.of(redemption).model_dump())


@bp.post(
    "/quotes", responses={200: QuoteView, 403: Problem, 409: Problem, 429: Problem}, security=_TILL
)
@require(Kind.TILL)
@throttle.scans
@throttle.wrong_codes
@throttle.wrong_digits
@reads_json
def create_quote(body: QuoteBody) -> Response:
    """What the customer would pay, were the voucher redeemed now. Changes nothing."""
    return jsonify(QuoteView.of(quote_here(body)).model_dump())
