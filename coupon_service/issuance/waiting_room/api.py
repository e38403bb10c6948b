"""`/api/v1/releases/{release_id}/waiting-room`."""

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.schemas import Problem
from coupon_service.issuance.waiting_room.room import Wish
from coupon_service.issuance.waiting_room.schemas import EnterBody, PlaceView, RoomPath
from coupon_service.issuance.waiting_room.take_place import take_place

bp = APIBlueprint(
    "waiting_room_api",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="Waiting room")],
    abp_security=[{"resident": []}],
    abp_responses={404: Problem, 409: Problem, 503: Problem},
)


@bp.get("/releases/<uuid:release_id>/waiting-room", responses={200: PlaceView})
@require(Kind.RESIDENT, real_name=True)
def show_place(path: RoomPath) -> Response:
    """Where the resident stands, and during the turn the ticket to claim with."""
    answer = take_place(path.release_id, principal().id, Wish.LOOK)
    return jsonify(PlaceView.of(answer).model_dump())


@bp.post("/releases/<uuid:release_id>/waiting-room", responses={200: PlaceView})
@require(Kind.RESIDENT, real_name=True)
def enter_room(path: RoomPath, body: EnterBody) -> Response:
    """Enter, at any time before or after the opening. Whoever is in keeps their place."""
    wish = Wish.AGAIN if body.again else Wish.ENTER
    answer = take_place(path.release_id, principal().id, wish)
    return jsonify(PlaceView.of(answer).model_dump())
