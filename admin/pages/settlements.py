"""Settlement: run up to a cut-off, fetch the payout file, take in the bank's answer."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from flask import Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from admin.audit import latest, record
from admin.pages.blueprint import bp
from admin.pages.overview import asked_season
from admin.queries import season_of
from admin.scope import district_id
from coupon_service.core.auth import OFFICE, Kind, principal, require
from coupon_service.core.body_limit import body_limit
from coupon_service.core.clock import LOCAL_ZONE, db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import InvalidRequestError
from coupon_service.core.resources import resources
from merchants.settlement.answer import import_answer
from merchants.settlement.answer_file import BYTES_MAX
from merchants.settlement.errors import BankAnswerInvalidError, CutoffInFutureError
from merchants.settlement.jobs import last_cutoff, request_run
from merchants.settlement.payout_file import payout_file
from merchants.settlement.queries import (
    batch_or_refuse,
    list_batches,
    payouts_of,
    run_or_refuse,
)

BATCHES_SHOWN = 50
# While a run waits for its worker, the page asks again.
POLL_S = "2"


@bp.get("/settlements")
@require(*OFFICE)
def list_settlements() -> Response:
    """The batches of the season, and what became of the run just asked for."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        season = season_of(session, district_id(), asked_season(), now)
        batches = list_batches(
            session,
            district_id=district_id(),
            season_id=season.id,
            before_id=None,
            limit=BATCHES_SHOWN,
        )
        run_id = _asked_run()
        run = run_or_refuse(session, run_id, district_id=district_id()) if run_id else None
    page = render_template(
        "admin/settlements.html",
        tab="settlements",
        season=season,
        batches=batches,
        run=run,
        cutoff=last_cutoff(now).astimezone(LOCAL_ZONE).strftime("%Y-%m-%dT%H:%M"),
        latest_cutoff=now.astimezone(LOCAL_ZONE).strftime("%Y-%m-%dT%H:%M"),
    )
    response = make_response(page)
    if run is not None and not run.is_done:
        response.headers["Refresh"] = POLL_S
    return response


@bp.post("/settlements")
@require(Kind.OFFICIAL)
def request_settlement() -> ResponseReturnValue:
    """Ask for a settlement up to a local cut-off. Asking twice makes one batch."""
    try:
        local = datetime.fromisoformat(request.form.get("cutoff", ""))
    except ValueError:
        raise InvalidRequestError from None
    cutoff_at = local.replace(tzinfo=LOCAL_ZONE)
    with transaction(resources().sessions) as session:
        now = db_now(session)
        season = season_of(session, district_id(), asked_season(), now)
        if cutoff_at > now:
            raise CutoffInFutureError
        run_id = request_run(session, season.id, cutoff_at)
        details = {"cutoff_at": cutoff_at.isoformat(), "run_id": str(run_id)}
        record(session, principal(), "settlement.request", season.id, details)
    return redirect(f"/admin/settlements?run={run_id}", HTTPStatus.SEE_OTHER)


@bp.get("/settlements/<uuid:batch_id>")
@require(*OFFICE)
def show_settlement(batch_id: UUID) -> str:
    """One batch with its payouts."""
    return _batch_page(batch_id)


@bp.get("/settlements/<uuid:batch_id>/payouts.csv")
@require(Kind.OFFICIAL, Kind.AUDITOR)
def download_payouts(batch_id: UUID) -> Response:
    """The payout file. It has account numbers in clear, so who fetched it is recorded."""
    with transaction(resources().sessions) as session:
        batch = batch_or_refuse(session, batch_id, district_id=district_id())
        content = payout_file(session, resources().vault, batch)
        record(session, principal(), "settlement.download", batch_id)
    return Response(
        content,
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="payouts-{batch_id}.csv"'},
    )


@bp.post("/settlements/<uuid:batch_id>/bank-answer")
@require(Kind.OFFICIAL)
@body_limit(BYTES_MAX)
def take_bank_answer(batch_id: UUID) -> ResponseReturnValue:
    """Take in the bank's answer, all of it or nothing."""
    upload = request.files.get("answer")
    content = upload.read() if upload else b""
    try:
        with transaction(resources().sessions) as session:
            batch_or_refuse(session, batch_id, district_id=district_id())
            summary = import_answer(session, batch_id, content, now=db_now(session))
            details = {"paid": summary.paid, "rejected": summary.rejected, "open": summary.open}
            record(session, principal(), "settlement.answer", batch_id, details)
    except BankAnswerInvalidError as refusal:
        return make_response(_batch_page(batch_id, refusal=refusal), refusal.status)
    return redirect(f"/admin/settlements/{batch_id}", HTTPStatus.SEE_OTHER)


def _batch_page(batch_id: UUID, *, refusal: BankAnswerInvalidError | None = None) -> str:
    with transaction(resources().sessions) as session:
        batch = batch_or_refuse(session, batch_id, district_id=district_id())
        payouts = payouts_of(session, batch_id)
        entries = latest(session, district_id(), object_id=batch_id)
    return render_template(
        "admin/settlement.html",
        tab="settlements",
        batch=batch,
        payouts=payouts,
        entries=entries,
        refusal=refusal,
    )


def _asked_run() -> UUID | None:
    asked = request.args.get("run")
    if not asked:
        return None
    try:
        return UUID(asked)
    except ValueError:
        raise InvalidRequestError from None
