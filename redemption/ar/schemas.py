"""The wire of the AR hook: residents' sessions, public anchors, and the provider's CloudEvent."""

from datetime import datetime, time
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from coupon_service.core.schemas import Body, PositiveFen, View
from redemption.ar.models import ArAnchor, ArOutcome, ArSession, ArSessionState
from redemption.ar.queries import OwnSession

Standing = Literal["open", "expired", "done"]

EVENT_TYPE = "coupon-service.ar.presence.v1"
_HANDOVER = "AR1"
EVENT_MEDIA_TYPE = "application/cloudevents+json"

PROVIDER_CODE = r"^[a-z0-9][a-z0-9-]{0,39}$"
ANCHOR_CODE = r"^[a-z0-9][a-z0-9-]{0,63}$"

Latitude = Annotated[float, Field(strict=True, ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(strict=True, ge=-180, le=180, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Short = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=256)]


class ProviderPath(Body):
    provider: str = Field(pattern=PROVIDER_CODE, description="The provider's code")


class SessionPath(Body):
    session_id: UUID


class AnchorQuery(Body):
    after: str | None = Field(None, pattern=ANCHOR_CODE, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=100)


class StartSessionBody(Body):
    """A resident's intent. Voucher and order belong to a redeem anchor, and only there."""

    anchor_id: UUID
    voucher_id: UUID | None = None
    order_fen: PositiveFen | None = None


class Presence(Body):
    """What the provider vouches for: the session's bearer was seen at this place."""

    session_id: UUID
    nonce: str = Field(min_length=1, max_length=64, description="As the session gave it")
    anchor_id: UUID
    lat: Latitude = Field(description="Degrees of WGS-84, not GCJ-02 or BD-09")
    lon: Longitude = Field(description="Degrees of WGS-84, not GCJ-02 or BD-09")
    confidence: Share = Field(description="How sure the provider is, 0 to 1")
    order_fen: PositiveFen | None = Field(
        None, description="The order at a redeem anchor's virtual store; equal to the session's"
    )


class PresenceEvent(Body):
    """CloudEvents 1.0, structured mode, JSON. Of the optional attributes only these are taken."""

    specversion: Literal["1.0"]
    id: Short
    source: Short
    type: Literal["coupon-service.ar.presence.v1"]
    time: AwareDatetime | None = None
    subject: Short | None = None
    datacontenttype: Literal["application/json"] | None = None
    traceparent: Short | None = None
    tracestate: Short | None = None
    data: Presence


class AnchorView(View):
    anchor_id: UUID
    code: str
    name: str
    outcome: ArOutcome
    lat: float
    lon: float
    radius_m: float
    release_id: UUID | None
    store_id: UUID | None
    opens: time = Field(description="Local; the same as `closes`: always open")
    closes: time = Field(description="Local; before `opens`: on the next day")
    starts_at: datetime | None
    ends_at: datetime | None

    @classmethod
    def of(cls, anchor: ArAnchor) -> Self:
        return cls(
            anchor_id=anchor.id,
            code=anchor.code,
            name=anchor.name,
            outcome=ArOutcome(anchor.outcome),
            lat=anchor.lat,
            lon=anchor.lon,
            radius_m=anchor.radius_m,
            release_id=anchor.release_id,
            store_id=anchor.store_id,
            opens=anchor.opens,
            closes=anchor.closes,
            starts_at=anchor.starts_at,
            ends_at=anchor.ends_at,
        )


class AnchorListView(View):
    items: list[AnchorView]
    next: str | None = Field(description="Pass as `after` for the next page")


def handover_of(session_id: UUID, nonce: str) -> str:
    """What a terminal needs to know of a session, as one text: `AR1.<32 hex digits>.<nonce>`."""
    return f"{_HANDOVER}.{session_id.hex}.{nonce}"


def read_handover(text: str) -> tuple[UUID, str]:
    """Session and nonce out of what `handover_of` wrote.

    Raises:
        ValueError: it is nothing of the kind.
    """
    match text.strip().split("."):
        case [kind, session_id, nonce] if kind == _HANDOVER and nonce:
            return UUID(hex=session_id), nonce
    raise ValueError("a session's code looks like AR1.<session>.<nonce>")


class StartedSessionView(View):
    """The one-time intent. The nonce is shown here and nowhere else."""

    session_id: UUID
    nonce: str
    expires_at: datetime
    anchor: AnchorView
    handover: str = Field(
        description="Both of them in one text, for a QR code that the platform's terminal reads"
    )


def state_at(session: ArSession, now: datetime) -> Standing:
    """How a session stands at that moment."""
    if session.state == ArSessionState.DONE:
        return "done"
    return "expired" if session.expires_at <= now else "open"


class SessionView(View):
    """What became of a session. `discount_fen` is what a redemption took off the order."""

    session_id: UUID
    state: Standing
    outcome: ArOutcome
    anchor_id: UUID
    expires_at: datetime
    done_at: datetime | None
    voucher_id: UUID | None
    order_fen: int | None
    discount_fen: int | None
    refusal: str | None = Field(description="`slug` of what the latest proof was refused for")

    @classmethod
    def of(cls, own: OwnSession, now: datetime) -> Self:
        session = own.session
        return cls(
            session_id=session.id,
            state=state_at(session, now),
            outcome=ArOutcome(session.anchor.outcome),
            anchor_id=session.anchor_id,
            expires_at=session.expires_at,
            done_at=session.done_at,
            voucher_id=session.voucher_id,
            order_fen=session.order_fen,
            discount_fen=own.discount_fen,
            refusal=own.refusal if session.state == ArSessionState.OPEN else None,
        )


class AcceptedView(View):
    """All a provider learns: which session its proof completed, how and when. Never whose."""

    session_id: UUID
    outcome: ArOutcome
    done_at: datetime
