"""`/api/v1/releases/<id>/waiting`, and handing a voucher back."""

from datetime import datetime
from http import HTTPStatus
from typing import Self
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from coupon_service.campaigns.queries import release_or_refuse
from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem, View
from coupon_service.issuance.gate import gate
from coupon_service.issuance.hand_back import hand_back
from coupon_service.issuance.waiting.join import join
from coupon_service.issuance.waiting.leave import leave
from coupon_service.issuance.waiting.queries import Place, place_of

bp = APIBlueprint(
    "waiting_api", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Waiting list")]
)
_RESIDENT: list[dict[str, list[str]]] = [{"resident": []}]


class ReleasePath(BaseModel):
    release_id: UUID


class VoucherPath(BaseModel):
    voucher_id: UUID


class PlaceView(View):
    standing: str = Field(description="outside, waiting, served or over")
    ahead: int = Field(description="How many wait and joined before; 0 unless waiting")
    joined_at: datetime | None
    voucher_id: UUID | None = Field(description="The voucher, once served")

    @classmethod
    def of(cls, place: Place) -> Self:
        return cls(
            standing=place.standing,
            ahead=place.ahead,
            joined_at=place.joined_at,
            voucher_id=place.voucher_id,
        )


@bp.get(
    "/releases/<uuid:release_id>/waiting",
    responses={200: PlaceView, 404: Problem},
    security=_RESIDENT,
)
@require(Kind.RESIDENT)
def show_place(path: ReleasePath) -> Response:
    """Where the resident stands on the release's waiting list."""
    with transaction(resources().sessions) as session:
        release = release_or_refuse(session, path.release_id)
        place = place_of(session, release, principal().id, now=db_now(session))
    return jsonify(PlaceView.of(place).model_dump())


@bp.put(
    "/releases/<uuid:release_id>/waiting",
    responses={200: PlaceView, 404: Problem, 409: Problem},
    security=_RESIDENT,
)
@require(Kind.RESIDENT, real_name=True)
def join_list(path: ReleasePath) -> Response:
    """Wait for what comes back to a release that is sold out. Repeating it keeps the place."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        place = join(session, gate(), path.release_id, principal().id, now=now)
    return jsonify(PlaceView.of(place).model_dump())


@bp.delete(
    "/releases/<uuid:release_id>/waiting",
    responses={204: None, 409: Problem},
    security=_RESIDENT,
)
@require(Kind.RESIDENT)
def leave_list(path: ReleasePath) -> Response:
    """Wait no longer."""
    with transaction(resources().sessions) as session:
        leave(session, path.release_id, principal().id, now=db_now(session))
    return Response(status=HTTPStatus.NO_CONTENT)


@bp.post(
    "/vouchers/<uuid:voucher_id>/return",
    responses={204: None, 404: Problem, 409: Problem},
    security=_RESIDENT,
)
@require(Kind.RESIDENT)
def return_voucher(path: VoucherPath) -> Response:
    """Hand an unused voucher back for good; somebody else may have its value."""
    with transaction(resources().sessions) as session:
        hand_back(session, principal().id, path.voucher_id)
    return Response(status=HTTPStatus.NO_CONTENT)
