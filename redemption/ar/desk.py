"""The desk: a transaction for each proof that is handed in, and a note of why one was refused."""

from contextlib import suppress
from uuid import UUID

from coupon_service.core.clock import db_now
from coupon_service.core.db import in_transaction, transaction
from coupon_service.core.errors import ProblemError, TooManyRequestsError, UnavailableError
from coupon_service.core.resources import resources
from coupon_service.issuance.gate import gate
from redemption.ar.errors import (
    ArProofMismatchError,
    ArSessionExpiredError,
    ArSessionUnknownError,
    ArSessionUsedError,
    WebhookIdReusedError,
)
from redemption.ar.note_refusal import note_refusal
from redemption.ar.prove import Accepted, Gates, Proof, prove
from redemption.ar.schemas import Presence

# These say nothing of the session that its resident does not see, or nothing that stays true.
_NOT_NOTED = (
    ArProofMismatchError,
    ArSessionExpiredError,
    ArSessionUnknownError,
    ArSessionUsedError,
    WebhookIdReusedError,
    TooManyRequestsError,
    UnavailableError,
)


def hand_in(provider_id: UUID, webhook_id: str, body: bytes, presence: Presence) -> Accepted:
    """Prove a session with an event whose signature was verified. `body` is the raw one.

    Raises:
        ProblemError: as `prove`; what the proof would have brought is undone.
    """
    held = resources()
    gates = Gates(claim=gate(), risk=held.risk)
    proof = Proof(
        provider_id=provider_id,
        webhook_id=webhook_id,
        body=body,
        session_id=presence.session_id,
        nonce=presence.nonce,
        anchor_id=presence.anchor_id,
        lat=presence.lat,
        lon=presence.lon,
        confidence=presence.confidence,
        order_fen=presence.order_fen,
    )
    try:
        return in_transaction(
            held.sessions, lambda session: prove(session, gates, proof, now=db_now(session))
        )
    except ProblemError as error:
        if not isinstance(error, _NOT_NOTED):
            # A note that cannot be written must not hide what it is about.
            with suppress(UnavailableError), transaction(held.sessions) as session:
                note_refusal(
                    session, proof.session_id, proof.nonce, error.slug, now=db_now(session)
                )
        raise
