"""The waiting list of a release, and handing a voucher back. All works without JavaScript."""

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from coupon_service.campaigns.queries import release_or_refuse
from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ConflictError, InvalidRequestError
from coupon_service.core.resources import resources
from coupon_service.issuance.gate import gate
from coupon_service.issuance.hand_back import hand_back, may_hand_back
from coupon_service.issuance.waiting.errors import NotWaitingError
from coupon_service.issuance.waiting.join import join
from coupon_service.issuance.waiting.leave import leave
from coupon_service.issuance.waiting.queries import place_of
from coupon_service.vouchers.models import VoidReason, VoucherState
from coupon_service.vouchers.queries import own_voucher

bp = Blueprint("mobile_waiting", __name__)


@bp.get("/waiting/<uuid:release_id>")
@require(Kind.RESIDENT)
def show_place(release_id: UUID) -> str:
    """Where the resident stands; the number keeps itself up to date."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        release = release_or_refuse(session, release_id)
        place = place_of(session, release, principal().id, now=now)
    return render_template("mobile/waiting.html", release=release, place=place, now=now)


@bp.post("/waiting/<uuid:release_id>")
@require(Kind.RESIDENT, real_name=True)
def change_place(release_id: UUID) -> ResponseReturnValue:
    """Join the list, or leave it."""
    act = request.form.get("act")
    if act not in ("join", "leave"):
        raise InvalidRequestError
    try:
        with transaction(resources().sessions) as session:
            now = db_now(session)
            if act == "join":
                join(session, gate(), release_id, principal().id, now=now)
            else:
                leave(session, release_id, principal().id, now=now)
    except NotWaitingError:
        pass  # their turn came, or they left in another window: the page shows which
    except ConflictError as error:
        page = render_template("mobile/refused.html", error=error, release_id=release_id)
        return make_response(page, error.status)
    address = url_for("mobile_waiting.show_place", release_id=release_id)
    return redirect(address, HTTPStatus.SEE_OTHER)


@bp.get("/vouchers/<uuid:voucher_id>/return")
@require(Kind.RESIDENT)
def ask_return(voucher_id: UUID) -> str:
    """What handing the voucher back means, and the button; afterwards, that it is done."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        voucher = own_voucher(session, principal().id, voucher_id)
        theirs = may_hand_back(session, principal().id, voucher)
    usable = voucher.state == VoucherState.ISSUED and voucher.expires_at > now
    return render_template(
        "mobile/hand_back.html",
        voucher=voucher,
        campaign=voucher.release.campaign,
        usable=usable and theirs,
        done=voucher.void_reason == VoidReason.RETURNED,
    )


@bp.post("/vouchers/<uuid:voucher_id>/return")
@require(Kind.RESIDENT)
def return_voucher(voucher_id: UUID) -> ResponseReturnValue:
    """Hand an unused voucher back for good."""
    with transaction(resources().sessions) as session:
        hand_back(session, principal().id, voucher_id)
    address = url_for("mobile_waiting.ask_return", voucher_id=voucher_id)
    return redirect(address, HTTPStatus.SEE_OTHER)
