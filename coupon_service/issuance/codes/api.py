"""`POST /api/v1/claim-codes/claims`."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field, StringConstraints

from coupon_service.core.auth import Kind, require
from coupon_service.core.schemas import Body, Problem, View
from coupon_service.issuance.codes import throttle
from coupon_service.issuance.codes.desk import claim_here
from coupon_service.issuance.device import remember_device

bp = APIBlueprint("claim_codes_api", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Claims")])
bp.after_request(remember_device)


class CodeClaimBody(Body):
    code: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=80)] = Field(
        description="As typed: capitals, blanks and dashes do not matter",
        examples=["7kq4 m2xh"],
    )


class CodeClaimView(View):
    """The voucher a code brought. Amounts in fen."""

    voucher_id: UUID
    repeated: bool
    face_fen: int
    threshold_fen: int
    valid_from: datetime
    expires_at: datetime


@bp.post(
    "/claim-codes/claims",
    responses={201: CodeClaimView, 200: CodeClaimView, 400: Problem, 409: Problem, 429: Problem},
    security=[{"resident": []}],
)
@require(Kind.RESIDENT, real_name=True)
@throttle.networks
@throttle.residents
def create_code_claim(body: CodeClaimBody) -> tuple[Response, HTTPStatus]:
    """Claim with a code: 201 the first time, 200 with the same voucher ever after."""
    granted = claim_here(body.code)
    facts = granted.voucher.facts
    view = CodeClaimView(
        voucher_id=facts.voucher_id,
        repeated=granted.repeated,
        face_fen=facts.face_fen,
        threshold_fen=facts.threshold_fen,
        valid_from=facts.not_before,
        expires_at=facts.expires_at,
    )
    status = HTTPStatus.OK if granted.repeated else HTTPStatus.CREATED
    return jsonify(view.model_dump()), status
