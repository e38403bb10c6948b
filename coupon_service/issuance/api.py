"""`POST /api/v1/claims`."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Body, Problem, View
from coupon_service.issuance.desk import claim_online
from coupon_service.issuance.device import remember_device
from coupon_service.vouchers.keys import keyring
from coupon_service.vouchers.token import issue_token

bp = APIBlueprint("issuance_api", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Claims")])
bp.after_request(remember_device)


class ClaimBody(Body):
    release_id: UUID
    ordinal: int = Field(
        default=1, strict=True, ge=1, le=100, description="The resident's 1st, 2nd … coupon"
    )


class ClaimView(View):
    """A claimed voucher and a token to show at once. Amounts in fen."""

    voucher_id: UUID
    seat: int
    repeated: bool
    face_fen: int
    threshold_fen: int
    valid_from: datetime
    expires_at: datetime
    token: str
    token_expires_at: datetime


@bp.post(
    "/claims",
    responses={201: ClaimView, 200: ClaimView, 409: Problem, 429: Problem},
    security=[{"resident": []}],
)
@require(Kind.RESIDENT, real_name=True)
def create_claim(body: ClaimBody) -> tuple[Response, HTTPStatus]:
    """Claim a voucher: 201 the first time, 200 with the same voucher ever after."""
    granted = claim_online(principal().id, body.release_id, ordinal=body.ordinal)
    facts = granted.voucher.facts
    # The voucher is durable by now; this only signs it. The phone shows the time, tills judge it.
    now = datetime.now(UTC)
    ttl_s = resources().settings.token_ttl_s
    with transaction(resources().sessions) as session:
        token = issue_token(keyring(session), facts, now=now, ttl_s=ttl_s)
    view = ClaimView(
        voucher_id=facts.voucher_id,
        seat=granted.voucher.seat,
        repeated=granted.repeated,
        face_fen=facts.face_fen,
        threshold_fen=facts.threshold_fen,
        valid_from=facts.not_before,
        expires_at=facts.expires_at,
        token=token,
        token_expires_at=now + timedelta(seconds=ttl_s),
    )
    status = HTTPStatus.OK if granted.repeated else HTTPStatus.CREATED
    return jsonify(view.model_dump()), status
