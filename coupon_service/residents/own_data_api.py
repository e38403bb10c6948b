"""`/api/v1/me/…`: sign-ins, what is stored, and who looked."""

from collections.abc import Iterator
from http import HTTPStatus
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.models import SignInSession
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem
from coupon_service.residents.devices import device_of
from coupon_service.residents.export import export, reads_of
from coupon_service.residents.record_read import record_read
from coupon_service.residents.schemas import ReadList, ReadView, SignInList, SignInView
from coupon_service.residents.sessions import end_other_sessions, end_session_of, live_sessions

READS_SHOWN = 200

bp = APIBlueprint("own_data_api", __name__, url_prefix="/api/v1/me", abp_tags=[Tag(name="Me")])
_RESIDENT: list[dict[str, list[str]]] = [{"resident": []}]


class SignInPath(BaseModel):
    sign_in_id: UUID


@bp.get("/sign-ins", responses={200: SignInList}, security=_RESIDENT)
@require(Kind.RESIDENT)
def list_sign_ins() -> Response:
    """The browsers that are signed in, the latest first."""
    with transaction(resources().sessions) as session:
        rows = live_sessions(session, principal().id, now=db_now(session))
    return jsonify(SignInList(sign_ins=[_sign_in(row) for row in rows]).model_dump())


@bp.delete("/sign-ins/<uuid:sign_in_id>", responses={204: None, 404: Problem}, security=_RESIDENT)
@require(Kind.RESIDENT)
def delete_sign_in(path: SignInPath) -> Response:
    """Sign one browser out, within a minute."""
    with transaction(resources().sessions) as session:
        end_session_of(session, principal().id, path.sign_in_id, now=db_now(session))
    return Response(status=HTTPStatus.NO_CONTENT)


@bp.delete("/sign-ins", responses={204: None}, security=_RESIDENT)
@require(Kind.RESIDENT)
def delete_other_sign_ins() -> Response:
    """Sign every other browser out, within a minute."""
    who = principal()
    with transaction(resources().sessions) as session:
        end_other_sessions(session, who.id, who.session_id, now=db_now(session))
    return Response(status=HTTPStatus.NO_CONTENT)


@bp.get("/reads", responses={200: ReadList}, security=_RESIDENT)
@require(Kind.RESIDENT)
def list_reads() -> Response:
    """Who looked at the resident's data in clear, the latest first."""
    with transaction(resources().sessions) as session:
        rows = reads_of(session, principal().id, limit=READS_SHOWN)
    reads = [ReadView(at=row.at, reader_kind=row.reader_kind, purpose=row.purpose) for row in rows]
    return jsonify(ReadList(reads=reads).model_dump())


@bp.get("/export", security=_RESIDENT)
@require(Kind.RESIDENT)
def export_own() -> Response:
    """Everything stored about the resident, as one JSON document."""
    return exported()


def exported() -> Response:
    """The signed-in resident's export, streamed as a download. That it was made is recorded."""
    held, who = resources(), principal()
    with transaction(held.sessions) as session:
        now = db_now(session)
        record_read(
            session,
            who.id,
            reader_kind=Kind.RESIDENT,
            reader_id=who.id,
            purpose="own-export",
            now=now,
        )

    def pieces() -> Iterator[bytes]:
        with transaction(held.sessions) as session:
            yield from export(session, held.vault, who.id, now=now)

    response = Response(pieces(), mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


def _sign_in(row: SignInSession) -> SignInView:
    device = device_of(row.user_agent)
    return SignInView(
        id=row.id,
        this_one=row.id == principal().session_id,
        system=device.system,
        browser=device.browser,
        model=device.model,
        signed_in_at=row.created_at,
        expires_at=row.expires_at,
    )
