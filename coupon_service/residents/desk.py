"""The edge of signing in, shared by the API and the pages: throttles, transactions, cookies."""

from dataclasses import replace

from flask import Response

from coupon_service.core.auth import Kind, Principal, principal, start_session, write_cookie
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.residents.confirm_real_name import confirm_real_name
from coupon_service.residents.errors import WrongCodeError
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


def sign_in_browser(phone: str, code: str, response: Response) -> Principal:
    """Sign the phone's resident in: the cookie goes on `response`.

    Raises:
        WrongCodeError
    """
    held = resources()
    admit_guess(held.vault.index("phone", phone))
    signed_in = None
    with transaction(held.sessions) as session:
        resident = sign_in(session, held.vault, phone, code, now=db_now(session))
        if resident is not None:
            verified = resident.verified_at is not None
            signed_in = Principal(Kind.RESIDENT, resident.id, verified=verified)
            start_session(session, signed_in, response)
    if signed_in is None:  # raised out here, so that the guess stays counted
        raise WrongCodeError
    return signed_in


def confirm_own_name(name: str, id_number: str, response: Response) -> None:
    """Confirm the signed-in resident's real name and rewrite the cookie on `response`.

    Raises:
        InvalidNameError, InvalidIdNumberError, RealNameRefusedError
    """
    admit_real_name()
    held = resources()
    who = principal()
    with transaction(held.sessions) as session:
        confirm_real_name(session, held.vault, who.id, name, id_number, now=db_now(session))
    mark_verified(response)


def mark_verified(response: Response) -> None:
    """Tell the browser's cookie that the resident's real name is known."""
    who = principal()
    assert who.session_id is not None  # residents sign in by cookie only
    write_cookie(response, replace(who, verified=True), who.session_id)
