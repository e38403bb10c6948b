"""`/api/v1/office/lists` and `/grants`: who is on a list, and giving a release to all of them."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, request, stream_with_context
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel
from sqlalchemy.orm import Session

from admin import list_acts
from admin.list_reports import faults_csv, outcomes_csv
from admin.list_schemas import (
    GrantBody,
    GrantPath,
    GrantView,
    ListCsv,
    ListPath,
    ListsView,
    ListView,
    UploadQuery,
)
from admin.queries import season_of
from admin.schemas import SeasonQuery
from admin.scope import district_id
from coupon_service.core.auth import OFFICE, Kind, principal, require
from coupon_service.core.body_limit import body_limit
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import UnsupportedMediaTypeError
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem
from coupon_service.issuance.lists.csv_file import BYTES_MAX
from coupon_service.issuance.lists.queries import (
    grant_or_refuse,
    list_or_refuse,
    lists_of,
    refusals_of,
)

bp = APIBlueprint(
    "office_lists_api", __name__, url_prefix="/api/v1/office", abp_tags=[Tag(name="Lists")]
)
_OFFICE: list[dict[str, list[str]]] = [{"office": []}]
_CSV: dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}}
}


@bp.get("/lists", responses={200: ListsView, 404: Problem}, security=_OFFICE)
@require(*OFFICE)
def show_lists(query: SeasonQuery) -> Response:
    """The season's lists of residents, the newest first."""
    with transaction(resources().sessions) as session:
        season = season_of(session, district_id(), query.season_id, db_now(session))
        found = [ListView.of(one) for one in lists_of(session, season.id)]
    return jsonify(ListsView(lists=found).model_dump())


@bp.post(
    "/lists",
    responses={202: ListView, 400: Problem, 404: Problem, 413: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
@body_limit(BYTES_MAX)
def create_list(query: UploadQuery, raw: ListCsv) -> tuple[Response, HTTPStatus]:  # noqa: ARG001  # describes the body
    """Upload a list as CSV, UTF-8 or GB18030; it is imported in the background.

    The first line names the columns: `id_number` or `身份证号`, `phone` or `手机号`; others are
    ignored. One person a line, 500,000 lines at most. Only keyed hashes are kept.
    """
    if request.mimetype != "text/csv":
        raise UnsupportedMediaTypeError
    content = request.get_data(cache=False)
    held = resources()
    with transaction(held.sessions) as session:
        season = season_of(session, district_id(), query.season_id, db_now(session))
        list_id = list_acts.upload(
            session, held.vault, principal(), content, season_id=season.id, name=query.name
        )
        view = ListView.of(list_or_refuse(session, list_id, district_id=district_id()))
    return jsonify(view.model_dump()), HTTPStatus.ACCEPTED


@bp.get("/lists/<uuid:list_id>", responses={200: ListView, 404: Problem}, security=_OFFICE)
@require(*OFFICE)
def show_list(path: ListPath) -> Response:
    """One list and how far its import is."""
    with transaction(resources().sessions) as session:
        view = ListView.of(list_or_refuse(session, path.list_id, district_id=district_id()))
    return jsonify(view.model_dump())


@bp.get("/lists/<uuid:list_id>/faults.csv", responses=_CSV, security=_OFFICE)
@require(*OFFICE)
def download_faults(path: ListPath) -> Response:
    """The lines that name nobody, and what is wrong with each."""

    def rows(session: Session) -> Iterator[str]:
        return faults_csv(session, list_or_refuse(session, path.list_id, district_id=district_id()))

    return streamed_csv(rows, f"faults-{path.list_id}.csv")


@bp.post(
    "/lists/<uuid:list_id>/discard",
    responses={204: None, 404: Problem, 409: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def discard_list(path: ListPath) -> Response:
    """Delete what a list says of people, unless something relies on it."""
    with transaction(resources().sessions) as session:
        list_acts.discard(session, principal(), path.list_id, now=db_now(session))
    return Response(status=HTTPStatus.NO_CONTENT)


@bp.post(
    "/lists/<uuid:list_id>/grants",
    responses={202: GrantView, 404: Problem, 409: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def create_grant(path: ListPath, body: GrantBody) -> tuple[Response, HTTPStatus]:
    """Give a release of mode `grant` to everybody on a list, in the background."""
    with transaction(resources().sessions) as session:
        list_acts.grant(session, principal(), body.release_id, path.list_id)
        granting = grant_or_refuse(session, body.release_id, district_id=district_id())
        view = GrantView.of(granting, {})
    return jsonify(view.model_dump()), HTTPStatus.ACCEPTED


@bp.get("/grants/<uuid:release_id>", responses={200: GrantView, 404: Problem}, security=_OFFICE)
@require(*OFFICE)
def show_grant(path: GrantPath) -> Response:
    """How far a grant is."""
    with transaction(resources().sessions) as session:
        granting = grant_or_refuse(session, path.release_id, district_id=district_id())
        view = GrantView.of(granting, dict(refusals_of(session, path.release_id)))
    return jsonify(view.model_dump())


@bp.post(
    "/grants/<uuid:release_id>/retry",
    responses={202: GrantView, 404: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def retry_grant(path: GrantPath) -> tuple[Response, HTTPStatus]:
    """Let everybody who was refused try again, as after the release got more seats."""
    with transaction(resources().sessions) as session:
        list_acts.retry(session, principal(), path.release_id, now=db_now(session))
        granting = grant_or_refuse(session, path.release_id, district_id=district_id())
        view = GrantView.of(granting, {})
    return jsonify(view.model_dump()), HTTPStatus.ACCEPTED


@bp.get("/grants/<uuid:release_id>/outcomes.csv", responses=_CSV, security=_OFFICE)
@require(*OFFICE)
def download_outcomes(path: GrantPath) -> Response:
    """What became of each line of the list."""

    def rows(session: Session) -> Iterator[str]:
        return outcomes_csv(
            session, grant_or_refuse(session, path.release_id, district_id=district_id())
        )

    return streamed_csv(rows, f"grant-{path.release_id}.csv")


def streamed_csv(rows: Callable[[Session], Iterator[str]], filename: str) -> Response:
    """A download that is read from the database while it is sent; refusals come before it."""

    def pieces() -> Iterator[str]:
        with transaction(resources().sessions) as session:
            yield from rows(session)

    started = pieces()
    first = next(started, "")

    def whole() -> Iterator[str]:
        yield first
        yield from started

    return Response(
        stream_with_context(whole()),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
