"""Releases: how far each has got, and stopping one."""

from http import HTTPStatus
from uuid import UUID

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from admin import acts
from admin.pages.blueprint import bp
from admin.pages.overview import asked_season
from admin.queries import season_of
from admin.release_queries import releases_of
from admin.scope import district_id
from coupon_service.core.auth import OFFICE, Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import InvalidRequestError
from coupon_service.core.resources import resources

_ACTS = {"pause": acts.pause_release, "resume": acts.resume_release}


@bp.get("/releases")
@require(*OFFICE)
def list_releases() -> str:
    """Releases of the season, closed ones last."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        season = season_of(session, district_id(), asked_season(), now)
        rows = releases_of(session, season.id)
    return render_template("admin/releases.html", tab="releases", season=season, rows=rows, now=now)


@bp.post("/releases/<uuid:release_id>")
@require(Kind.OFFICIAL)
def change_release(release_id: UUID) -> ResponseReturnValue:
    """Pause or resume."""
    act = _ACTS.get(request.form.get("act", ""))
    if act is None:
        raise InvalidRequestError
    with transaction(resources().sessions) as session:
        act(session, principal(), release_id)
    return redirect(f"/admin/releases#r{release_id}", HTTPStatus.SEE_OTHER)
