"""Lotteries: announcing a draw, following it, typing the drawn numbers."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from admin import draw_acts, draw_words
from admin.audit import latest
from admin.pages.blueprint import bp
from admin.pages.overview import asked_season
from admin.queries import season_of
from admin.release_queries import release_of, releases_of
from admin.scope import district_id
from coupon_service.campaigns.models import Mode, Release
from coupon_service.core.auth import OFFICE, Kind, principal, require
from coupon_service.core.clock import LOCAL_ZONE, db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import InvalidRequestError, ProblemError
from coupon_service.core.resources import resources
from coupon_service.issuance.lottery.advance import next_step
from coupon_service.issuance.lottery.errors import (
    AnnouncementRefusedError,
    SeedEvidenceError,
    UnknownSeedSourceError,
)
from coupon_service.issuance.lottery.jobs import trouble_of
from coupon_service.issuance.lottery.models import LotteryDraw
from coupon_service.issuance.lottery.queries import entries_count, source_of
from coupon_service.issuance.lottery.schemas import announcement_sha256
from coupon_service.issuance.lottery.seeds import (
    DrandRound,
    SeedSource,
    WelfareDrawing,
    seed_file,
    welfare_drawing,
)

# While a draw is under way, its page asks again.
POLL_S = "3"
_TYPED_CHARS_MAX = 400


@dataclass(frozen=True)
class Row:
    """A lottery's release and its draw, if one is announced."""

    release: Release
    draw: LotteryDraw | None

    @property
    def state(self) -> str:
        return self.draw.state if self.draw else "unannounced"


@bp.get("/draws")
@require(*OFFICE)
def list_draws() -> str:
    """The season's lotteries."""
    with transaction(resources().sessions) as session:
        season = season_of(session, district_id(), asked_season(), db_now(session))
        releases = [
            release
            for release, _ in releases_of(session, season.id)
            if release.mode == Mode.LOTTERY
        ]
        draws = {
            draw.release_id: draw
            for draw in session.scalars(
                select(LotteryDraw).where(LotteryDraw.release_id.in_([r.id for r in releases]))
            )
        }
    return render_template(
        "admin/draws.html",
        tab="releases",
        season=season,
        rows=[Row(release, draws.get(release.id)) for release in releases],
        draw_words=draw_words,
    )


@bp.get("/draws/<uuid:release_id>")
@require(*OFFICE)
def show_draw(release_id: UUID) -> Response:
    """One lottery: what was announced, how far it is, what is to be done."""
    return _page(release_id)


@bp.post("/draws/<uuid:release_id>/announcement")
@require(Kind.OFFICIAL)
def announce_draw(release_id: UUID) -> ResponseReturnValue:
    """Fix how it will be drawn. What is announced stands."""
    try:
        with transaction(resources().sessions) as session:
            draw_acts.announce_draw(
                session,
                principal(),
                release_id,
                entries_close_at=_local(request.form.get("entries_close", "")),
                source=_asked_source(),
                now=db_now(session),
            )
    except AnnouncementRefusedError as refusal:
        fault = draw_words.FAULTS[refusal.extra["fault"]]
        return _page(release_id, fault=fault, status=refusal.status)
    except UnknownSeedSourceError as refusal:
        return _page(release_id, fault=refusal.sentence, status=refusal.status)
    return _back(release_id)


@bp.post("/draws/<uuid:draw_id>/numbers")
@require(Kind.OFFICIAL)
def type_draw_numbers(draw_id: UUID) -> ResponseReturnValue:
    """Type the drawn numbers; the second official's, if they are the same, make the seed."""
    typed = request.form.get("numbers", "")[:_TYPED_CHARS_MAX]
    try:
        with transaction(resources().sessions) as session:
            if request.form.get("act") == "discard":
                draw_acts.discard_draw_seed(session, principal(), draw_id)
            else:
                now = db_now(session)
                draw_acts.type_draw_seed(session, principal(), draw_id, typed, now=now)
    except ProblemError as refusal:
        if refusal.status is not HTTPStatus.CONFLICT and not isinstance(refusal, SeedEvidenceError):
            raise
        return _page(draw_id, fault=refusal.sentence, status=refusal.status)
    return _back(draw_id)


@bp.post("/draws/<uuid:draw_id>/retry")
@require(Kind.OFFICIAL)
def retry_draw(draw_id: UUID) -> ResponseReturnValue:
    """Try a failed step again now."""
    with transaction(resources().sessions) as session:
        draw_acts.retry_draw(session, principal(), draw_id)
    return _back(draw_id)


def _page(
    release_id: UUID, *, fault: str | None = None, status: HTTPStatus = HTTPStatus.OK
) -> Response:
    held = resources()
    with transaction(held.sessions) as session:
        release_of(session, district_id(), release_id)
        now = db_now(session)
        release = session.get_one(Release, release_id, options=[joinedload(Release.campaign)])
        draw = session.get(LotteryDraw, release_id)
        facts: dict[str, Any] = {}
        if draw is not None:
            source = source_of(draw)
            facts = {
                "source": source,
                "named": source.as_announced(),
                "typed_here": isinstance(source, WelfareDrawing),
                "entries": entries_count(session, held.hints, draw),
                "announcement_sha256": announcement_sha256(draw),
                "under_way": next_step(draw, now) is not None,
                "trouble": trouble_of(session, release_id),
            }
        entries = latest(session, district_id(), object_id=release_id)
    page = render_template(
        "admin/draw.html",
        tab="releases",
        release=release,
        draw=draw,
        history=entries,
        fault=fault,
        given=request.form,
        draw_words=draw_words,
        me=principal().id,
        may_rehearse=held.settings.is_development,
        now=now,
        **facts,
    )
    response = make_response(page, status)
    if facts.get("under_way") and request.method == "GET":
        response.headers["Refresh"] = POLL_S
    return response


def _asked_source() -> SeedSource:
    kind, number = request.form.get("source", ""), request.form.get("number", "").strip()
    at = _local(request.form.get("seed_at", ""))
    if kind == "drand":
        return DrandRound.first_after(at)
    if kind == "file":
        return seed_file(number, at, resources().settings)
    return welfare_drawing(kind, number, at)


def _local(typed: str) -> datetime:
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=LOCAL_ZONE)
    except ValueError:
        raise InvalidRequestError from None


def _back(release_id: UUID) -> ResponseReturnValue:
    return redirect(f"/admin/draws/{release_id}", HTTPStatus.SEE_OTHER)
