"""`/merchant/tills` and `/merchant/stores`: the owner's tills, their browsers, and the clerks."""

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from qrcode.constants import ERROR_CORRECT_M

from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import InvalidRequestError, ProblemError
from coupon_service.core.resources import resources
from coupon_service.issuance.codes.code_text import shown
from coupon_service.residents.devices import device_of
from coupon_service.vouchers.qr import Look, qr_svg
from merchants.onboard import create_till, set_till_active
from merchants.tills.browsers import end_browser
from merchants.tills.clerks import add_clerk, set_clerk_active, set_idle, set_pin
from merchants.tills.errors import ClerkNameTakenError, IdleNotPossibleError, PinNotPossibleError
from merchants.tills.pair import GOOD_FOR, make_pairing
from merchants.tills.queries import (
    browser_counts,
    browsers_of,
    clerk_names,
    clerks_of,
    closed_shifts,
    current_shift,
    own_store,
    own_till,
    stores_of,
    tills_of,
)

bp = Blueprint("merchant_tills", __name__, url_prefix="/merchant")

_NAME_CHARS_MAX = 20
# The address of a pairing code fits well: 152 characters.
_PAIRING_LOOK = Look(8, ERROR_CORRECT_M)


@bp.get("/tills")
@require(Kind.MERCHANT_OWNER)
def list_tills() -> str:
    """Every store with its tills."""
    merchant_id = _merchant_id()
    with transaction(resources().sessions) as session:
        now = db_now(session)
        return render_template(
            "merchants/tills/list.html",
            stores=stores_of(session, merchant_id),
            tills=tills_of(session, merchant_id),
            browsers=browser_counts(session, merchant_id, now=now),
        )


@bp.post("/stores/<uuid:store_id>/tills")
@require(Kind.MERCHANT_OWNER)
def do_add_till(store_id: UUID) -> ResponseReturnValue:
    """One more till; it is paired, so nobody needs its key."""
    name = _line("name")
    with transaction(resources().sessions) as session:
        store = own_store(session, _merchant_id(), store_id)
        if not name:
            return redirect(url_for("merchant_tills.list_tills"), HTTPStatus.SEE_OTHER)
        till_id = create_till(session, store.id, name).till.id
    return _to_till(till_id)


@bp.get("/tills/<uuid:till_id>")
@require(Kind.MERCHANT_OWNER)
def show_till(till_id: UUID) -> str:
    """A till: its browsers, and its last shifts."""
    return _till(till_id)


@bp.post("/tills/<uuid:till_id>/pairing")
@require(Kind.MERCHANT_OWNER)
def do_make_pairing(till_id: UUID) -> str:
    """A fresh pairing code, shown this once. An earlier one works no longer."""
    held, owner = resources(), principal()
    with transaction(held.sessions) as session:
        till = own_till(session, _merchant_id(), till_id)
        code = make_pairing(session, held.vault, till.id, made_by=owner.id, now=db_now(session))
    return _till(till_id, code=shown(code))


@bp.post("/tills/<uuid:till_id>/active")
@require(Kind.MERCHANT_OWNER)
def do_switch_till(till_id: UUID) -> ResponseReturnValue:
    """Let the till work, or stop it."""
    with transaction(resources().sessions) as session:
        till = own_till(session, _merchant_id(), till_id)
        set_till_active(session, till.id, is_active=request.form.get("active") == "1")
    return _to_till(till_id)


@bp.post("/tills/<uuid:till_id>/browsers/<uuid:browser_id>/end")
@require(Kind.MERCHANT_OWNER)
def do_end_browser(till_id: UUID, browser_id: UUID) -> ResponseReturnValue:
    """Sign one browser of the till out."""
    with transaction(resources().sessions) as session:
        till = own_till(session, _merchant_id(), till_id)
        end_browser(session, till.id, browser_id, now=db_now(session))
    return _to_till(till_id)


@bp.get("/stores/<uuid:store_id>/clerks")
@require(Kind.MERCHANT_OWNER)
def list_clerks(store_id: UUID) -> str:
    """The store's clerks, and when its tills lock themselves."""
    return _clerks(store_id)


@bp.post("/stores/<uuid:store_id>/clerks")
@require(Kind.MERCHANT_OWNER)
def do_add_clerk(store_id: UUID) -> ResponseReturnValue:
    """One more clerk. From the first one on, the store's tills ask who is there."""
    held, name = resources(), _line("name")
    try:
        with transaction(held.sessions) as session:
            store = own_store(session, _merchant_id(), store_id)
            if not name:
                raise InvalidRequestError
            add_clerk(session, held.vault, store.id, name=name, pin=_pin(), now=db_now(session))
    except (ClerkNameTakenError, InvalidRequestError) as error:
        return _clerks(store_id, name=name, refusal=error), error.status
    return _to_clerks(store_id)


