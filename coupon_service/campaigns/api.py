"""`/api/v1/releases`: what can be claimed now and soon."""

from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel

from coupon_service.campaigns.queries import offered_releases, release_or_refuse
from coupon_service.campaigns.schemas import ReleaseList, ReleaseView
from coupon_service.core.auth import Kind, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources

bp = APIBlueprint("campaigns_api", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Campaigns")])


class ReleasePath(BaseModel):
    release_id: UUID


@bp.get("/releases", responses={200: ReleaseList})
@require(Kind.ANYONE)
def list_releases() -> Response:
    """Releases that are open or will be, by opening time."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        releases = [ReleaseView.of(release) for release in offered_releases(session, now)]
    return jsonify(ReleaseList(server_time=now, releases=releases).model_dump())


@bp.get("/releases/<uuid:release_id>", responses={200: ReleaseView})
@require(Kind.ANYONE)
def show_release(path: ReleasePath) -> Response:
    """One release with its terms."""
    with transaction(resources().sessions) as session:
        view = ReleaseView.of(release_or_refuse(session, path.release_id))
    return jsonify(view.model_dump())
