"""`/till/shift`: the shift of a till, and the totals of those before."""

from contextlib import suppress
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from merchants.tills.duty import duty_of_request
from merchants.tills.errors import ShiftClosedError, ShiftOpenError
from merchants.tills.open_shift import open_shift
from merchants.tills.queries import clerk_names, closed_shifts, current_shift, shift_of_till
from redemption.queries import active_till
from redemption.till.access import lock_without_clerk
from redemption.till.close_shift import close_shift
from redemption.till.totals import Totals, totals_of

bp = Blueprint("till_shifts", __name__, url_prefix="/till")
bp.before_request(lock_without_clerk)


@bp.get("/shift")
@require(Kind.TILL)
def show_current() -> str:
    """The open shift with its totals so far, or the way to open one; and those before."""
    held = resources()
    with transaction(held.sessions) as session:
        till = active_till(session, principal().id)
        shift = current_shift(session, till.id)
        earlier = closed_shifts(session, till.id)
        names = clerk_names(
            session, held.vault, [one.opened_by for one in (*earlier, *([shift] if shift else []))]
        )
        return render_template(
            "redemption/shift.html",
            till=till,
            shift=shift,
            totals=totals_of(session, shift.id) if shift else None,
            earlier=earlier,
            names=names,
            now=db_now(session),
        )


@bp.post("/shift")
@require(Kind.TILL)
def do_open() -> ResponseReturnValue:
    """Open a shift. Where one is open already, that one is shown."""
    with suppress(ShiftOpenError), transaction(resources().sessions) as session:
        till = active_till(session, principal().id)
        open_shift(session, till.id, duty_of_request().clerk_id, now=db_now(session))
    return redirect(url_for("till_shifts.show_current"), HTTPStatus.SEE_OTHER)


@bp.get("/shifts/<uuid:shift_id>")
@require(Kind.TILL)
def show_shift(shift_id: UUID) -> ResponseReturnValue:
    """The totals a shift was closed with, to be printed."""
    held = resources()
    with transaction(held.sessions) as session:
        till = active_till(session, principal().id)
        shift = shift_of_till(session, till.id, shift_id)
        names = clerk_names(session, held.vault, [shift.opened_by, shift.closed_by])
    totals = Totals.kept_in(shift)
    if totals is None:
        return redirect(url_for("till_shifts.show_current"), HTTPStatus.SEE_OTHER)
    return render_template(
        "redemption/shift_closed.html", till=till, shift=shift, totals=totals, names=names
    )


@bp.post("/shifts/<uuid:shift_id>/close")
@require(Kind.TILL)
def do_close(shift_id: UUID) -> ResponseReturnValue:
    """Close a shift; one that was closed before is shown as it was."""
    with suppress(ShiftClosedError), transaction(resources().sessions) as session:
        till = active_till(session, principal().id)
        close_shift(session, till.id, shift_id, duty_of_request().clerk_id, now=db_now(session))
    return redirect(url_for("till_shifts.show_shift", shift_id=shift_id), HTTPStatus.SEE_OTHER)
