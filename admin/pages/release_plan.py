"""Planning a series of rounds, and releasing again what came back."""

from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from flask import make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin import release_acts as acts
from admin import release_words
from admin.pages.blueprint import bp
from admin.pages.overview import asked_season
from admin.pages.releases import decided, local_field
from admin.queries import season_of
from admin.release_forms import recycle_form, rounds_form
from admin.release_queries import campaigns_of, facts_of
from admin.scope import district_id
from coupon_service.campaigns.models import Mode
from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import LOCAL_ZONE, db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ConflictError, InvalidRequestError, ProblemError
from coupon_service.core.ids import new_id
from coupon_service.core.resources import resources

# The hour people know: "10:00 on Friday".
_USUAL_WEEKDAY, _USUAL_HOUR = 4, 10


@bp.get("/rounds")
@require(Kind.OFFICIAL)
def show_rounds() -> str:
    """The form of a series of rounds."""
    return _rounds_page()


@bp.post("/rounds")
@require(Kind.OFFICIAL)
def create_rounds() -> ResponseReturnValue:
    """Plan them as drafts, or publish them at once."""
    try:
        campaign_id = UUID(request.form.get("campaign_id", ""))
    except ValueError:
        return make_response(_rounds_page(InvalidRequestError()), HTTPStatus.BAD_REQUEST)
    try:
        body = rounds_form()
        with transaction(resources().sessions) as session:
            rounds = acts.plan(session, principal(), campaign_id, body, now=db_now(session))
    except (ConflictError, InvalidRequestError) as refusal:
        return make_response(_rounds_page(refusal), refusal.status)
    anchor = f"#r{rounds[0].id}" if rounds else ""
    return redirect(f"/admin/releases{anchor}", HTTPStatus.SEE_OTHER)


@bp.post("/releases/<uuid:release_id>/recycle")
@require(Kind.OFFICIAL)
def recycle_release(release_id: UUID) -> ResponseReturnValue:
    """Publish anew what came back to the node of this release's campaign."""
    who = principal()

    def act(session: Session, now: datetime) -> None:
        campaign = facts_of(session, district_id(), release_id).release.campaign
        acts.release_again(session, who, campaign.id, recycle_form(), now=now)

    return decided(release_id, act, then="/admin/releases")


def _rounds_page(refusal: ProblemError | None = None) -> str:
    with transaction(resources().sessions) as session:
        now = db_now(session)
        season = season_of(session, district_id(), asked_season(), now)
        campaigns = campaigns_of(session, season.id)
    given = request.form if request.method == "POST" else request.args
    return render_template(
        "admin/rounds.html",
        tab="releases",
        season=season,
        campaigns=campaigns,
        modes=[mode for mode in Mode if mode in (Mode.FIRST_COME, Mode.LOTTERY, Mode.CODE)],
        first=local_field(_next_usual(now)),
        given=given,
        first_id=given.get("first_id") or new_id(),
        refusal=refusal,
        release_words=release_words,
    )


def _next_usual(now: datetime) -> datetime:
    local = now.astimezone(LOCAL_ZONE).replace(hour=_USUAL_HOUR, minute=0, second=0, microsecond=0)
    ahead = (_USUAL_WEEKDAY - local.weekday()) % 7 or 7
    return local + timedelta(days=ahead)
