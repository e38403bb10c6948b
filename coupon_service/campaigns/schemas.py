"""Releases on the wire."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from coupon_service.campaigns.models import Release
from coupon_service.campaigns.terms import ALWAYS_EXCLUDED
from coupon_service.core.schemas import View

Window = tuple[str, str]


class SlotView(View):
    """A window of a day and its capacity; of the days from `from_day` to before `until_day`."""

    hours: Window
    capacity: int
    from_day: date | None = None
    until_day: date | None = None


class ReleaseView(View):
    """A release with the terms of its campaign. Amounts in fen, rates in basis points."""

    release_id: UUID
    number: int
    name: str
    state: str
    mode: str
    waiting_room: bool
    quantity: int
    opens_at: datetime
    closes_at: datetime
    campaign_id: UUID
    campaign: str
    summary: str
    season_id: UUID
    face_fen: int
    rate_bp: int | None
    threshold_fen: int
    threshold_basis: str
    min_pay_fen: int
    weekdays: list[int] | None = Field(description="ISO, Monday is 1; on all of them if absent")
    hours: list[Window] | None = Field(
        description="Local times; one that crosses midnight belongs to the day it begins on"
    )
    slots: list[SlotView] = Field(description="How many a store takes in a window of a day")
    excluded_goods: list[str] = Field(description="Kinds of goods it is not for")
    stacking: str = Field(description="`alone`, `with_others`, or `any`")
    per_order_max: int | None
    per_person: int
    valid_from: datetime
    valid_until: datetime
    valid_days: int | None
    refund_policy: str
    claim_channels: list[str]
    redeem_channels: list[str]

    @classmethod
    def of(cls, release: Release) -> Self:
        campaign = release.campaign
        return cls(
            release_id=release.id,
            number=release.number,
            name=release.name,
            state=release.state,
            mode=release.mode,
            waiting_room=release.waiting_room,
            quantity=release.quantity,
            opens_at=release.opens_at,
            closes_at=release.closes_at,
            campaign_id=campaign.id,
            campaign=campaign.name,
            summary=campaign.summary,
            season_id=campaign.season_id,
            face_fen=campaign.face_fen,
            rate_bp=campaign.rate_bp,
            threshold_fen=campaign.threshold_fen,
            threshold_basis=campaign.threshold_basis,
            min_pay_fen=campaign.min_pay_fen,
            weekdays=campaign.scope.get("weekdays"),
            hours=campaign.scope.get("hours"),
            slots=[SlotView.model_validate(slot) for slot in campaign.slots],
            excluded_goods=sorted(ALWAYS_EXCLUDED.union(campaign.excluded_goods)),
            stacking=campaign.stacking,
            per_order_max=campaign.per_order_max,
            per_person=campaign.per_person,
            valid_from=campaign.valid_from,
            valid_until=campaign.valid_until,
            valid_days=campaign.valid_days,
            refund_policy=campaign.refund_policy,
            claim_channels=campaign.claim_channels,
            redeem_channels=campaign.redeem_channels,
        )


class ReleaseList(View):
    server_time: datetime
    releases: list[ReleaseView]
