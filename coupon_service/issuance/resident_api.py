"""What a resident does that touches vouchers: claiming for the family, and leaving."""

from http import HTTPStatus
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from coupon_service.core.auth import Kind, end_session, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Body, Problem, View
from coupon_service.issuance.device import remember_device
from coupon_service.issuance.for_family import claim_for_family
from coupon_service.issuance.leave import leave
from coupon_service.issuance.waiting_room.ticket import TICKET_CHARS_MAX
from coupon_service.residents.desk import prove_own_phone, send_own_code
from coupon_service.residents.errors import NotYourFamilyError
from coupon_service.residents.household import may_act_for
from coupon_service.residents.schemas import CodeSentView, OwnCodeBody
from coupon_service.vouchers.queries import wallet
from coupon_service.vouchers.schemas import VoucherList, VoucherView

bp = APIBlueprint(
    "family_api", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Household"), Tag(name="Me")]
)
bp.after_request(remember_device)
_RESIDENT: list[dict[str, list[str]]] = [{"resident": []}]


class PrincipalPath(BaseModel):
    principal_id: UUID


class FamilyClaimPath(PrincipalPath):
    release_id: UUID


class FamilyClaimBody(Body):
    ordinal: int = Field(
        default=1, strict=True, ge=1, le=100, description="Their 1st, 2nd … coupon"
    )
    ticket: str | None = Field(
        default=None,
        strict=True,
        max_length=TICKET_CHARS_MAX,
        description="One's own from the waiting room, where the release has one",
    )


class FamilyClaimView(View):
    """A voucher claimed for a member of the family; `GET /vouchers/{id}` shows it."""

    voucher_id: UUID
    seat: int
    repeated: bool


@bp.post(
    "/household/<uuid:principal_id>/releases/<uuid:release_id>/claims",
    responses={201: FamilyClaimView, 200: FamilyClaimView, 404: Problem, 409: Problem},
    security=_RESIDENT,
)
@require(Kind.RESIDENT, real_name=True)
def create_family_claim(
    path: FamilyClaimPath, body: FamilyClaimBody
) -> tuple[Response, HTTPStatus]:
    """Claim for somebody one may act for: it counts against them. A repeat is 200."""
    granted = claim_for_family(
        principal().id,
        path.release_id,
        for_resident_id=path.principal_id,
        ordinal=body.ordinal,
        ticket=body.ticket,
    )
    view = FamilyClaimView(
        voucher_id=granted.voucher.voucher_id,
        seat=granted.voucher.seat,
        repeated=granted.repeated,
    )
    status = HTTPStatus.OK if granted.repeated else HTTPStatus.CREATED
    return jsonify(view.model_dump()), status


@bp.get(
    "/household/<uuid:principal_id>/vouchers",
    responses={200: VoucherList, 404: Problem},
    security=_RESIDENT,
)
@require(Kind.RESIDENT)
def list_family_vouchers(path: PrincipalPath) -> Response:
    """The vouchers of somebody one may act for, newest first."""
    with transaction(resources().sessions) as session:
        if may_act_for(session, principal().id, path.principal_id) is None:
            raise NotYourFamilyError
        views = [VoucherView.of(voucher) for voucher in wallet(session, path.principal_id)]
    return jsonify(VoucherList(vouchers=views).model_dump())


@bp.post(
    "/me/erasure/codes",
    responses={202: CodeSentView, 409: Problem, 429: Problem},
    security=_RESIDENT,
)
@require(Kind.RESIDENT)
def create_erasure_code() -> tuple[Response, HTTPStatus]:
    """Send the resident's own phone the code that an erasure asks for."""
    code = send_own_code()
    view = CodeSentView(expires_in_s=resources().settings.sign_in_code_ttl_s, code=code)
    return jsonify(view.model_dump()), HTTPStatus.ACCEPTED


@bp.post("/me/erasure", responses={204: None, 403: Problem, 429: Problem}, security=_RESIDENT)
@require(Kind.RESIDENT)
def create_erasure(body: OwnCodeBody) -> Response:
    """Void the unused vouchers and erase the resident's personal data for good."""
    response = Response(status=HTTPStatus.NO_CONTENT)
    say_goodbye(body.code, response)
    return response


def say_goodbye(code: str, response: Response) -> None:
    """Erase the signed-in resident once their phone has agreed; the cookie goes too.

    Raises:
        PhoneNeededError, WrongCodeError
    """
    prove_own_phone(code)
    who = principal()
    with transaction(resources().sessions) as session:
        leave(session, who.id, now=db_now(session))
        end_session(session, who, response)
