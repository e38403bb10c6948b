"""`POST /api/v1/claims`."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.json_body import reads_json
from coupon_service.core.schemas import Body, Problem, View
from coupon_service.issuance.device import remember_device
from coupon_service.issuance.waiting_room.claim_in_turn import claim_in_turn
from coupon_service.issuance.waiting_room.ticket import TICKET_CHARS_MAX

bp = APIBlueprint("issuance_api", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Claims")])
bp.after_request(remember_device)


class ClaimBody(Body):
    release_id: UUID
    ordinal: int = Field(
        default=1, strict=True, ge=1, le=100, description="The resident's 1st, 2nd … coupon"
    )
    ticket: str | None = Field(
        default=None,
        strict=True,
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


@bp.post(
    "/claims",
    responses={201: ClaimView, 200: ClaimView, 409: Problem, 429: Problem},
    security=[{"resident": []}],
)
@require(Kind.RESIDENT, real_name=True)
@reads_json
def create_claim(body: ClaimBody) -> tuple[Response, HTTPStatus]:
    """Claim a voucher: 201 the first time, 200 with the same voucher ever after."""
    granted = claim_in_turn(
        principal().id, body.release_id, ordinal=body.ordinal, ticket=body.ticket
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