@bp.post("/stores/<uuid:store_id>/idle")
@require(Kind.MERCHANT_OWNER)
def do_set_idle(store_id: UUID) -> ResponseReturnValue:
    """After how many minutes the store's tills lock themselves."""
    typed = request.form.get("minutes", "")
    try:
        with transaction(resources().sessions) as session:
            store = own_store(session, _merchant_id(), store_id)
            set_idle(session, store.id, int(typed) if typed.isascii() and typed.isdigit() else 0)
    except IdleNotPossibleError as error:
        return _clerks(store_id, refusal=error), error.status
    return _to_clerks(store_id)


@bp.post("/stores/<uuid:store_id>/clerks/<uuid:clerk_id>/pin")
@require(Kind.MERCHANT_OWNER)
def do_set_pin(store_id: UUID, clerk_id: UUID) -> ResponseReturnValue:
    """Another PIN: the clerk is off duty everywhere, and unlocked."""
    held = resources()
    try:
        with transaction(held.sessions) as session:
            store = own_store(session, _merchant_id(), store_id)
            set_pin(session, held.vault, store.id, clerk_id, _pin(), now=db_now(session))
    except PinNotPossibleError as error:
        return _clerks(store_id, refusal=error), error.status
    return _to_clerks(store_id)


@bp.post("/stores/<uuid:store_id>/clerks/<uuid:clerk_id>/active")
@require(Kind.MERCHANT_OWNER)
def do_switch_clerk(store_id: UUID, clerk_id: UUID) -> ResponseReturnValue:
    """Let the clerk come on duty, or stop that."""
    with transaction(resources().sessions) as session:
        store = own_store(session, _merchant_id(), store_id)
        is_active = request.form.get("active") == "1"
        set_clerk_active(session, store.id, clerk_id, is_active=is_active)
    return _to_clerks(store_id)


def _till(till_id: UUID, *, code: str | None = None) -> str:
    held = resources()
    with transaction(held.sessions) as session:
        till = own_till(session, _merchant_id(), till_id)
        browsers = browsers_of(session, till.id, now=db_now(session))
        shift, shifts = current_shift(session, till.id), closed_shifts(session, till.id)
        names = clerk_names(
            session,
            held.vault,
            [one.opened_by for one in (*shifts, *([shift] if shift else []))],
        )
    address = _address(code) if code else None
    return render_template(
        "merchants/tills/till.html",
        till=till,
        browsers=[(browser, browser.name or _device(browser.user_agent)) for browser in browsers],
        device=_device,
        shift=shift,
        shifts=shifts,
        names=names,
        code=code,
        address=address,
        good_for_min=GOOD_FOR.seconds // 60,
        qr=Markup(qr_svg(address, _PAIRING_LOOK)) if address else None,  # noqa: S704
    )


def _clerks(
    store_id: UUID,
    *,
    name: str = "",
    refusal: ProblemError | None = None,
) -> str:
    held = resources()
    with transaction(held.sessions) as session:
        store = own_store(session, _merchant_id(), store_id)
        clerks = clerks_of(session, held.vault, store.id)
    return render_template(
        "merchants/tills/clerks.html",
        store=store,
        clerks=clerks,
        name=name,
        refusal=refusal,
    )


def _address(code: str) -> str:
    """Where a phone that is to be the till opens the code."""
    base = resources().settings.public_url or request.host_url
    return f"{base.rstrip('/')}/till/pair?code={code}"


def _device(user_agent: str) -> str:
    found = device_of(user_agent)
    machine = found.model or found.system
    return " · ".join(filter(None, (machine, found.browser))) or _("未知设备")


def _merchant_id() -> UUID:
    merchant_id = principal().merchant_id
    assert merchant_id is not None, "a merchant's person belongs to a merchant"
    return merchant_id


def _line(field: str) -> str:
    """One printable line of a form, short enough for a till's bar."""
    typed = "".join(char for char in request.form.get(field, "") if char.isprintable())
    return typed.strip()[:_NAME_CHARS_MAX]


def _pin() -> str:
    return request.form.get("pin", "").strip()


def _to_till(till_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("merchant_tills.show_till", till_id=till_id), HTTPStatus.SEE_OTHER)


def _to_clerks(store_id: UUID) -> ResponseReturnValue:
    where = url_for("merchant_tills.list_clerks", store_id=store_id)
    return redirect(where, HTTPStatus.SEE_OTHER)
