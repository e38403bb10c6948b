"""Background work of waiting lists."""

from uuid import UUID

from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.jobs import emit_job
from coupon_service.issuance.gate import gate
from coupon_service.issuance.waiting.queries import releases_waited_for
from coupon_service.issuance.waiting.serve import serve

SERVE = "waiting.serve"


def serve_one(session: Session, release_id: UUID) -> None:
    """Serve the list of a release to which something came back."""
    serve(session, gate(), release_id, now=db_now(session))


def serve_all(session: Session) -> None:
    """Look after every list that somebody waits on; each is served in a transaction of its own."""
    for release_id in releases_waited_for(session, db_now(session)):
        emit_job(session, SERVE, release_id=release_id)
