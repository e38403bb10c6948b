"""Home, a release with its terms, and the claim. Everything works without JavaScript."""

from collections.abc import Sequence
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from coupon_service.campaigns.models import ReleaseQuota
from coupon_service.campaigns.queries import release_or_refuse
from coupon_service.core.auth import Kind, Principal, principal, require, signed_in
from coupon_service.core.clock import LOCAL_ZONE, db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ConflictError, TooManyRequestsError, UnavailableError
from coupon_service.core.resources import resources
from coupon_service.issuance.admit import Claimant, Unmet, admit
from coupon_service.issuance.device import remember_device
from coupon_service.issuance.errors import NOT_ELIGIBLE
from coupon_service.issuance.waiting_room.claim_in_turn import claim_in_turn
from coupon_service.mobile import words
from coupon_service.mobile.example import example_of
from coupon_service.mobile.home import Visitor, home_page
from coupon_service.mobile.near import here, spoken_distance
from coupon_service.mobile.offers import Offer, Step, one_offer
from coupon_service.mobile.packed import packed_page
from coupon_service.mobile.window import look_again, shop_window
from merchants.queries import StorePlace, stores_for

# What a visitor's own conditions decide about; a code is for whoever was given it.
_CLAIMED_ONLINE = frozenset({Step.CLAIM, Step.LATER, Step.ROOM, Step.DRAW, Step.WAIT})

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


@bp.app_template_filter("spoken_distance")
def _spoken_distance(metres: float) -> str:
    return spoken_distance(metres)


@bp.get("/")
@require(Kind.ANYONE)
def home() -> Response:
    """What can be claimed now, by board, and what comes next."""
    visitor = Visitor.of(signed_in(Kind.RESIDENT), here())
    return home_page(shop_window(), visitor, board=request.args.get("board"))


@bp.get("/campaigns/<uuid:release_id>")
@require(Kind.ANYONE)
def campaign(release_id: UUID) -> Response:
    """One release: its terms in plain words and the stores where it can be used."""
    visitor = signed_in(Kind.RESIDENT)
    with transaction(resources().sessions) as session:
        now = db_now(session)
        release = release_or_refuse(session, release_id)
        offer = one_offer(session, release, visitor.id if visitor else None, now)
        stores = stores_for(session, release.campaign)
        kept = session.scalars(
            select(ReleaseQuota)
            .where(ReleaseQuota.release_id == release_id)
            .order_by(ReleaseQuota.first_seat)
        ).all()
    position = here()
    page = render_template(
        "mobile/campaign.html",
        offer=offer,
        refusal=_refusal(visitor, offer),
        example=example_of(release.campaign),
        kept=kept,
        zones=_by_zone(stores),
        stores=stores,
        metres={store.id: position.metres_to(store) for store in stores} if position else {},
        local=now.astimezone(LOCAL_ZONE).time(),
        now=now,
    )
    return packed_page(page)


@bp.post("/releases/<uuid:release_id>/claim")
@require(Kind.RESIDENT, real_name=True)
def claim(release_id: UUID) -> ResponseReturnValue:
    """Claim and show the voucher, or say in words why not.

    A refusal is a page of its own that reads nothing: most answers of a busy morning are refusals.
    """
    ordinal = request.form.get("ordinal", "1")
    number = int(ordinal) if ordinal.isascii() and ordinal.isdigit() and len(ordinal) < 4 else 1
    try:
        granted = claim_in_turn(
            principal().id,
            release_id,
            ordinal=max(number, 1),
            ticket=request.form.get("ticket"),
        )
    except (ConflictError, TooManyRequestsError, UnavailableError) as error:
        look_again()
        page = render_template("mobile/refused.html", error=error, release_id=release_id)
        response = Response(page, status=int(error.status), mimetype="text/html")
        if error.retry_after_s is not None:
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    look_again()
    address = url_for(
        "mobile_wallet.voucher", voucher_id=granted.voucher.facts.voucher_id, claimed=1
    )
    return redirect(address, HTTPStatus.SEE_OTHER)


def _refusal(visitor: Principal | None, offer: Offer) -> str:
    """Why a claim would be refused for good and what to do, if the visitor is known and it would.

    Advice, so that nobody waits in vain; the claim decides for itself.
    """
    if visitor is None or not visitor.verified or offer.step not in _CLAIMED_ONLINE:
        return ""
    claimant = Claimant(offer.release.id, visitor.id, by_guardian=False)
    with transaction(resources().sessions) as session:
        verdict = admit(session, [claimant])[claimant]
    return NOT_ELIGIBLE[verdict.condition].sentence if isinstance(verdict, Unmet) else ""


def _by_zone(stores: Sequence[StorePlace]) -> dict[str, list[StorePlace]]:
    zones: dict[str, list[StorePlace]] = {}
    for store in stores:
        zones.setdefault(store.zone, []).append(store)
    return zones
