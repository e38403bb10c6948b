"""`/api/v1/lottery`: entering, the state of a draw, one's own proof, and the published file."""

from collections.abc import Iterator
from http import HTTPStatus
from importlib.resources import files
from uuid import UUID

from flask import Response, jsonify, stream_with_context
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem
from coupon_service.issuance.lottery.desk import enter_online, withdraw_online
from coupon_service.issuance.lottery.queries import (
    draw_or_refuse,
    entries_count,
    entry_of,
    proof_of,
    published_draw,
    rank_of,
    result_parts,
)
from coupon_service.issuance.lottery.schemas import DrawView, EntryBody, EntryQuery, EntryView

SCRIPT = "verify_draw.py"
_YEAR_S = 31_536_000

bp = APIBlueprint(
    "lottery_api", __name__, url_prefix="/api/v1/lottery", abp_tags=[Tag(name="Lottery")]
)


class DrawPath(BaseModel):
    """A release has one draw at most, which goes by the release's id."""

    draw_id: UUID


@bp.post(
    "/entries",
    responses={201: EntryView, 200: EntryView, 404: Problem, 409: Problem},
    security=[{"resident": []}],
)
@require(Kind.RESIDENT, real_name=True)
def create_entry(body: EntryBody) -> tuple[Response, HTTPStatus]:
    """Enter a lottery: 201 the first time, 200 with the same entry ever after."""
    is_new = enter_online(principal().id, body.release_id, for_resident_id=body.for_resident_id)
    view = _entry_view(body.release_id, body.for_resident_id or principal().id)
    return jsonify(view.model_dump()), HTTPStatus.CREATED if is_new else HTTPStatus.OK


@bp.delete(
    "/<uuid:draw_id>/entry",
    responses={204: None, 404: Problem, 409: Problem},
    security=[{"resident": []}],
)
@require(Kind.RESIDENT, real_name=True)
def delete_entry(path: DrawPath, query: EntryQuery) -> tuple[str, HTTPStatus]:
    """Withdraw an entry while entries are taken."""
    withdraw_online(principal().id, path.draw_id, for_resident_id=query.for_resident_id)
    return "", HTTPStatus.NO_CONTENT


@bp.get("/<uuid:draw_id>", responses={200: DrawView, 404: Problem})
@require(Kind.ANYONE)
def show_draw(path: DrawPath) -> Response:
    """What was announced, what the entries are committed to, and what came of it."""
    held = resources()
    with transaction(held.sessions) as session:
        draw = draw_or_refuse(session, path.draw_id)
        view = DrawView.of(draw, entries_count(session, held.hints, draw))
    return jsonify(view.model_dump())


@bp.get(
    "/<uuid:draw_id>/entry",
    responses={200: EntryView, 404: Problem},
    security=[{"resident": []}],
)
@require(Kind.RESIDENT)
def show_entry(path: DrawPath) -> Response:
    """One's own entry with its proof."""
    return jsonify(_entry_view(path.draw_id, principal().id).model_dump())


@bp.get("/<uuid:draw_id>/result", responses={404: Problem})
@require(Kind.ANYONE)
def download_result(path: DrawPath) -> Response:
    """The published file: gzipped JSON lines, described in docs/lottery.md."""
    with transaction(resources().sessions) as session:
        draw = published_draw(session, path.draw_id)

    def parts() -> Iterator[bytes]:
        with transaction(resources().sessions) as session:
            yield from result_parts(session, path.draw_id)

    assert draw.result_sha256 is not None
    response = Response(stream_with_context(parts()), mimetype="application/gzip")
    response.headers["Content-Disposition"] = (
        f'attachment; filename="draw-{draw.release.number}.jsonl.gz"'
    )
    # It never changes, and it holds nothing that is not for everybody.
    response.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
    response.set_etag(draw.result_sha256.hex())
    return response


@bp.get("/verify_draw.py")
@require(Kind.ANYONE)
def download_script() -> Response:
    """The script that checks a published file: plain Python, nothing to install."""
    script = (files("coupon_service.issuance.lottery") / SCRIPT).read_text()
    headers = {"Content-Disposition": f'attachment; filename="{SCRIPT}"'}
    return Response(script, mimetype="text/x-python", headers=headers)


def _entry_view(release_id: UUID, resident_id: UUID) -> EntryView:
    with transaction(resources().sessions) as session:
        draw = draw_or_refuse(session, release_id)
        entry = entry_of(session, release_id, resident_id)
        return EntryView.of(draw, proof_of(session, draw, entry), rank_of(session, entry))
