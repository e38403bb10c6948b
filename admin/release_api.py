"""`/api/v1/office/releases`: what officials decide about releases; others only read."""

from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag

from admin import release_acts
from admin.queries import season_of
from admin.release_queries import campaign_of, facts_of, release_of, releases_of
from admin.release_schemas import (
    BreakageView,
    CampaignPath,
    ClaimCodeList,
    ClaimCodeView,
    CodeBody,
    CodePath,
    ConditionsBody,
    DraftBody,
    EligibilityBody,
    GroupsBody,
    MadeCodeView,
    OfficeReleaseList,
    OfficeReleaseView,
    QuantityBody,
    RecycleBody,
    ReleaseDetail,
    ReleasePath,
    RoundsBody,
    RuleBody,
    RuleList,
    RulePath,
    RuleView,
)
from admin.schemas import SeasonQuery
from admin.scope import district_id
from coupon_service.campaigns.recycle import breakage_of
from coupon_service.core.auth import OFFICE, Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem
from coupon_service.issuance.codes.code_text import shown
from coupon_service.issuance.codes.queries import codes_of
from redemption.awards.queries import rules_of_release

bp = APIBlueprint(
    "office_releases_api", __name__, url_prefix="/api/v1/office", abp_tags=[Tag(name="Office")]
)
_OFFICE: list[dict[str, list[str]]] = [{"office": []}]
_CHANGED: dict[str | int | HTTPStatus, Any] = {200: ReleaseDetail, 404: Problem, 409: Problem}


@bp.get("/releases", responses={200: OfficeReleaseList, 404: Problem}, security=_OFFICE)
@require(*OFFICE)
def list_releases(query: SeasonQuery) -> Response:
    """The releases of a season, drafts included, with the number of seats taken."""
    with transaction(resources().sessions) as session:
        season = season_of(session, district_id(), query.season_id, db_now(session))
        rows = releases_of(session, season.id, drafts=True)
        found = [OfficeReleaseView.of(*row) for row in rows]
    return jsonify(OfficeReleaseList(releases=found).model_dump())


@bp.get(
    "/releases/<uuid:release_id>", responses={200: ReleaseDetail, 404: Problem}, security=_OFFICE
)
@require(*OFFICE)
def show_release(path: ReleasePath) -> Response:
    """One release in full."""
    return _shown(path)


@bp.post("/releases/<uuid:release_id>/publish", responses=_CHANGED, security=_OFFICE)
@require(Kind.OFFICIAL)
def publish_release(path: ReleasePath) -> Response:
    """Reserve a draft's money and open it for its window."""
    with transaction(resources().sessions) as session:
        release_acts.publish(session, principal(), path.release_id, now=db_now(session))
    return _shown(path)


