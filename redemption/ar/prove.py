"""Prove: a provider's signed proof completes a session, once, and brings what was intended.

A refused proof leaves no trace and does not use the session up. The nonce has 192 bits and the
sender is authenticated, so there is nothing to guess; while a shaky hand, a GPS fix still
settling, or a release that opens in a second are daily matters that a second look at the scene
puts right. What ends a session is success or time.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import count
from typing import assert_never
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel
from coupon_service.campaigns.terms import Order
from coupon_service.core.risk import RiskGate
from coupon_service.issuance.claim import ClaimCommand, Granted, Refused, claim
from coupon_service.issuance.gate import Gate
from coupon_service.vouchers.models import Voucher
from redemption.ar.budget import award_face_fen
from redemption.ar.call_back import DONE_TYPE, call_back
from redemption.ar.caps import Brought, keep_within_caps
from redemption.ar.errors import (
    ArAnchorClosedError,
    ArConfidenceTooLowError,
    ArOutsideFenceError,
    ArProofMismatchError,
    ArSessionExpiredError,
    ArSessionUnknownError,
    ArSessionUsedError,
    WebhookIdReusedError,
)
from redemption.ar.geofence import distance_m
from redemption.ar.models import ArEvent, ArOutcome, ArSession, ArSessionState
from redemption.ar.opening import is_open
from redemption.ar.queries import session_with_provider
from redemption.models import Redemption
from redemption.present import At, Showing
from redemption.redeem import RedeemCommand, redeem
from redemption.redeem import Refused as Refusal


@dataclass(frozen=True)
class Proof:
    """What a provider vouches for, its signature verified. Degrees of WGS-84; amounts in fen.

    `body` is the raw request: a repeat of `webhook_id` must bring the same bytes.
    """

    provider_id: UUID
    webhook_id: str
    body: bytes
    session_id: UUID
    nonce: str
    anchor_id: UUID
    lat: float
    lon: float
    confidence: float
    order_fen: int | None


@dataclass(frozen=True)
class Accepted:
    """A completed session; the same for every delivery of its proof."""

    session_id: UUID
    outcome: ArOutcome
    done_at: datetime


@dataclass(frozen=True)
class Gates:
    """What the use cases ask on the way: the claim its gate, the redemption its risk gate."""

    claim: Gate
    risk: RiskGate


def prove(session: Session, gates: Gates, proof: Proof, *, now: datetime) -> Accepted:
    """Complete the proof's session: grant a claim or redeem a voucher, for the session's resident.

    Raises:
        WebhookIdReusedError: the id came before with another body.
        ArSessionUnknownError: no such session at any anchor of this provider.
        ArProofRefusedError: the subclass says what does not hold.
        ProblemError: whatever the claim or the redemption itself refuses.
    """
    if not _claim_webhook_id(session, proof):
        repeated = _answered_before(session, proof)
        if repeated is not None:
            return repeated
    intent = _intent(session, proof)
    _check(intent, proof, now)
    voucher_id, redemption_id, brought = _bring(session, gates, intent, now)
    # One conditional UPDATE decides: whoever comes second, or too late, undoes all of the above.
    done = session.execute(
        update(ArSession)
        .where(
            ArSession.id == intent.id,
            ArSession.state == ArSessionState.OPEN,
            ArSession.expires_at > now,
        )
        .values(
            state=ArSessionState.DONE,
            done_at=now,
            voucher_id=voucher_id,
            redemption_id=redemption_id,
        )
        .returning(ArSession.id)
    ).scalar_one_or_none()
    if done is None:
        raise ArSessionUsedError
    call_back(session, intent, DONE_TYPE, _told(intent, brought, now), now=now)
    keep_within_caps(session, proof.provider_id, brought, now=now)
    return Accepted(intent.id, ArOutcome(intent.anchor.outcome), now)


def _claim_webhook_id(session: Session, proof: Proof) -> bool:
    """Whether this delivery is the first of its id, and the first for its session."""
    claimed = session.execute(
        insert(ArEvent)
        .values(
            provider_id=proof.provider_id,
            webhook_id=proof.webhook_id,
            session_id=proof.session_id,
            fingerprint=_fingerprint(proof),
        )
        .on_conflict_do_nothing()
        .returning(ArEvent.webhook_id)
    ).scalar_one_or_none()
    return claimed is not None


def _answered_before(session: Session, proof: Proof) -> Accepted | None:
    """The answer this id was given; None if the id is new and only its session is not."""
    event = session.get(ArEvent, (proof.provider_id, proof.webhook_id))
    if event is None:
        return None
    if event.fingerprint != _fingerprint(proof):
        raise WebhookIdReusedError
    intent = _intent(session, proof)
    assert intent.done_at is not None, "an accepted event commits with its session"
    return Accepted(intent.id, ArOutcome(intent.anchor.outcome), intent.done_at)


def _intent(session: Session, proof: Proof) -> ArSession:
    """The session, if it waits at an anchor of this provider; another's is as good as none."""
    intent = session_with_provider(session, proof.session_id)
    if intent is None or intent.anchor.provider_id != proof.provider_id:
        raise ArSessionUnknownError
    return intent


