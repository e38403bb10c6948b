"""`PUT /api/v1/releases/{release_id}/claims/{ordinal}`.

A resident's claim has an address before it is made, so that asking twice is asking for the same
thing. It has no body: whoever sends one slowly would be waited for.
"""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, ConfigDict, Field

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.read_request import reads_address
from coupon_service.core.schemas import Problem, View
from coupon_service.issuance.device import remember_device
from coupon_service.issuance.waiting_room.claim_in_turn import claim_in_turn
from coupon_service.issuance.waiting_room.ticket import TICKET_CHARS_MAX

bp = APIBlueprint("issuance_api", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Claims")])
bp.after_request(remember_device)


class ClaimPath(BaseModel):
    release_id: UUID
    ordinal: int = Field(ge=1, le=100, description="The resident's 1st, 2nd … coupon")


class ClaimQuery(BaseModel):
    model_config = ConfigDict(frozen=True)

    ticket: str | None = Field(
        default=None,
        max_length=TICKET_CHARS_MAX,
        description="From the waiting room, where the release has one",
    )


class ClaimView(View):
    """A claimed voucher. Amounts in fen. `GET /api/v1/vouchers/{voucher_id}` shows its code."""

    voucher_id: UUID
    seat: int
    repeated: bool
    face_fen: int
    threshold_fen: int
    valid_from: datetime
    expires_at: datetime


@bp.put(
    "/releases/<uuid:release_id>/claims/<int:ordinal>",
    responses={201: ClaimView, 200: ClaimView, 409: Problem, 429: Problem},
    security=[{"resident": []}],
)
@require(Kind.RESIDENT, real_name=True)
@reads_address
def put_claim(path: ClaimPath, query: ClaimQuery) -> tuple[Response, HTTPStatus]:
    """Claim a voucher: 201 the first time, 200 with the same voucher ever after."""
    granted = claim_in_turn(
        principal().id, path.release_id, ordinal=path.ordinal, ticket=query.ticket
    )
    facts = granted.voucher.facts
    view = ClaimView(
        voucher_id=facts.voucher_id,
        seat=granted.voucher.seat,
        repeated=granted.repeated,
        face_fen=facts.face_fen,
        threshold_fen=facts.threshold_fen,
        valid_from=facts.not_before,
        expires_at=facts.expires_at,
    )
    status = HTTPStatus.OK if granted.repeated else HTTPStatus.CREATED
    return jsonify(vars(view)), status
