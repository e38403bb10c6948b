"""The counter: an official claims for a resident who is there in person."""

from collections.abc import Mapping
from http import HTTPStatus
from uuid import UUID

from flask import Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from admin.counter.begin_visit import begin_visit
from admin.counter.claim_at_counter import claim_at_counter
from admin.counter.errors import ConsentNeededError
from admin.counter.offers import day_at_counters, offers_at_counter, visit_or_refuse
from admin.counter.throttle import tries
from admin.list_schemas import CounterClaimBody, VisitBody
from admin.pages.blueprint import bp
from admin.scope import district_id
from coupon_service.core.auth import OFFICE, Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import InvalidRequestError, NotFoundError, ProblemError
from coupon_service.core.resources import resources
from coupon_service.issuance.gate import gate
from coupon_service.residents.errors import InvalidIdNumberError, InvalidNameError
from coupon_service.residents.queries import masked

# Which field of the form a refusal is about.
_FIELD_OF: Mapping[type[ProblemError], str] = {
    InvalidNameError: "name",
    InvalidIdNumberError: "id_number",
    ConsentNeededError: "consents",
}


@bp.get("/counter")
@require(*OFFICE)
def show_counter() -> Response:
    """The form, and what was done at the district's counters today."""
    return _counter_page()


@bp.post("/counter")
@require(Kind.OFFICIAL)
@tries
def begin() -> ResponseReturnValue:
    """Find or register the resident."""
    held = resources()
    try:
        body = _visit_body()
        with transaction(held.sessions) as session:
            visit_id = begin_visit(
                session,
                held.vault,
                principal(),
                name=body.name,
                id_number=body.id_number,
                phone=body.phone,
                consents=body.consents,
                visits_per_day=held.settings.counter_visits_per_day,
                now=db_now(session),
            )
    except ProblemError as refusal:
        return _counter_page(refusal=refusal)
    return redirect(f"/admin/counter/{visit_id}", HTTPStatus.SEE_OTHER)


@bp.get("/counter/<uuid:visit_id>")
@require(Kind.OFFICIAL)
def show_visit(visit_id: UUID) -> Response:
    """What the visitor may be given now."""
    return _visit_page(visit_id)


@bp.post("/counter/<uuid:visit_id>")
@require(Kind.OFFICIAL)
def claim_for_visitor(visit_id: UUID) -> ResponseReturnValue:
    """Claim for the visitor."""
    held = resources()
    try:
        body = CounterClaimBody(
            release_id=UUID(request.form.get("release_id", "")),
            ordinal=int(request.form.get("ordinal", "1")),
        )
    except ValueError:  # pydantic's errors are some
        raise InvalidRequestError from None
    try:
        with transaction(held.sessions) as session:
            granted = claim_at_counter(
                session,
                gate(),
                principal(),
                visit_id,
                body.release_id,
                ordinal=body.ordinal,
                claims_per_day=held.settings.counter_claims_per_day,
                now=db_now(session),
            )
    except NotFoundError:
        raise
    except ProblemError as refusal:
        return _visit_page(visit_id, refusal=refusal)
    claimed = granted.voucher.voucher_id
    return redirect(
        f"/admin/counter/{visit_id}?claimed={claimed}#r{body.release_id}", HTTPStatus.SEE_OTHER
    )


def _visit_body() -> VisitBody:
    """The form, with what the eye overlooks taken off.

    Raises:
        ConsentNeededError, InvalidNameError, InvalidIdNumberError, InvalidRequestError
    """
    fields = {name: "".join(request.form.get(name, "").split()) for name in ("id_number", "phone")}
    if request.form.get("consents") != "yes":
        raise ConsentNeededError
    try:
        return VisitBody.model_validate(
            {
                "name": request.form.get("name", "").strip(),
                "id_number": fields["id_number"],
                "phone": fields["phone"] or None,
                "consents": True,
            }
        )
    except ValidationError as error:
        match error.errors(include_input=False)[0]["loc"][0]:
            case "name":
                raise InvalidNameError from None
            case "id_number":
                raise InvalidIdNumberError from None
            case _:
                raise InvalidRequestError from None


def _counter_page(*, refusal: ProblemError | None = None) -> Response:
    held = resources()
    with transaction(held.sessions) as session:
        days = day_at_counters(session, district_id(), db_now(session))
    mine = next((day for official, day in days if official.id == principal().id), None)
    page = render_template(
        "admin/counter.html",
        tab="counter",
        days=days,
        mine=mine,
        visits_per_day=held.settings.counter_visits_per_day,
        claims_per_day=held.settings.counter_claims_per_day,
        refusal=refusal,
        wrong=_FIELD_OF.get(type(refusal)) if refusal else None,
        # What was typed comes back to the one who typed it, and is kept nowhere.
        typed=request.form,
    )
    return make_response(page, refusal.status if refusal else HTTPStatus.OK)


def _visit_page(visit_id: UUID, *, refusal: ProblemError | None = None) -> Response:
    held = resources()
    with transaction(held.sessions) as session:
        now = db_now(session)
        visit = visit_or_refuse(session, visit_id, district_id=district_id(), now=now)
        offers = offers_at_counter(session, gate(), visit, now)
        visitor = masked(session, held.vault, visit.resident_id)
    page = render_template(
        "admin/counter_visit.html",
        tab="counter",
        visit=visit,
        visitor=visitor,
        offers=offers,
        claimed=request.args.get("claimed"),
        refusal=refusal,
    )
    return make_response(page, refusal.status if refusal else HTTPStatus.OK)
