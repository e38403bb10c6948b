"""`/api/v1/office/counter`: claiming for residents who are there in person."""

from http import HTTPStatus

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from admin.counter.begin_visit import begin_visit
from admin.counter.claim_at_counter import claim_at_counter
from admin.counter.offers import offers_at_counter, visit_or_refuse
from admin.counter.throttle import tries
from admin.list_schemas import (
    CounterClaimBody,
    CounterClaimView,
    CounterOfferView,
    VisitBody,
    VisitPath,
    VisitView,
)
from admin.scope import district_id
from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem
from coupon_service.issuance.gate import gate
from coupon_service.residents.queries import masked

bp = APIBlueprint(
    "office_counter_api", __name__, url_prefix="/api/v1/office", abp_tags=[Tag(name="Counter")]
)
_OFFICE: list[dict[str, list[str]]] = [{"office": []}]


@bp.post(
    "/counter/visits",
    responses={201: VisitView, 400: Problem, 409: Problem, 429: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
@tries
def create_visit(body: VisitBody) -> tuple[Response, HTTPStatus]:
    """Find the resident of a document, or register them; and what they may be given now."""
    held = resources()
    with transaction(held.sessions) as session:
        now = db_now(session)
        visit_id = begin_visit(
            session,
            held.vault,
            principal(),
            name=body.name,
            id_number=body.id_number,
            phone=body.phone,
            consents=body.consents,
            visits_per_day=held.settings.counter_visits_per_day,
            now=now,
        )
    return show_visit(VisitPath(visit_id=visit_id)), HTTPStatus.CREATED


@bp.get(
    "/counter/visits/<uuid:visit_id>", responses={200: VisitView, 404: Problem}, security=_OFFICE
)
@require(Kind.OFFICIAL)
def show_visit(path: VisitPath) -> Response:
    """A visit that has not ended, and what the visitor may be given now."""
    held = resources()
    with transaction(held.sessions) as session:
        now = db_now(session)
        visit = visit_or_refuse(session, path.visit_id, district_id=district_id(), now=now)
        offers = offers_at_counter(session, gate(), visit, now)
        view = VisitView(
            visit_id=visit.id,
            name=masked(session, held.vault, visit.resident_id).name,
            ends_at=visit.ends_at,
            offers=[CounterOfferView.of(offer) for offer in offers],
        )
    return jsonify(view.model_dump())


@bp.post(
    "/counter/visits/<uuid:visit_id>/claims",
    responses={201: CounterClaimView, 200: CounterClaimView, 409: Problem, 429: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def create_counter_claim(path: VisitPath, body: CounterClaimBody) -> tuple[Response, HTTPStatus]:
    """Claim for the visitor: 201 the first time, 200 with the same voucher ever after."""
    held = resources()
    with transaction(held.sessions) as session:
        granted = claim_at_counter(
            session,
            gate(),
            principal(),
            path.visit_id,
            body.release_id,
            ordinal=body.ordinal,
            claims_per_day=held.settings.counter_claims_per_day,
            now=db_now(session),
        )
    facts = granted.voucher.facts
    view = CounterClaimView(
        voucher_id=facts.voucher_id, repeated=granted.repeated, expires_at=facts.expires_at
    )
    return jsonify(view.model_dump()), (HTTPStatus.OK if granted.repeated else HTTPStatus.CREATED)
