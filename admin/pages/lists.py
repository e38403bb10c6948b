"""Lists of residents, and grants to them: upload, progress, reports."""

from collections.abc import Iterator
from http import HTTPStatus
from io import BytesIO
from typing import IO
from uuid import UUID

from flask import Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.formparser import parse_form_data

from admin import list_acts, list_words
from admin.audit import latest
from admin.list_reports import faults_csv, outcomes_csv
from admin.lists_api import streamed_csv
from admin.pages.blueprint import bp
from admin.pages.overview import asked_season
from admin.queries import season_of
from admin.scope import district_id
from coupon_service.core.auth import OFFICE, Kind, principal, require
from coupon_service.core.body_limit import body_limit
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import InvalidRequestError, ProblemError
from coupon_service.core.resources import resources
from coupon_service.issuance.lists.csv_file import BYTES_MAX
from coupon_service.issuance.lists.models import ListState
from coupon_service.issuance.lists.queries import (
    faults_of,
    grant_or_refuse,
    grantable_releases,
    grants_of,
    list_or_refuse,
    lists_of,
    refusals_of,
)

FAULTS_SHOWN = 20
NAME_CHARS_MAX = 80
# The file, and what the form puts around it.
_FORM_BYTES_MAX = BYTES_MAX + 4096


@bp.get("/lists")
@require(*OFFICE)
def list_lists() -> Response:
    """The season's lists and grants."""
    return _lists_page()


@bp.post("/lists")
@require(Kind.OFFICIAL)
@body_limit(_FORM_BYTES_MAX)
def upload_list() -> ResponseReturnValue:
    """Take in a file; its import follows in the background."""
    _, form, files = parse_form_data(
        request.environ,
        stream_factory=_in_memory,  # a list of people must not touch the disk in the clear
        max_content_length=_FORM_BYTES_MAX,
        max_form_memory_size=_FORM_BYTES_MAX,
    )
    upload = files.get("file")
    name = form.get("name", "").strip()
    held = resources()
    try:
        if not 1 <= len(name) <= NAME_CHARS_MAX:
            raise InvalidRequestError
        with transaction(held.sessions) as session:
            season = season_of(session, district_id(), asked_season(), db_now(session))
            list_id = list_acts.upload(
                session,
                held.vault,
                principal(),
                upload.read() if upload else b"",
                season_id=season.id,
                name=name,
            )
    except ProblemError as refusal:
        if refusal.status == HTTPStatus.NOT_FOUND:
            raise
        return _lists_page(refusal=refusal, name=name)
    return redirect(f"/admin/lists/{list_id}", HTTPStatus.SEE_OTHER)


@bp.get("/lists/<uuid:list_id>")
@require(*OFFICE)
def show_list(list_id: UUID) -> Response:
    """One list: its import, its faulty lines, and what it is used for."""
    return _list_page(list_id)


@bp.post("/lists/<uuid:list_id>")
@require(Kind.OFFICIAL)
def change_list(list_id: UUID) -> ResponseReturnValue:
    """Grant a release to the list, or discard it."""
    release_id = _asked_release()
    try:
        with transaction(resources().sessions) as session:
            if release_id is None:
                list_acts.discard(session, principal(), list_id, now=db_now(session))
            else:
                list_acts.grant(session, principal(), release_id, list_id)
    except ProblemError as refusal:
        if refusal.status != HTTPStatus.CONFLICT:
            raise
        return _list_page(list_id, refusal=refusal)
    where = f"/admin/lists/{list_id}" if release_id is None else f"/admin/grants/{release_id}"
    return redirect(where, HTTPStatus.SEE_OTHER)


@bp.get("/lists/<uuid:list_id>/faults.csv")
@require(*OFFICE)
def export_faults(list_id: UUID) -> Response:
    """The faulty lines as a file."""

    def rows(session: Session) -> Iterator[str]:
        return faults_csv(session, list_or_refuse(session, list_id, district_id=district_id()))

    return streamed_csv(rows, f"faults-{list_id}.csv")


@bp.get("/grants/<uuid:release_id>")
@require(*OFFICE)
def show_grant(release_id: UUID) -> str:
    """How far a grant is, and why whom was refused."""
    with transaction(resources().sessions) as session:
        granting = grant_or_refuse(session, release_id, district_id=district_id())
        refusals = refusals_of(session, release_id)
        entries = latest(session, district_id(), object_id=release_id)
    return render_template(
        "admin/grant.html",
        tab="lists",
        granting=granting,
        refusals=[(list_words.refusal_sentence(slug), n) for slug, n in refusals.items()],
        states=list_words.GRANT_STATES,
        entries=entries,
    )


@bp.post("/grants/<uuid:release_id>")
@require(Kind.OFFICIAL)
def retry_grant(release_id: UUID) -> ResponseReturnValue:
    """Let those who were refused try again."""
    with transaction(resources().sessions) as session:
        list_acts.retry(session, principal(), release_id, now=db_now(session))
    return redirect(f"/admin/grants/{release_id}", HTTPStatus.SEE_OTHER)


@bp.get("/grants/<uuid:release_id>/outcomes.csv")
@require(*OFFICE)
def export_outcomes(release_id: UUID) -> Response:
    """What became of each line, as a file."""

    def rows(session: Session) -> Iterator[str]:
        return outcomes_csv(
            session, grant_or_refuse(session, release_id, district_id=district_id())
        )

    return streamed_csv(rows, f"grant-{release_id}.csv")


def _lists_page(*, refusal: ProblemError | None = None, name: str = "") -> Response:
    with transaction(resources().sessions) as session:
        season = season_of(session, district_id(), asked_season(), db_now(session))
        lists = lists_of(session, season.id)
        grants = grants_of(session, season.id)
    page = render_template(
        "admin/lists.html",
        tab="lists",
        season=season,
        lists=lists,
        grants=grants,
        list_states=list_words.LIST_STATES,
        grant_states=list_words.GRANT_STATES,
        refusal=refusal,
        name=name,
    )
    return make_response(page, refusal.status if refusal else HTTPStatus.OK)


def _list_page(list_id: UUID, *, refusal: ProblemError | None = None) -> Response:
    with transaction(resources().sessions) as session:
        found = list_or_refuse(session, list_id, district_id=district_id())
        faults = list(faults_of(session, list_id, limit=FAULTS_SHOWN))
        grants = grants_of(session, found.season_id, list_id=list_id)
        releases = (
            grantable_releases(session, found.season_id) if found.state == ListState.READY else []
        )
        entries = latest(session, district_id(), object_id=list_id)
    page = render_template(
        "admin/list.html",
        tab="lists",
        list=found,
        faults=[(fault.line_no, list_words.fault_sentence(fault)) for fault in faults],
        grants=grants,
        releases=releases,
        list_states=list_words.LIST_STATES,
        grant_states=list_words.GRANT_STATES,
        entries=entries,
        refusal=refusal,
    )
    return make_response(page, refusal.status if refusal else HTTPStatus.OK)


def _asked_release() -> UUID | None:
    """The release to grant; none: the list is to be discarded.

    Raises:
        InvalidRequestError: neither is asked for.
    """
    match request.form.get("act"):
        case "discard":
            return None
        case "grant":
            try:
                return UUID(request.form.get("release_id", ""))
            except ValueError:
                raise InvalidRequestError from None
        case _:
            raise InvalidRequestError


def _in_memory(*_args: object, **_kwargs: object) -> IO[bytes]:
    return BytesIO()
