"""Releases: how far each has got, and stopping one."""

from datetime import datetime
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
from coupon_service.campaigns.models import Release, ReleaseState
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
    groups: dict[str, list[tuple[Release, int]]] = {
        title: [] for title in ("已暂停", "投放中", "未开始", "已结束")
    }
    for release, taken in rows:
        groups[_group(release, now)].append((release, taken))
    return render_template(
        "admin/releases.html", tab="releases", season=season, rows=rows, groups=groups.items()
    )


def _group(release: Release, now: datetime) -> str:
    if release.state == ReleaseState.CLOSED or release.closes_at <= now:
        return "已结束"
    if release.state == ReleaseState.PAUSED:
        return "已暂停"
    return "未开始" if release.opens_at > now else "投放中"


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
