"""Releases: the list, one release's page, and what an official does there."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from flask import make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin import release_acts as acts
from admin import release_words
from admin.audit import latest
from admin.pages.blueprint import bp
from admin.pages.overview import asked_season
from admin.queries import season_of
from admin.release_forms import (
    GROUP_ROWS,
    draft_form,
    eligibility_form,
    groups_form,
    quantity_form,
)
from admin.release_queries import campaigns_of, facts_of, releases_of
from admin.scope import district_id
from coupon_service.campaigns.draft import terms_are_fixed
from coupon_service.campaigns.eligibility import Eligibility
from coupon_service.campaigns.errors import QuantityChangedError
from coupon_service.campaigns.models import Mode, Release, ReleaseState
from coupon_service.campaigns.recycle import breakage_of
from coupon_service.core.auth import OFFICE, Kind, principal, require
from coupon_service.core.clock import LOCAL_ZONE, db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ConflictError, InvalidRequestError, ProblemError
from coupon_service.core.ids import new_id
from coupon_service.core.resources import resources
from coupon_service.issuance.codes.queries import codes_of
from coupon_service.issuance.lists.queries import ready_lists
from redemption.awards.queries import rules_of_release

_GROUPS = ("paused", "open", "upcoming", "draft", "closed")
RESIZED = "release.resize"


@bp.get("/releases")
@require(*OFFICE)
def list_releases() -> str:
    """Releases of the season: what needs a look first, what has ended last."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        season = season_of(session, district_id(), asked_season(), now)
        rows = releases_of(session, season.id, drafts=True)
    groups: dict[str, list[tuple[Release, int]]] = {state: [] for state in _GROUPS}
    for release, taken in rows:
        groups[state_now(release, now)].append((release, taken))
    return render_template(
        "admin/releases.html",
        tab="releases",
        season=season,
        rows=rows,
        groups=groups.items(),
        release_words=release_words,
    )


@bp.get("/releases/<uuid:release_id>")
@require(*OFFICE)
def show_release(release_id: UUID) -> str:
    """One release: its numbers, and everything that can be decided about it."""
    return release_page(release_id)


@bp.post("/releases/<uuid:release_id>")
@require(Kind.OFFICIAL)
def change_release(release_id: UUID) -> ResponseReturnValue:
    """Publish, pause, resume, close, or discard a draft."""
    who = principal()
    named: dict[str, Callable[[Session, datetime], object]] = {
        "publish": lambda session, now: acts.publish(session, who, release_id, now=now),
        "pause": lambda session, _now: acts.pause(session, who, release_id),
        "resume": lambda session, _now: acts.resume(session, who, release_id),
        "close": lambda session, now: acts.close(session, who, release_id, now=now),
        "discard": lambda session, _now: acts.discard(session, who, release_id),
    }
    act = named.get(request.form.get("act", ""))
    if act is None:
        raise InvalidRequestError
    gone = request.form["act"] == "discard"
    return decided(release_id, act, then="/admin/releases" if gone else None)


@bp.post("/releases/<uuid:release_id>/quantity")
@require(Kind.OFFICIAL)
def resize_release(release_id: UUID) -> ResponseReturnValue:
    """Change the quantity, if nobody else has meanwhile."""
    who = principal()
    return decided(
        release_id, lambda session, _now: acts.resize(session, who, release_id, quantity_form())
    )


@bp.post("/releases/<uuid:release_id>/draft")
@require(Kind.OFFICIAL)
def edit_release(release_id: UUID) -> ResponseReturnValue:
    """Change name, mode and window of a draft."""
    who = principal()
    return decided(
        release_id, lambda session, _now: acts.edit(session, who, release_id, draft_form())
    )


@bp.post("/releases/<uuid:release_id>/groups")
@require(Kind.OFFICIAL)
def keep_groups(release_id: UUID) -> ResponseReturnValue:
    """Keep seats of a draft for groups."""
    who = principal()
    return decided(
        release_id, lambda session, _now: acts.keep(session, who, release_id, groups_form())
    )


@bp.post("/releases/<uuid:release_id>/eligibility")
@require(Kind.OFFICIAL)
def set_eligibility(release_id: UUID) -> ResponseReturnValue:
    """Say who may claim from the release's campaign."""
    who = principal()

    def act(session: Session, _now: datetime) -> None:
        campaign = facts_of(session, district_id(), release_id).release.campaign
        acts.limit_to(session, who, campaign.id, eligibility_form())

    return decided(release_id, act)


def decided(
    release_id: UUID, act: Callable[[Session, datetime], object], *, then: str | None = None
) -> ResponseReturnValue:
    """Do it and go on; or show the release's page with the sentence why not."""
    try:
        with transaction(resources().sessions) as session:
            act(session, db_now(session))
    except (ConflictError, InvalidRequestError) as refusal:
        return make_response(release_page(release_id, refusal=refusal), refusal.status)
    return redirect(then or f"/admin/releases/{release_id}", HTTPStatus.SEE_OTHER)


def release_page(release_id: UUID, *, refusal: ProblemError | None = None) -> str:
    """The page of one release, perhaps with why the last act was refused."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        facts = facts_of(session, district_id(), release_id)
        release = facts.release
        campaign = release.campaign
        entries = latest(session, district_id(), object_id=release_id)
        codes = codes_of(session, release_id) if release.mode == Mode.CODE else ()
        rules = rules_of_release(session, release_id) if release.mode == Mode.AWARD else ()
        closed = release.state == ReleaseState.CLOSED
        breakage = breakage_of(session, campaign) if closed else None
        onward = session.get(Release, release.flows_into_id) if release.flows_into_id else None
        terms_open = not terms_are_fixed(session, campaign.id)
        lists = ready_lists(session, campaign.season_id) if terms_open else ()
        campaigns = campaigns_of(session, campaign.season_id) if release.mode == Mode.AWARD else ()
    others = [entry for entry in entries if entry[0].action == RESIZED]
    return render_template(
        "admin/release.html",
        tab="releases",
        facts=facts,
        release=release,
        campaign=campaign,
        state=state_now(release, now),
        eligibility=Eligibility.of(campaign.eligibility),
        quota_conditions=[Eligibility.of(quota.eligibility) for quota in facts.quotas],
        group_rows=GROUP_ROWS,
        codes=codes,
        rules=rules,
        lists=lists,
        terms_open=terms_open,
        campaigns=campaigns,
        breakage=breakage,
        onward=onward,
        entries=entries,
        refusal=refusal,
        changed_by=others[0] if others and isinstance(refusal, QuantityChangedError) else None,
        release_words=release_words,
        new_id=new_id(),
        local_field=local_field,
        now=now,
    )


def state_now(release: Release, now: datetime) -> str:
    """A word of `release_words.STATES`."""
    if release.state in (ReleaseState.DRAFT, ReleaseState.PAUSED):
        return str(release.state)
    if release.state == ReleaseState.CLOSED or release.closes_at <= now:
        return "closed"
    return "upcoming" if release.opens_at > now else "open"


def local_field(moment: datetime | None) -> str:
    """A moment as a `datetime-local` field wants it, in Beijing's time."""
    return moment.astimezone(LOCAL_ZONE).strftime("%Y-%m-%dT%H:%M") if moment else ""
