"""The AR scene: a street with three lanterns that win a voucher, and a shop where one can be used.

The pages work without WebGL and without JavaScript; the script only draws the street and keeps the
visitor in it. What a visitor does is signed and proven on this side: see `redemption.ar.built_in`.
"""

from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Channel, Release
from coupon_service.campaigns.terms import unusable_at
from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.error_catalogue import catalogue
from coupon_service.core.errors import ConflictError, ForbiddenError, InvalidRequestError
from coupon_service.core.limits import limiter
from coupon_service.core.resources import resources
from coupon_service.vouchers.models import Voucher, VoucherState
from coupon_service.vouchers.queries import voucher_with_terms, wallet
from merchants.models import Store
from merchants.queries import place_of
from redemption.ar.begin import BeginCommand, begin
from redemption.ar.built_in import report
from redemption.ar.errors import ArIntentMismatchError, ArPlaceNeededError, ArSceneOffError
from redemption.ar.event import Sighting
from redemption.ar.models import ArAnchor, ArGood, ArOutcome
from redemption.ar.opening import is_open
from redemption.ar.queries import Scene, own_session, scene_code_at, scene_or_404, scenes
from redemption.ar.schemas import state_at

LANTERNS = 3
# How often a page that waits looks again.
LOOKS_AGAIN_S = 3

# The camera's picture and the way the phone is held are for this page only.
_SENSORS = (
    "camera=(self), geolocation=(self), accelerometer=(self), gyroscope=(self), magnetometer=(self)"
)

bp = Blueprint("mobile_scene", __name__)


def _by_resident() -> str:
    return str(principal().id)


@bp.get("/scenes")
@require(Kind.ANYONE)
def list_scenes() -> str:
    """Where there is a scene to be found."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        found = scenes(session) if resources().settings.has_scenes else ()
        opened = [(anchor, is_open(anchor, now)) for anchor in found]
    return render_template("mobile/scenes.html", scenes=opened)


@bp.get("/scene/<code>")
@require(Kind.RESIDENT, real_name=True)
def show_scene(code: str) -> Response:
    """The street. `lit` in the address are the lanterns that were found without a script."""
    with transaction(resources().sessions) as session:
        scene = _scene(session, code)
        now = db_now(session)
        campaign = session.scalars(
            select(Campaign)
            .join(Release, Release.campaign_id == Campaign.id)
            .where(Release.id == scene.anchor.release_id)
        ).one()
    lit = _lit(request.args.get("lit", ""))
    page = render_template(
        "mobile/scene.html",
        scene=scene,
        campaign=campaign,
        lanterns=[
            (number, number in lit, _as_lit({*lit, number})) for number in range(1, LANTERNS + 1)
        ],
        lit_count=len(lit),
        lanterns_count=LANTERNS,
        is_open=is_open(scene.anchor, now),
        is_demo=resources().settings.is_development,
    )
    response = Response(page, mimetype="text/html")
    response.headers["Permissions-Policy"] = _SENSORS
    return response


@bp.post("/scene/<code>/lanterns")
@require(Kind.RESIDENT, real_name=True)
@limiter.limit("20/minute", key_func=_by_resident)
def light_lanterns(code: str) -> ResponseReturnValue:
    """All lanterns are lit: the scene vouches for the visitor, and what it brings is claimed."""
    with transaction(resources().sessions) as session:
        anchor = _scene(session, code).anchor
    return _vouch(anchor, None, None)


@bp.get("/scene/<code>/shop")
@require(Kind.RESIDENT, real_name=True)
def show_shop(code: str) -> str:
    """What the virtual shop sells, and which of one's vouchers it takes."""
    with transaction(resources().sessions) as session:
        scene, shop = _with_shop(session, code)
        store = session.get_one(Store, shop.store_id)
        vouchers = _usable(session, store)
        now = db_now(session)
    return render_template(
        "mobile/scene_shop.html",
        scene=scene,
        store=store,
        vouchers=vouchers,
        is_open=is_open(shop, now),
        chosen_id=request.args.get("voucher"),
    )


@bp.post("/scene/<code>/orders")
@require(Kind.RESIDENT, real_name=True)
@limiter.limit("20/minute", key_func=_by_resident)
def place_order(code: str) -> ResponseReturnValue:
    """Order what was put in the basket, and pay part of it with a voucher."""
    with transaction(resources().sessions) as session:
        scene, shop = _with_shop(session, code)
    order_fen = _worth_fen(scene.goods, request.form.getlist("good"))
    try:
        voucher_id = UUID(request.form.get("voucher_id", ""))
    except ValueError:
        raise ArIntentMismatchError from None
    return _vouch(shop, voucher_id, order_fen)