def _check(intent: ArSession, proof: Proof, now: datetime) -> None:
    """Everything that must hold of a proof before it brings anything."""
    anchor = intent.anchor
    if not (
        hmac.compare_digest(intent.nonce.encode(), proof.nonce.encode())
        and proof.anchor_id == anchor.id
        and proof.order_fen == intent.order_fen
    ):
        raise ArProofMismatchError
    if intent.state != ArSessionState.OPEN:
        raise ArSessionUsedError
    if intent.expires_at <= now:
        raise ArSessionExpiredError
    if not is_open(anchor, now):
        raise ArAnchorClosedError
    if proof.confidence < anchor.confidence_min:
        raise ArConfidenceTooLowError
    if distance_m(anchor.lat, anchor.lon, proof.lat, proof.lon) > anchor.radius_m:
        raise ArOutsideFenceError


def _bring(
    session: Session, gates: Gates, intent: ArSession, now: datetime
) -> tuple[UUID, UUID | None, Brought]:
    """Do what the anchor promises; returns the voucher, a redeem's redemption, and their worth."""
    match ArOutcome(intent.anchor.outcome):
        case ArOutcome.AWARD:
            release_id, node_id = intent.anchor.release_id, intent.anchor.provider.node_id
            assert release_id is not None, "award_has_release"
            face_fen = award_face_fen(session, release_id, node_id)
            voucher_id = _award(session, gates.claim, intent.resident_id, release_id)
            return voucher_id, None, Brought(award_count=1, award_fen=face_fen)
        case ArOutcome.REDEEM:
            voucher_id, redemption_id = _redeem(session, gates.risk, intent, now)
            discount_fen = session.get_one(Redemption, redemption_id).discount_fen
            return voucher_id, redemption_id, Brought(redeem_fen=discount_fen)
        case unknown:
            assert_never(unknown)


def _told(intent: ArSession, brought: Brought, now: datetime) -> dict[str, object]:
    """What the provider is told of a session that is done: of an order, what is left to pay."""
    if intent.order_fen is None:
        return {"done_at": now}
    return {"done_at": now, "order_fen": intent.order_fen, "discount_fen": brought.redeem_fen}


def _award(session: Session, gate: Gate, resident_id: UUID, release_id: UUID) -> UUID:
    """Claim the resident's next voucher of the release; the claim knows the limit."""
    while True:
        command = ClaimCommand(
            release_id=release_id,
            resident_id=resident_id,
            ordinal=_next_ordinal(session, release_id, resident_id),
            channel=Channel.AR,
        )
        (outcome,) = claim(session, gate, [command])
        match outcome:
            case Granted(voucher, repeated=False):
                return voucher.voucher_id
            case Granted():
                continue  # another visit of theirs was faster; this one earns the next
            case Refused(error):
                raise error
            case unknown:
                assert_never(unknown)


def _next_ordinal(session: Session, release_id: UUID, resident_id: UUID) -> int:
    """The lowest that no voucher of theirs has."""
    held = set(
        session.scalars(
            select(Voucher.ordinal).where(
                Voucher.release_id == release_id, Voucher.resident_id == resident_id
            )
        )
    )
    return next(number for number in count(1) if number not in held)


def _redeem(
    session: Session, risk: RiskGate, intent: ArSession, now: datetime
) -> tuple[UUID, UUID]:
    """Redeem at the anchor's virtual store. The order's number comes from the session: a session
    is one order, however it is delivered.
    """
    anchor = intent.anchor
    assert anchor.store_id is not None, "redeem_has_store"
    assert intent.voucher_id is not None, "begin demands it"
    assert intent.order_fen is not None, "begin demands it"
    command = RedeemCommand(
        showings=[Showing(intent.voucher_id)],
        at=At(store_id=anchor.store_id),
        order_no=f"ar-{intent.id.hex}",
        order=Order(intent.order_fen, intent.order_fen),
        channel=Channel.VIRTUAL,
    )
    (outcome,) = redeem(session, [command], risk=risk, now=now)
    if isinstance(outcome, Refusal):
        raise outcome.error
    return intent.voucher_id, outcome.receipt.lines[0].redemption_id


def _fingerprint(proof: Proof) -> bytes:
    return sha256(proof.body).digest()
