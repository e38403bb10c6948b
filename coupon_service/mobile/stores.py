"""Where vouchers can be used: a schematic map and the list beside it, by zone and category."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, Response, render_template, request, url_for

from coupon_service.campaigns.models import Campaign
from coupon_service.campaigns.queries import release_or_refuse
from coupon_service.core.auth import Kind, require
from coupon_service.core.clock import LOCAL_ZONE
from coupon_service.core.db import transaction
from coupon_service.core.errors import NotFoundError
from coupon_service.core.resources import resources
from coupon_service.mobile.map import draw_stores, draw_zones
from coupon_service.mobile.near import here
from coupon_service.mobile.packed import packed_page
from coupon_service.mobile.window import shop_window
from merchants.queries import StoreFilter, StorePlace, store_places, stores_for

bp = Blueprint("mobile_stores", __name__)


@bp.get("/stores")
@require(Kind.ANYONE)
def stores() -> Response:
    """All stores of the running seasons, or those of one release; narrowed by zone and category."""
    release_id = _release_id()
    campaign, found = _stores(release_id)
    zone = _chosen("zone", [store.zone for store in found])
    category = _chosen("category", [store.category for store in found])
    shown = [store for store in found if category in (None, store.category)]
    in_zone = [store for store in shown if zone in (None, store.zone)]
    position = here()
    metres = {store.id: position.metres_to(store) for store in in_zone} if position else {}
    if metres:
        in_zone.sort(key=lambda store: metres[store.id])
    zones = _grouped(shown)
    page = render_template(
        "mobile/stores.html",
        campaign=campaign,
        release_id=release_id,
        zone=zone,
        category=category,
        zones=Counter(store.zone for store in shown),
        categories=Counter(store.category for store in found if zone in (None, store.zone)),
        groups=_grouped(in_zone),
        listed=in_zone,
        drawing=draw_stores(in_zone, position) if zone else draw_zones(zones, position),
        metres=metres,
        local=shop_window().now.astimezone(LOCAL_ZONE).time(),
        address=_address,
    )
    return packed_page(page)


def _release_id() -> UUID | None:
    wanted = request.args.get("release")
    if wanted is None:
        return None
    try:
        return UUID(wanted)
    except ValueError:
        raise NotFoundError from None


def _stores(release_id: UUID | None) -> tuple[Campaign | None, Sequence[StorePlace]]:
    districts = {season.district_id for season in shop_window().seasons}
    with transaction(resources().sessions) as session:
        if release_id is not None:
            campaign = release_or_refuse(session, release_id).campaign
            return campaign, stores_for(session, campaign)
        return None, [
            store
            for district_id in sorted(districts)
            for store in store_places(session, StoreFilter(district_id=district_id))
        ]


def _chosen(key: str, known: Sequence[str]) -> str | None:
    wanted = request.args.get(key)
    return wanted if wanted in known else None


def _grouped(stores: Sequence[StorePlace]) -> dict[str, list[StorePlace]]:
    zones: dict[str, list[StorePlace]] = {}
    for store in stores:
        zones.setdefault(store.zone, []).append(store)
    return zones


def _address(**changes: str | None) -> str:
    """This page with some of its filters changed; None takes one away."""
    kept = {key: request.args.get(key) for key in ("release", "zone", "category")}
    query = {key: value for key, value in (kept | changes).items() if value}
    return url_for("mobile_stores.stores", **query)  # type: ignore[arg-type]  # all are query strings
