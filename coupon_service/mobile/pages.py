"""Home, a release with its terms, and the claim. Everything works without JavaScript."""

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from coupon_service.campaigns.queries import current_seasons, release_or_refuse
from coupon_service.core.auth import Kind, principal, require, signed_in
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ConflictError, TooManyRequestsError, UnavailableError
from coupon_service.core.resources import resources
from coupon_service.issuance.desk import claim_online
from coupon_service.issuance.device import remember_device
from coupon_service.mobile import words
from coupon_service.mobile.offers import by_board, offers_now, one_offer
from merchants.queries import stores_for

STORES_SHOWN_MAX = 200
OFFERS_PER_BOARD = 3
UPCOMING_SHOWN = 4

bp = Blueprint(
    "mobile",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/mobile",
)
bp.after_request(remember_device)


@bp.app_context_processor
def _vocabulary() -> dict[str, object]:
    """`words` in templates: a campaign's terms as sentences."""
    return {"words": words}


@bp.get("/")
@require(Kind.ANYONE)
def home() -> str:
    """What can be claimed now, by board, and what comes next."""
    chosen = request.args.get("board")
    visitor = signed_in(Kind.RESIDENT)
    with transaction(resources().sessions) as session:
        now = db_now(session)
        seasons = current_seasons(session, now)
        offers = offers_now(session, visitor.id if visitor else None, now)
        boards = by_board(session, [offer for offer in offers if not offer.upcoming])
        upcoming = [offer for offer in offers if offer.upcoming and offer.online]
    if chosen not in {board.node.code for board in boards}:
        chosen = None
    return render_template(
        "mobile/home.html",
        seasons=seasons,
        boards=boards,
        chosen=chosen,
        upcoming=upcoming,
        per_board=OFFERS_PER_BOARD,
        upcoming_shown=UPCOMING_SHOWN,
        may_claim=visitor is not None and visitor.verified,
        now=now,
    )


@bp.get("/campaigns/<uuid:release_id>")
@require(Kind.ANYONE)
def campaign(release_id: UUID) -> str:
    """One release: its terms in plain words and the stores where it can be used."""
    visitor = signed_in(Kind.RESIDENT)
    with transaction(resources().sessions) as session:
        now = db_now(session)
        release = release_or_refuse(session, release_id)
        offer = one_offer(session, release, visitor.id if visitor else None, now)
        stores = stores_for(session, release.campaign, limit=STORES_SHOWN_MAX)
    zones: dict[str, list[object]] = {}
    for store in stores:
        zones.setdefault(store.zone, []).append(store)
    return render_template(
        "mobile/campaign.html", offer=offer, zones=zones, store_count=len(stores), now=now
    )


@bp.post("/releases/<uuid:release_id>/claim")
@require(Kind.RESIDENT, real_name=True)
def claim(release_id: UUID) -> ResponseReturnValue:
    """Claim and show the voucher, or say in words why not.

    A refusal is a page of its own that reads nothing: most answers of a busy morning are refusals.
    """
    ordinal = request.form.get("ordinal", "1")
    number = int(ordinal) if ordinal.isascii() and ordinal.isdigit() and len(ordinal) < 4 else 1
    try:
        granted = claim_online(principal().id, release_id, ordinal=max(number, 1))
    except (ConflictError, TooManyRequestsError, UnavailableError) as error:
        page = render_template("mobile/refused.html", error=error, release_id=release_id)
        response = Response(page, status=int(error.status), mimetype="text/html")
        if error.retry_after_s is not None:
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    address = url_for(
        "mobile_wallet.voucher", voucher_id=granted.voucher.facts.voucher_id, claimed=1
    )
    return redirect(address, HTTPStatus.SEE_OTHER)
