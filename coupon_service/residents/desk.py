"""The edge of signing in, shared by the API and the pages: throttles, transactions, cookies."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from flask import Response

from coupon_service.core.auth import Kind, Principal, principal, start_session, write_cookie
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.residents.check_code import check_code
from coupon_service.residents.confirm_real_name import confirm_real_name
from coupon_service.residents.documents import DocumentKind
from coupon_service.residents.errors import PhoneNeededError, WrongCodeError
from coupon_service.residents.link_wechat import link_wechat, linked_resident
from coupon_service.residents.models import Resident
from coupon_service.residents.personal_data import clear_phone
from coupon_service.residents.request_code import request_code
from coupon_service.residents.sender import sender
from coupon_service.residents.sign_in import sign_in
from coupon_service.residents.throttle import admit_code_request, admit_guess, admit_real_name


def send_code(phone: str) -> str | None:
    """Send a code to the phone; in development also return it, for the page to show.

    Raises:
        TooManyCodesError, CodeNotSentError
    """
    held = resources()
    admit_code_request(held.vault.index("phone", phone))
    with transaction(held.sessions) as session:
        code = request_code(
            session,
            held.vault,
            phone,
            now=db_now(session),
            ttl_s=held.settings.sign_in_code_ttl_s,
        )
    sender().send(phone, code)
    return code if held.settings.is_development else None


def sign_in_browser(
    phone: str, code: str, response: Response, *, openid: str | None = None
) -> Principal:
    """Sign the phone's resident in: the cookie goes on `response`.

    With an `openid`, that WeChat account signs them in from now on.

    Raises:
        WrongCodeError
    """
    held = resources()
    admit_guess(held.vault.index("phone", phone))
    signed_in = None
    with transaction(held.sessions) as session:
        now = db_now(session)
        resident = sign_in(session, held.vault, phone, code, now=now)
        if resident is not None:
            signed_in = _principal_of(resident)
            start_session(session, signed_in, response)
            if openid is not None:
                link_wechat(session, held.vault, resident.id, openid, now=now)
    if signed_in is None:  # raised out here, so that the guess stays counted
        raise WrongCodeError
    return signed_in


def sign_in_by_wechat(openid: str, response: Response) -> Principal | None:
    """Sign in whomever the WeChat account belongs to; None if the phone has to be asked once."""
    held = resources()
    with transaction(held.sessions) as session:
        resident = linked_resident(session, held.vault, openid)
        if resident is None:
            return None
        signed_in = _principal_of(resident)
        start_session(session, signed_in, response)
    return signed_in


def confirm_own_name(
    name: str,
    id_number: str,
    response: Response,
    *,
    kind: DocumentKind = DocumentKind.RESIDENT_ID,
    born_on: date | None = None,
) -> UUID:
    """Confirm the signed-in resident's real name and rewrite the cookie on `response`.

    Returns the resident's id, which changes if they were known before without a phone.

    Raises:
        InvalidNameError, InvalidIdNumberError, BirthDateNeededError, InvalidBirthDateError
        RealNameRefusedError
    """
    admit_real_name()
    held = resources()
    who = principal()
    with transaction(held.sessions) as session:
        known_as = confirm_real_name(
            session,
            held.vault,
            who.id,
            name,
            id_number,
            kind=kind,
            born_on=born_on,
            now=db_now(session),
        )
        if known_as != who.id:  # known before, without a phone: this browser is theirs now
            start_session(session, Principal(Kind.RESIDENT, known_as, verified=True), response)
            return known_as
    mark_verified(response)
    return who.id


def mark_verified(response: Response) -> None:
    """Tell the browser's cookie that the resident's real name is known."""
    who = principal()
    assert who.session_id is not None  # residents sign in by cookie only
    write_cookie(response, replace(who, verified=True), who.session_id)


def send_own_code() -> str | None:
    """Send a code to the signed-in resident's own phone; see `send_code`.

    Raises:
        PhoneNeededError: they have none.
        TooManyCodesError, CodeNotSentError
    """
    return send_code(_own_phone())


def prove_own_phone(code: str) -> None:
    """Check, before something that cannot be undone, that the phone is in the resident's hand.

    Raises:
        PhoneNeededError: they have none.
        WrongCodeError
    """
    held = resources()
    phone_index = held.vault.index("phone", _own_phone())
    admit_guess(phone_index)
    with transaction(held.sessions) as session:
        proven = check_code(session, held.vault, phone_index, code, now=db_now(session))
    if not proven:  # raised out here, so that the guess stays counted
        raise WrongCodeError


def _own_phone() -> str:
    held = resources()
    with transaction(held.sessions) as session:
        phone = clear_phone(session, held.vault, principal().id)
    if phone is None:
        raise PhoneNeededError
    return phone


def _principal_of(resident: Resident) -> Principal:
    return Principal(Kind.RESIDENT, resident.id, verified=resident.verified_at is not None)