@bp.get("/ar/sessions/<uuid:session_id>")
@require(Kind.RESIDENT)
def show_session(session_id: UUID) -> str:
    """What became of a visit: waiting, won, used, refused, or over."""
    with transaction(resources().sessions) as session:
        own = own_session(session, principal().id, session_id)
        now = db_now(session)
        visit, anchor = own.session, own.session.anchor
        voucher = voucher_with_terms(session, visit.voucher_id) if visit.voucher_id else None
        scene_code = scene_code_at(session, anchor.id)
    sentences = {error.slug: error.sentence for error in catalogue()}
    return render_template(
        "mobile/scene_session.html",
        visit=visit,
        anchor=anchor,
        standing=state_at(visit, now),
        refusal=sentences.get(own.refusal) if own.refusal else None,
        discount_fen=own.discount_fen,
        voucher=voucher,
        campaign=voucher.release.campaign if voucher else None,
        scene_code=scene_code if resources().settings.has_scenes else None,
        looks_again_s=LOOKS_AGAIN_S,
        is_award=anchor.outcome == ArOutcome.AWARD,
    )


def _scene(session: Session, code: str) -> Scene:
    if not resources().settings.has_scenes:
        raise ArSceneOffError
    return scene_or_404(session, code)


def _with_shop(session: Session, code: str) -> tuple[Scene, ArAnchor]:
    scene = _scene(session, code)
    if scene.shop is None:
        raise ArSceneOffError
    return scene, scene.shop


def _vouch(anchor: ArAnchor, voucher_id: UUID | None, order_fen: int | None) -> ResponseReturnValue:
    """Begin a session, let the built-in platform prove it, and show what became of it.

    What the proof was refused for stands on the session's page.
    """
    lat, lon = _place(anchor)
    with transaction(resources().sessions) as session:
        command = BeginCommand(principal().id, anchor.id, voucher_id, order_fen)
        begun = begin(session, command, now=db_now(session))
    sighting = Sighting(begun.id, begun.nonce, anchor.id, lat, lon, order_fen=order_fen)
    with suppress(ConflictError, ForbiddenError):
        report(begun.anchor.provider, sighting)
    address = url_for("mobile_scene.show_session", session_id=begun.id)
    return redirect(address, HTTPStatus.SEE_OTHER)


def _place(anchor: ArAnchor) -> tuple[float, float]:
    """Where the browser says it is, in degrees of WGS-84.

    Only a demonstration takes whoever says nothing for being there.
    """
    given = request.form.get("lat", ""), request.form.get("lon", "")
    if not any(given):
        if resources().settings.is_development:
            return anchor.lat, anchor.lon
        raise ArPlaceNeededError
    try:
        lat, lon = float(given[0][:20]), float(given[1][:20])
    except ValueError:
        raise InvalidRequestError from None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):  # also refuses NaN
        raise InvalidRequestError
    return lat, lon


def _worth_fen(goods: Sequence[ArGood], chosen: Sequence[str]) -> int:
    """What the chosen goods cost together; the prices are the shop's, never the browser's."""
    wanted = set(chosen)
    prices = [good.price_fen for good in goods if str(good.position) in wanted]
    if not prices or len(prices) != len(wanted):
        raise ArIntentMismatchError
    return sum(prices)


def _usable(session: Session, store: Store) -> list[Voucher]:
    """The resident's own vouchers that the store takes now, those that end first in front."""
    now, place = db_now(session), place_of(store)
    assert place.channel is Channel.VIRTUAL, "the anchor's store is virtual"
    kept = [
        voucher
        for voucher in wallet(session, principal().id)
        if voucher.state == VoucherState.ISSUED
        and voucher.valid_from <= now < voucher.expires_at
        and unusable_at(voucher.release.campaign, place) is None
    ]
    return sorted(kept, key=lambda voucher: voucher.expires_at)


def _lit(text: str) -> set[int]:
    return {number for number in range(1, LANTERNS + 1) if str(number) in text.split(".")}


def _as_lit(numbers: set[int]) -> str:
    return ".".join(map(str, sorted(numbers)))
