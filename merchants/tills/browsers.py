"""The browsers that are signed in as a till: noted when used, and ended by the owner."""

from datetime import datetime
from uuid import UUID

from flask import Flask, Response, g
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.auth import Kind, Principal
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import UnavailableError
from coupon_service.core.models import SignInSession
from coupon_service.core.resources import resources
from merchants.tills.errors import BrowserNotFoundError
from merchants.tills.models import TillBrowser


def note_browser(
    session: Session,
    session_id: UUID,
    till_id: UUID,
    *,
    now: datetime,
    name: str | None = None,
    paired_by: UUID | None = None,
) -> None:
    """Remember a browser, or that it was used again; what it is called then stays."""
    session.execute(
        insert(TillBrowser)
        .values(
            session_id=session_id,
            till_id=till_id,
            name=name,
            paired_by=paired_by,
            last_used_at=now,
        )
        .on_conflict_do_update(index_elements=[TillBrowser.session_id], set_={"last_used_at": now})
    )


def end_browser(session: Session, till_id: UUID, browser_id: UUID, *, now: datetime) -> None:
    """Sign the browser out. It notices within `auth.FRESH_S`; ending it twice is no error.

    Raises:
        BrowserNotFoundError: the till has no such browser.
    """
    known = select(TillBrowser.session_id).where(
        TillBrowser.session_id == browser_id, TillBrowser.till_id == till_id
    )
    if session.execute(known).one_or_none() is None:
        raise BrowserNotFoundError
    session.execute(
        update(SignInSession)
        .where(SignInSession.id == browser_id, SignInSession.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def note_use(app: Flask) -> None:
    """Keep `last_used_at`: whenever a till's cookie is signed anew, which is once a minute."""

    @app.after_request
    def note(response: Response) -> Response:
        for who in g.get("refreshed", ()):
            if who.kind is Kind.TILL:
                _note(who)
        return response


def _note(who: Principal) -> None:
    assert who.session_id is not None, "what is signed anew is a browser's"
    try:
        with transaction(resources().sessions) as session:
            note_browser(session, who.session_id, who.id, now=db_now(session))
    except UnavailableError:
        # The answer stands without it, and in a minute there is another chance.
        return
