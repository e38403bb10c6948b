"""`/till/pair` and `/till/clerk`: how a browser becomes a till, and who is on duty there."""

from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from coupon_service.core.auth import Kind, principal, require, signed_in, start_session
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.display import return_path, this_path
from coupon_service.core.errors import InvalidRequestError, ProblemError
from coupon_service.core.limits import limiter
from coupon_service.core.resources import resources
from coupon_service.core.web import wants_html
from merchants.tills.browsers import end_browser, note_browser
from merchants.tills.duty import begin_duty, demand_clerk, duty_of_request, end_duty
from merchants.tills.errors import (
    BrowserNotFoundError,
    ClerkNeededError,
    ClerkNotFoundError,
    PairingCodeNotGoodError,
    PinLockedError,
    WrongPinError,
)
from merchants.tills.pair import pair
from merchants.tills.pin import check_pin
from merchants.tills.queries import clerk_names, clerks_of
from redemption.queries import active_till

bp = Blueprint("till_access", __name__, url_prefix="/till")

_WAY_OUT = "redemption.do_sign_out"
_CODE_CHARS_MAX = 40
_DEVICE_CHARS_MAX = 30
_PIN_CHARS_MAX = 12


def lock_without_clerk() -> ResponseReturnValue | None:
    """Before a till page: where a clerk is needed and none is on duty, lead to the PIN."""
    try:
        demand_clerk()
    except ClerkNeededError:
        if request.endpoint == _WAY_OUT:
            return None
        if not wants_html():  # a script of the page
            raise
        where = url_for("till_access.show_clerks", next=this_path())
        return redirect(where, HTTPStatus.SEE_OTHER)
    return None


def clerk_on_duty() -> str | None:
    """The name of the clerk on duty in this browser, for the bar of a till's pages."""
    clerk_id = duty_of_request().clerk_id
    if clerk_id is None:
        return None
    with transaction(resources().sessions) as session:
        return clerk_names(session, resources().vault, [clerk_id]).get(clerk_id)


@bp.get("/pair")
@require(Kind.ANYONE)
def show_pairing() -> str:
    """The form for a pairing code. A link with the code fills it in; only sending it uses it."""
    return _pairing(request.args.get("code", "")[:_CODE_CHARS_MAX])


@bp.post("/pair")
@require(Kind.ANYONE)
@limiter.limit("10/minute; 100/day")
def do_pair() -> ResponseReturnValue:
    """Sign this browser in as the till whose code was typed."""
    held = resources()
    typed = request.form.get("code", "")[:_CODE_CHARS_MAX]
    device = _printable(request.form.get("device", ""))
    response = make_response(redirect(url_for("redemption.show_counter"), HTTPStatus.SEE_OTHER))
    try:
        with transaction(held.sessions) as session:
            now = db_now(session)
            till, made_by = pair(session, held.vault, typed, now=now)
            _end_former(session, now)
            session_id = start_session(session, till, response)
            note_browser(
                session, session_id, till.id, now=now, name=device or None, paired_by=made_by
            )
    except PairingCodeNotGoodError as error:
        return _pairing(typed, device=device, refusal=error), error.status
    return response


@bp.get("/clerk")
@require(Kind.TILL)
def show_clerks() -> ResponseReturnValue:
    """Who comes on duty: names, and one PIN."""
    return _clerks()


@bp.post("/clerk")
@require(Kind.TILL)
@limiter.limit("30/minute", key_func=lambda: principal().id.hex)
def do_take_over() -> ResponseReturnValue:
    """Come on duty in this browser by PIN."""
    held, who = resources(), principal()
    chosen = _uuid(request.form.get("clerk_id", ""))
    refusal: WrongPinError | None = None
    try:
        if chosen is None:
            raise ClerkNotFoundError
        with transaction(held.sessions) as session:
            now = db_now(session)
            till = active_till(session, who.id)
            pin = request.form.get("pin", "").strip()[:_PIN_CHARS_MAX]
            try:
                clerk = check_pin(session, held.vault, till.id, chosen, pin, now=now)
            except WrongPinError as wrong:
                refusal = wrong
        if refusal is not None:  # raised out here, so that the try stays counted
            raise refusal
        begin_duty(who, clerk, now=now)
    except ClerkNotFoundError:
        return _clerks(refusal=InvalidRequestError())
    except (WrongPinError, PinLockedError) as error:
        return _clerks(chosen, refusal=error)
    back = return_path(request.args.get("next"), url_for("redemption.show_counter"))
    return redirect(back, HTTPStatus.SEE_OTHER)


@bp.post("/clerk/lock")
@require(Kind.TILL)
def do_lock() -> ResponseReturnValue:
    """The clerk leaves; the browser stays the till's."""
    end_duty()
    where = url_for("till_access.show_clerks", next=request.args.get("next"))
    return redirect(where, HTTPStatus.SEE_OTHER)


def _end_former(session: Session, now: datetime) -> None:
    """A browser is one till at a time: what it was before ends."""
    former = signed_in(Kind.TILL)
    if former is not None and former.session_id is not None:
        with suppress(BrowserNotFoundError):
            end_browser(session, former.id, former.session_id, now=now)


def _pairing(code: str, *, device: str = "", refusal: ProblemError | None = None) -> str:
    return render_template("redemption/pair.html", code=code, device=device, refusal=refusal)


def _clerks(
    chosen: UUID | None = None, *, refusal: ProblemError | None = None
) -> ResponseReturnValue:
    with transaction(resources().sessions) as session:
        till = active_till(session, principal().id)
        clerks = [
            clerk
            for clerk in clerks_of(session, resources().vault, till.store_id)
            if clerk.is_active
        ]
    page = render_template(
        "redemption/clerk.html",
        till=till,
        clerks=clerks,
        chosen=chosen or (clerks[0].id if len(clerks) == 1 else None),
        refusal=refusal,
        is_browser=principal().session_id is not None,
    )
    response = make_response(page, refusal.status if refusal else HTTPStatus.OK)
    if refusal is not None and refusal.retry_after_s is not None:
        response.headers["Retry-After"] = str(refusal.retry_after_s)
    return response


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable()).strip()[:_DEVICE_CHARS_MAX]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
