"""`/api/v1/office`: what officials see and decide. Auditors and administrators read only."""

from http import HTTPStatus

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from admin import acts, throttle
from admin.audit import latest
from admin.case_schemas import (
    CaseDetail,
    CaseList,
    CasePath,
    CaseQuery,
    CaseView,
    DecisionBody,
    SuspectView,
)
from admin.queries import freeze, season_of, seasons_of
from admin.schemas import (
    EntryList,
    EntryView,
    OfficialView,
    SeasonList,
    SeasonQuery,
    SeasonView,
    SignInBody,
    TotalsView,
)
from admin.scope import district_id
from admin.sign_in import sign_in
from admin.totals import season_totals
from coupon_service.core.auth import OFFICE, Kind, end_session, principal, require, start_session
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem
from fraud.queries import case_of, cases, suspects

bp = APIBlueprint(
    "office_api", __name__, url_prefix="/api/v1/office", abp_tags=[Tag(name="Office")]
)
_OFFICE: list[dict[str, list[str]]] = [{"office": []}]


@bp.post("/sign-in", responses={200: OfficialView, 401: Problem, 429: Problem})
@require(Kind.ANYONE)
@throttle.addresses
@throttle.names
def create_session(body: SignInBody) -> Response:
    """Sign in with password and one-time code; the answer sets the office cookie."""
    held = resources()
    with transaction(held.sessions) as session:
        official = sign_in(
            session,
            held.vault,
            username=body.username,
            password=body.password,
            code=body.code,
            now=db_now(session),
        )
        assert official.district_id is not None
        view = OfficialView(
            official_id=official.id, role=official.kind, district_id=official.district_id
        )
        response = jsonify(view.model_dump())
        start_session(session, official, response)
    return response


@bp.post("/sign-out", responses={204: None}, security=_OFFICE)
@require(*OFFICE)
def delete_session() -> Response:
    """Sign out here."""
    response = Response(status=HTTPStatus.NO_CONTENT)
    with transaction(resources().sessions) as session:
        end_session(session, principal(), response)
    return response


@bp.get("/seasons", responses={200: SeasonList}, security=_OFFICE)
@require(*OFFICE)
def list_seasons() -> Response:
    """The district's seasons, the latest first."""
    with transaction(resources().sessions) as session:
        found = [SeasonView.of(season) for season in seasons_of(session, district_id())]
    return jsonify(SeasonList(seasons=found).model_dump())


@bp.get("/totals", responses={200: TotalsView, 404: Problem}, security=_OFFICE)
@require(*OFFICE)
def show_totals(query: SeasonQuery) -> Response:
    """A season in numbers: budget, issued, redeemed and spend, by budget node, day and channel."""
    with transaction(resources().sessions) as session:
        freeze(session)
        now = db_now(session)
        season = season_of(session, district_id(), query.season_id, now)
        view = TotalsView.of(season_totals(session, season, now))
    return jsonify(view.model_dump())


@bp.get("/cases", responses={200: CaseList}, security=_OFFICE)
@require(*OFFICE)
def list_cases(query: CaseQuery) -> Response:
    """Cases of the district: open ones by what is due first, then the latest decided."""
    with transaction(resources().sessions) as session:
        found = [CaseView.of(case) for case in cases(session, district_id(), state=query.state)]
    return jsonify(CaseList(cases=found).model_dump())


@bp.get("/cases/<uuid:case_id>", responses={200: CaseDetail, 404: Problem}, security=_OFFICE)
@require(*OFFICE)
def show_case(path: CasePath) -> Response:
    """One case with its redemptions and what the rules saw in each."""
    with transaction(resources().sessions) as session:
        case = case_of(session, district_id(), path.case_id)
        detail = CaseDetail(
            **CaseView.of(case).model_dump(),
            redemptions=[SuspectView.of(row) for row in suspects(session, path.case_id)],
        )
    return jsonify(detail.model_dump())


@bp.post(
    "/cases/<uuid:case_id>/release",
    responses={200: CaseView, 404: Problem, 409: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def release_case(path: CasePath, body: DecisionBody) -> Response:
    """Decide that nothing is wrong: the held money is payable again."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        acts.release_case(session, principal(), path.case_id, reason=body.reason, now=now)
        view = CaseView.of(case_of(session, district_id(), path.case_id))
    return jsonify(view.model_dump())


@bp.post(
    "/cases/<uuid:case_id>/confirm",
    responses={200: CaseView, 404: Problem, 409: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def confirm_case(path: CasePath, body: DecisionBody) -> Response:
    """Decide that it is fraud: the money stays held, and the merchant cannot redeem."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        acts.confirm_case(session, principal(), path.case_id, reason=body.reason, now=now)
        view = CaseView.of(case_of(session, district_id(), path.case_id))
    return jsonify(view.model_dump())


@bp.post(
    "/cases/<uuid:case_id>/prolong",
    responses={200: CaseView, 404: Problem, 409: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def prolong_case(path: CasePath, body: DecisionBody) -> Response:
    """Take more time, ten days from now and thirty in all; then an undecided case lapses."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        acts.prolong_case(session, principal(), path.case_id, reason=body.reason, now=now)
        view = CaseView.of(case_of(session, district_id(), path.case_id))
    return jsonify(view.model_dump())


@bp.get("/audit", responses={200: EntryList}, security=_OFFICE)
@require(*OFFICE)
def list_entries() -> Response:
    """The audit log's newest entries."""
    with transaction(resources().sessions) as session:
        found = [EntryView.of(*row) for row in latest(session, district_id())]
    return jsonify(EntryList(entries=found).model_dump())
