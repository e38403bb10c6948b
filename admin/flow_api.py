"""`/api/v1/office/flow`: the two-way traffic of a season, as data."""

from collections import defaultdict
from datetime import date
from typing import Self

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from admin.flow import Direction, FlowRow, flow_rows
from admin.queries import freeze, season_of
from admin.schemas import SeasonQuery
from admin.scope import district_id
from coupon_service.campaigns.models import Channel
from coupon_service.core.auth import OFFICE, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.core.schemas import Problem, View

bp = APIBlueprint(
    "office_flow_api", __name__, url_prefix="/api/v1/office", abp_tags=[Tag(name="Office")]
)


class FlowRowView(View):
    """Redemptions of one local day by where the vouchers were claimed and used. Amounts in fen."""

    day: date
    claim_channel: Channel
    redeem_channel: Channel
    direction: Direction
    count: int
    face_fen: int
    discount_fen: int
    turnover_fen: int

    @classmethod
    def of(cls, row: FlowRow) -> Self:
        return cls(direction=row.direction, **vars(row))


class DirectionView(View):
    """All of a season's redemptions in one direction. Amounts in fen."""

    direction: Direction
    count: int
    face_fen: int
    discount_fen: int
    turnover_fen: int


class FlowView(View):
    directions: list[DirectionView]
    rows: list[FlowRowView] = Field(description="By day and channels")


@bp.get("/flow", responses={200: FlowView, 404: Problem}, security=[{"office": []}])
@require(*OFFICE)
def show_flow(query: SeasonQuery) -> Response:
    """Where vouchers were claimed and where they were used, by day; traffic both ways."""
    with transaction(resources().sessions) as session:
        freeze(session)
        season = season_of(session, district_id(), query.season_id, db_now(session))
        rows = flow_rows(session, season.id)
    view = FlowView(directions=_directions(rows), rows=[FlowRowView.of(row) for row in rows])
    return jsonify(view.model_dump())


def _directions(rows: list[FlowRow]) -> list[DirectionView]:
    sums: dict[Direction, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in rows:
        amounts = (row.count, row.face_fen, row.discount_fen, row.turnover_fen)
        sums[row.direction] = [a + b for a, b in zip(sums[row.direction], amounts, strict=True)]
    return [
        DirectionView(
            direction=direction,
            count=sums[direction][0],
            face_fen=sums[direction][1],
            discount_fen=sums[direction][2],
            turnover_fen=sums[direction][3],
        )
        for direction in Direction
    ]