@bp.post(
    "/releases/<uuid:release_id>/pause",
    responses={204: None, 404: Problem, 409: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def pause_release(path: ReleasePath) -> Response:
    """Stop claims from a release at once."""
    with transaction(resources().sessions) as session:
        release_acts.pause(session, principal(), path.release_id)
    return Response(status=HTTPStatus.NO_CONTENT)


@bp.post(
    "/releases/<uuid:release_id>/resume",
    responses={204: None, 404: Problem, 409: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def resume_release(path: ReleasePath) -> Response:
    """Let claims from a release go on."""
    with transaction(resources().sessions) as session:
        release_acts.resume(session, principal(), path.release_id)
    return Response(status=HTTPStatus.NO_CONTENT)


@bp.post("/releases/<uuid:release_id>/close", responses=_CHANGED, security=_OFFICE)
@require(Kind.OFFICIAL)
def close_release(path: ReleasePath) -> Response:
    """End a release for good; what is left flows on, or back to its budget node."""
    with transaction(resources().sessions) as session:
        release_acts.close(session, principal(), path.release_id, now=db_now(session))
    return _shown(path)


@bp.put("/releases/<uuid:release_id>/quantity", responses=_CHANGED, security=_OFFICE)
@require(Kind.OFFICIAL)
def resize_release(path: ReleasePath, body: QuantityBody) -> Response:
    """Change the quantity, if it is still `expected`; its money follows."""
    with transaction(resources().sessions) as session:
        release_acts.resize(session, principal(), path.release_id, body)
    return _shown(path)


@bp.put("/releases/<uuid:release_id>/draft", responses=_CHANGED, security=_OFFICE)
@require(Kind.OFFICIAL)
def edit_release(path: ReleasePath, body: DraftBody) -> Response:
    """Change name, mode and window of a draft."""
    with transaction(resources().sessions) as session:
        release_acts.edit(session, principal(), path.release_id, body)
    return _shown(path)


@bp.delete(
    "/releases/<uuid:release_id>/draft",
    responses={204: None, 404: Problem, 409: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def discard_release(path: ReleasePath) -> Response:
    """Delete a draft."""
    with transaction(resources().sessions) as session:
        release_acts.discard(session, principal(), path.release_id)
    return Response(status=HTTPStatus.NO_CONTENT)


@bp.put("/releases/<uuid:release_id>/groups", responses=_CHANGED, security=_OFFICE)
@require(Kind.OFFICIAL)
def keep_groups(path: ReleasePath, body: GroupsBody) -> Response:
    """Keep seats of a draft for groups; replaces what was kept before."""
    with transaction(resources().sessions) as session:
        release_acts.keep(session, principal(), path.release_id, body)
    return _shown(path)


@bp.put(
    "/campaigns/<uuid:campaign_id>/eligibility",
    responses={204: None, 404: Problem, 409: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def set_eligibility(path: CampaignPath, body: EligibilityBody) -> Response:
    """Say who may claim, as long as nothing of the campaign was published."""
    with transaction(resources().sessions) as session:
        release_acts.limit_to(session, principal(), path.campaign_id, body)
    return Response(status=HTTPStatus.NO_CONTENT)


@bp.put(
    "/campaigns/<uuid:campaign_id>/conditions",
    responses={204: None, 404: Problem, 409: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def set_conditions(path: CampaignPath, body: ConditionsBody) -> Response:
    """Say how vouchers are used, as long as nothing of the campaign was published."""
    with transaction(resources().sessions) as session:
        release_acts.limit_use(session, principal(), path.campaign_id, body)
    return Response(status=HTTPStatus.NO_CONTENT)


@bp.post(
    "/campaigns/<uuid:campaign_id>/rounds",
    responses={201: OfficeReleaseList, 404: Problem, 409: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def create_rounds(path: CampaignPath, body: RoundsBody) -> tuple[Response, HTTPStatus]:
    """Plan a series of rounds. With `first_id`, planning the same again changes nothing."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        rounds = release_acts.plan(session, principal(), path.campaign_id, body, now=now)
        season_id = campaign_of(session, district_id(), path.campaign_id).season_id
        planned = {one.id for one in rounds}
        rows = releases_of(session, season_id, drafts=True)
        found = [OfficeReleaseView.of(*row) for row in rows if row[0].id in planned]
    return jsonify(OfficeReleaseList(releases=found).model_dump()), HTTPStatus.CREATED


@bp.get(
    "/campaigns/<uuid:campaign_id>/breakage",
    responses={200: BreakageView, 404: Problem},
    security=_OFFICE,
)
@require(*OFFICE)
def show_breakage(path: CampaignPath) -> Response:
    """What a campaign's coupons left unspent, and what could be released again."""
    with transaction(resources().sessions) as session:
        campaign = campaign_of(session, district_id(), path.campaign_id)
        view = BreakageView.of(breakage_of(session, campaign))
    return jsonify(view.model_dump())


@bp.post(
    "/campaigns/<uuid:campaign_id>/recycle",
    responses={201: ReleaseDetail, 404: Problem, 409: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def recycle_campaign(path: CampaignPath, body: RecycleBody) -> tuple[Response, HTTPStatus]:
    """Publish anew what came back. With `release_id`, asking twice publishes once."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        release = release_acts.release_again(session, principal(), path.campaign_id, body, now=now)
        view = ReleaseDetail.in_full(facts_of(session, district_id(), release.id))
    return jsonify(view.model_dump()), HTTPStatus.CREATED


@bp.get(
    "/releases/<uuid:release_id>/claim-codes",
    responses={200: ClaimCodeList, 404: Problem},
    security=_OFFICE,
)
@require(*OFFICE)
def list_codes(path: ReleasePath) -> Response:
    """The claim codes of a release with their uses; never the codes themselves."""
    with transaction(resources().sessions) as session:
        release_of(session, district_id(), path.release_id)
        found = [ClaimCodeView.of(code) for code in codes_of(session, path.release_id)]
    return jsonify(ClaimCodeList(codes=found).model_dump())


@bp.post(
    "/releases/<uuid:release_id>/claim-codes",
    responses={201: MadeCodeView, 404: Problem, 409: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def create_code(path: ReleasePath, body: CodeBody) -> tuple[Response, HTTPStatus]:
    """Make a claim code. It is in this answer and nowhere else."""
    held = resources()
    with transaction(held.sessions) as session:
        made = release_acts.create_code(session, held.vault, principal(), path.release_id, body)
    view = MadeCodeView(code_id=made.id, code=shown(made.code), address=code_address(made.code))
    return jsonify(view.model_dump()), HTTPStatus.CREATED


@bp.post(
    "/claim-codes/<uuid:code_id>/stop",
    responses={204: None, 404: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def stop_code(path: CodePath) -> Response:
    """Let a claim code work no longer; what it brought stays."""
    with transaction(resources().sessions) as session:
        release_acts.end_code(session, principal(), path.code_id, now=db_now(session))
    return Response(status=HTTPStatus.NO_CONTENT)


@bp.get(
    "/releases/<uuid:release_id>/award-rules",
    responses={200: RuleList, 404: Problem},
    security=_OFFICE,
)
@require(*OFFICE)
def list_rules(path: ReleasePath) -> Response:
    """What earns coupons of a release, and how many it gave."""
    with transaction(resources().sessions) as session:
        release_of(session, district_id(), path.release_id)
        found = [RuleView.of(one) for one in rules_of_release(session, path.release_id)]
    return jsonify(RuleList(rules=found).model_dump())


@bp.post(
    "/releases/<uuid:release_id>/award-rules",
    responses={201: RuleList, 404: Problem, 409: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def create_rule(path: ReleasePath, body: RuleBody) -> tuple[Response, HTTPStatus]:
    """Let redemptions earn coupons of a release; the answer has all its rules."""
    with transaction(resources().sessions) as session:
        release_acts.create_rule(session, principal(), path.release_id, body)
        found = [RuleView.of(one) for one in rules_of_release(session, path.release_id)]
    return jsonify(RuleList(rules=found).model_dump()), HTTPStatus.CREATED


@bp.post("/award-rules/<uuid:rule_id>/end", responses={204: None, 404: Problem}, security=_OFFICE)
@require(Kind.OFFICIAL)
def end_rule(path: RulePath) -> Response:
    """Let a rule earn nobody anything any more; what it earned stays."""
    with transaction(resources().sessions) as session:
        release_acts.end_award_rule(session, principal(), path.rule_id)
    return Response(status=HTTPStatus.NO_CONTENT)


def code_address(code: str) -> str:
    """Where a phone opens the code."""
    base = resources().settings.public_url or request.host_url
    return f"{base.rstrip('/')}/c/{shown(code)}"


def _shown(path: ReleasePath) -> Response:
    with transaction(resources().sessions) as session:
        view = ReleaseDetail.in_full(facts_of(session, district_id(), path.release_id))
    return jsonify(view.model_dump())
