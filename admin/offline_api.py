"""`/api/v1/office/offline`: who may trade without a network, and the alarms of those who do."""

from datetime import datetime
from http import HTTPStatus
from typing import Self
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from admin import offline_acts
from admin.scope import district_id
from coupon_service.core.auth import OFFICE, Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Body, PositiveFen, Problem, View
from redemption.offline.models import AlarmKind, LossPolicy
from redemption.offline.queries import OpenAlarm, open_alarms

bp = APIBlueprint(
    "office_offline_api",
    __name__,
    url_prefix="/api/v1/office/offline",
    abp_tags=[Tag(name="Office")],
)
_OFFICE: list[dict[str, list[str]]] = [{"office": []}]
_NOTHING = ("", HTTPStatus.NO_CONTENT)


class MerchantPath(BaseModel):
    season_id: UUID
    merchant_id: UUID


class AlarmPath(BaseModel):
    alarm_id: UUID


class SeasonPath(BaseModel):
    season_id: UUID


class AllowBody(Body):
    """That a merchant's tills may trade offline, or no longer."""

    policy: LossPolicy = Field(description="Who bears a voucher that was used elsewhere first")
    is_allowed: bool = True


class MoneyBody(Body):
    """Money of the season's treasury that covers losses."""

    amount_fen: PositiveFen


class ClearBody(Body):
    reason: str = Field(min_length=1, max_length=500)


class AlarmView(View):
    """A till whose offline records do not follow each other."""

    alarm_id: UUID
    kind: AlarmKind
    merchant: str
    store: str
    till: str
    till_id: UUID
    device_id: UUID
    seq: int
    raised_at: datetime

    @classmethod
    def of(cls, alarm: OpenAlarm) -> Self:
        return cls(alarm_id=alarm.id, **{k: v for k, v in vars(alarm).items() if k != "id"})


class AlarmList(View):
    alarms: list[AlarmView]


@bp.put(
    "/seasons/<uuid:season_id>/merchants/<uuid:merchant_id>",
    responses={204: None, 403: Problem, 404: Problem},
    security=_OFFICE,
)
@require(Kind.OFFICIAL)
def set_merchant(path: MerchantPath, body: AllowBody) -> tuple[str, HTTPStatus]:
    """Let a merchant trade offline with a season's vouchers, or end it."""
    with transaction(resources().sessions) as session:
        offline_acts.set_merchant(
            session,
            principal(),
            path.merchant_id,
            path.season_id,
            body.policy,
            is_allowed=body.is_allowed,
            now=db_now(session),
        )
    return _NOTHING


@bp.post("/seasons/<uuid:season_id>/money", responses={204: None, 409: Problem}, security=_OFFICE)
@require(Kind.OFFICIAL)
def add_money(path: SeasonPath, body: MoneyBody) -> tuple[str, HTTPStatus]:
    """Set money of the treasury aside for what offline tills may cost the district."""
    with transaction(resources().sessions) as session:
        offline_acts.set_aside(
            session, principal(), path.season_id, body.amount_fen, now=db_now(session)
        )
    return _NOTHING


@bp.get("/alarms", responses={200: AlarmList}, security=_OFFICE)
@require(*OFFICE)
def list_alarms() -> Response:
    """The alarms that wait for an official, oldest first."""
    with transaction(resources().sessions) as session:
        views = [AlarmView.of(alarm) for alarm in open_alarms(session, district_id())]
    return jsonify(AlarmList(alarms=views).model_dump())


@bp.post("/alarms/<uuid:alarm_id>/clear", responses={204: None, 404: Problem}, security=_OFFICE)
@require(Kind.OFFICIAL)
def clear_alarm(path: AlarmPath, body: ClearBody) -> tuple[str, HTTPStatus]:
    """The till may trade offline again, with a new key and a new chain."""
    with transaction(resources().sessions) as session:
        offline_acts.clear(
            session, principal(), path.alarm_id, reason=body.reason, now=db_now(session)
        )
    return _NOTHING
