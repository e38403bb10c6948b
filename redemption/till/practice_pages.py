"""`/till/practice`: the counter to learn at. It asks for nothing and keeps nothing."""

from http import HTTPStatus
from typing import Annotated

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from pydantic import StringConstraints
from qrcode.constants import ERROR_CORRECT_M

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.db import transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.money import parse_yuan
from coupon_service.core.read_request import reads_json
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Body, PositiveFen
from coupon_service.vouchers.qr import Look, qr_svg
from redemption.queries import active_till
from redemption.till.access import lock_without_clerk
from redemption.till.practice import (
    FACE_FEN,
    THRESHOLD_FEN,
    PracticeCode,
    Practised,
    practise,
)
from redemption.verify import CODE_CHARS_MAX

bp = Blueprint("till_practice", __name__, url_prefix="/till/practice")
bp.before_request(lock_without_clerk)

_TYPED_CHARS_MAX = 40
# A practice code is short: 38 characters fit.
_LOOK = Look(2, ERROR_CORRECT_M)


class PracticeBody(Body):
    """A code and the order it shall pay part of; a real code is one, too, and not recognised."""

    code: Annotated[str, StringConstraints(strict=True, max_length=CODE_CHARS_MAX)]
    order_fen: PositiveFen


@bp.get("")
@require(Kind.TILL)
def show_practice() -> str:
    """The practice counter, and the codes to scan at it."""
    return _page()


@bp.post("")
@require(Kind.TILL)
def do_practise() -> ResponseReturnValue:
    """Answer the form out of what it says alone."""
    amount = request.form.get("amount", "").strip()[:_TYPED_CHARS_MAX]
    # A pressed practice code comes beside the field for typing, which may be empty.
    code = next(filter(None, reversed(request.form.getlist("code"))), "")
    try:
        order_fen = parse_yuan(amount)
    except ValueError:
        return _page(amount, amount_wrong=True), HTTPStatus.BAD_REQUEST
    try:
        return _page(practised=practise(code[:CODE_CHARS_MAX], order_fen))
    except ProblemError as refusal:
        return _page(amount, refusal=refusal, payable_fen=order_fen), refusal.status


@bp.post("/redemptions")
@require(Kind.TILL)
@reads_json
def practise_redeeming(body: PracticeBody) -> Response:
    """The same answers for scripts."""
    practised = practise(body.code, body.order_fen)
    return jsonify(
        {
            "discount_fen": practised.discount_fen,
            "customer_pays_fen": practised.customer_pays_fen,
        }
    )


def _page(
    amount: str = "",
    *,
    amount_wrong: bool = False,
    practised: Practised | None = None,
    refusal: ProblemError | None = None,
    payable_fen: int = 0,
) -> str:
    with transaction(resources().sessions) as session:
        till = active_till(session, principal().id)
    lessons = {
        PracticeCode.GOOD: _("可以用的券"),
        PracticeCode.USED: _("用过的券"),
        PracticeCode.EXPIRED: _("过期的券"),
    }
    return render_template(
        "redemption/practice.html",
        till=till,
        amount=amount,
        amount_wrong=amount_wrong,
        practised=practised,
        refusal=refusal,
        payable_fen=payable_fen,
        face_fen=FACE_FEN,
        threshold_fen=THRESHOLD_FEN,
        lessons=[
            (code, words, Markup(qr_svg(code, _LOOK)))  # noqa: S704  # an SVG of our own
            for code, words in lessons.items()
        ],
    )
