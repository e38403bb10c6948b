"""`/api/v1/stores`: where vouchers can be used."""

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from coupon_service.core.auth import Kind, require
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from merchants.queries import StoreFilter, list_stores
from merchants.schemas import StoreList, StoreQuery, StoreView

bp = APIBlueprint("merchants_api", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Merchants")])


@bp.get("/stores", responses={200: StoreList})
@require(Kind.ANYONE)
def show_stores(query: StoreQuery) -> Response:
    """Stores of active merchants, a page at a time."""
    wanted = StoreFilter(query.zone, query.category, query.tag, query.district_id)
    with transaction(resources().sessions) as session:
        # One more than asked for tells whether there is a next page.
        found = list_stores(session, wanted, after_id=query.cursor, limit=query.limit + 1)
        page = StoreList(
            stores=[StoreView.of(store) for store in found[: query.limit]],
            next_cursor=found[query.limit - 1].id if len(found) > query.limit else None,
        )
    return jsonify(page.model_dump())
