"""`/api/v1/settlements`: batches, their payout files, and the bank's answers."""

from http import HTTPStatus

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag

from coupon_service.core.auth import OFFICE, Kind, principal, require
from coupon_service.core.body_limit import body_limit
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.log import get_logger
from coupon_service.core.resources import resources
from merchants.settlement.answer import import_answer
from merchants.settlement.answer_file import BYTES_MAX
from merchants.settlement.errors import CsvNeededError, CutoffInFutureError
from merchants.settlement.jobs import last_cutoff, request_run
from merchants.settlement.payout_file import payout_file
from merchants.settlement.queries import (
    batch_or_refuse,
    list_batches,
    payouts_of,
    run_or_refuse,
    season_or_refuse,
)
from merchants.settlement.schemas import (
    AnswerCsv,
    AnswerView,
    BatchDetail,
    BatchList,
    BatchPath,
    BatchQuery,
    BatchView,
    LeftOutView,
    PayoutView,
    RunPath,
    RunView,
    SettleBody,
)

bp = APIBlueprint(
    "settlement_api", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Settlement")]
)
_OFFICE: list[dict[str, list[str]]] = [{"office": []}]

log = get_logger(__name__)


@bp.post("/settlements", responses={202: RunView}, security=_OFFICE)
@require(Kind.OFFICIAL)
def request_settlement(body: SettleBody) -> tuple[Response, HTTPStatus, dict[str, str]]:
    """Ask for a season to be settled up to a cut-off; `Location` tells what became of it.

    Asking twice for one cut-off makes one batch.
    """
    district_id = principal().district_id
    with transaction(resources().sessions) as session:
        season = season_or_refuse(session, body.season_id, district_id=district_id)
        now = db_now(session)
        cutoff_at = body.cutoff_at or last_cutoff(now)
        if cutoff_at > now:
            raise CutoffInFutureError
        run_id = request_run(session, season.id, cutoff_at)
        session.flush()
        view = RunView.of(run_or_refuse(session, run_id, district_id=district_id))
    where = {"Location": f"/api/v1/settlement-runs/{run_id}"}
    return jsonify(view.model_dump()), HTTPStatus.ACCEPTED, where


@bp.get("/settlement-runs/<uuid:run_id>", responses={200: RunView}, security=_OFFICE)
@require(*OFFICE)
def show_run(path: RunPath) -> Response:
    """What became of a requested settlement."""
    with transaction(resources().sessions) as session:
        run = run_or_refuse(session, path.run_id, district_id=principal().district_id)
    return jsonify(RunView.of(run).model_dump())


@bp.get("/settlements", responses={200: BatchList}, security=_OFFICE)
@require(*OFFICE)
def show_settlements(query: BatchQuery) -> Response:
    """Batches of the official's district, newest first, a page at a time."""
    with transaction(resources().sessions) as session:
        # One more than asked for tells whether there is a next page.
        found = list_batches(
            session,
            district_id=principal().district_id,
            season_id=query.season_id,
            before_id=query.cursor,
            limit=query.limit + 1,
        )
        page = BatchList(
            settlements=[BatchView.of(batch) for batch in found[: query.limit]],
            next_cursor=found[query.limit - 1].id if len(found) > query.limit else None,
        )
    return jsonify(page.model_dump())


@bp.get("/settlements/<uuid:settlement_id>", responses={200: BatchDetail}, security=_OFFICE)
@require(*OFFICE)
def show_settlement(path: BatchPath) -> Response:
    """One batch with its payouts and whoever was left out."""
    with transaction(resources().sessions) as session:
        batch = batch_or_refuse(session, path.settlement_id, district_id=principal().district_id)
        detail = BatchDetail(
            **BatchView.of(batch).model_dump(),
            payouts=[PayoutView.of(payout) for payout in payouts_of(session, batch.id)],
            left_out=[LeftOutView.model_validate(note) for note in batch.left_out],
        )
    return jsonify(detail.model_dump())


@bp.get(
    "/settlements/<uuid:settlement_id>/payouts.csv",
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    security=_OFFICE,
)
@require(Kind.OFFICIAL, Kind.AUDITOR)
def download_payout_file(path: BatchPath) -> Response:
    """The payout file, account numbers in clear; its SHA-256 is the batch's `file_sha256`."""
    who = principal()
    with transaction(resources().sessions) as session:
        batch = batch_or_refuse(session, path.settlement_id, district_id=who.district_id)
        content = payout_file(session, resources().vault, batch)
    log.info("payout file fetched", batch_id=str(batch.id), official_id=str(who.id))
    return Response(
        content,
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="payouts-{batch.id}.csv"'},
    )


@bp.post(
    "/settlements/<uuid:settlement_id>/bank-answer", responses={200: AnswerView}, security=_OFFICE
)
@require(Kind.OFFICIAL)
@body_limit(BYTES_MAX)  # thousands of payouts are more than a form may hold
def take_bank_answer(path: BatchPath, raw: AnswerCsv) -> Response:  # noqa: ARG001  # describes the body
    """Import the bank's answer, whole or not at all.

    A CSV with the columns `batch_id, position, merchant, amount_yuan, result, bank_reference`,
    where `result` is `paid` or `rejected`. The same file again changes nothing.
    """
    if request.mimetype != "text/csv":
        raise CsvNeededError
    content = request.get_data(cache=False)
    who = principal()
    with transaction(resources().sessions) as session:
        batch = batch_or_refuse(session, path.settlement_id, district_id=who.district_id)
        summary = import_answer(session, batch.id, content, now=db_now(session))
    log.info("bank answer taken", batch_id=str(batch.id), official_id=str(who.id))
    return jsonify(AnswerView.of(summary).model_dump())
