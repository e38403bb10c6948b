"""Cases: the list, the file, the decision."""

from http import HTTPStatus
from uuid import UUID

from flask import make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from admin import acts
from admin.audit import latest
from admin.case_schemas import DecisionBody
from admin.pages.blueprint import bp
from admin.scope import district_id
from coupon_service.core.auth import OFFICE, Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ConflictError, InvalidRequestError
from coupon_service.core.resources import resources
from fraud.models import CaseState
from fraud.queries import case_of, cases, suspects
from fraud.rules import CASE_WEIGHT

_ACTS = {
    "release": acts.release_case,
    "confirm": acts.confirm_case,
    "prolong": acts.prolong_case,
}


@bp.get("/cases")
@require(*OFFICE)
def list_cases() -> str:
    """Open cases by what is due first, then the decided ones."""
    with transaction(resources().sessions) as session:
        found = cases(session, district_id())
        now = db_now(session)
    is_open = [case for case in found if case.state is CaseState.OPEN]
    return render_template(
        "admin/cases.html",
        tab="cases",
        open_cases=is_open,
        decided=[case for case in found if case.state is not CaseState.OPEN],
        held_fen=sum(case.held_fen for case in is_open),
        now=now,
    )


@bp.get("/cases/<uuid:case_id>")
@require(*OFFICE)
def show_case(case_id: UUID) -> str:
    """The file of a case."""
    return _case_page(case_id)


@bp.post("/cases/<uuid:case_id>")
@require(Kind.OFFICIAL)
def decide_case(case_id: UUID) -> ResponseReturnValue:
    """Release, confirm or prolong, with a reason."""
    act = _ACTS.get(request.form.get("act", ""))
    reason = " ".join(request.form.get("reason", "").split())
    try:
        body = DecisionBody.model_validate({"reason": reason})
    except ValidationError:
        fault = "请写明理由，4 到 500 个字。"
        return make_response(_case_page(case_id, fault=fault), HTTPStatus.BAD_REQUEST)
    if act is None:
        raise InvalidRequestError
    try:
        with transaction(resources().sessions) as session:
            act(session, principal(), case_id, reason=body.reason, now=db_now(session))
    except ConflictError as refusal:
        return make_response(_case_page(case_id, fault=refusal.sentence), refusal.status)
    return redirect(f"/admin/cases/{case_id}", HTTPStatus.SEE_OTHER)


def _case_page(case_id: UUID, *, fault: str | None = None) -> str:
    with transaction(resources().sessions) as session:
        case = case_of(session, district_id(), case_id)
        rows = suspects(session, case_id)
        entries = latest(session, district_id(), object_id=case_id)
    strongest: dict[str, dict[str, int]] = {}
    for row in rows:  # the last finding of a rule saw the whole pattern
        strongest.update({rule: dict(evidence) for rule, evidence in row.findings.items()})
    return render_template(
        "admin/case.html",
        tab="cases",
        case=case,
        rows=rows,
        findings=strongest,
        entries=entries,
        fault=fault,
        given=request.form,
        case_weight=CASE_WEIGHT,
    )
