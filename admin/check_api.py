"""`/api/v1/office/invariants`: does everything hold that always must?"""

from datetime import datetime

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from coupon_service.core.auth import OFFICE, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.invariants import violations
from coupon_service.core.limits import limiter
from coupon_service.core.resources import resources
from coupon_service.core.schemas import View

bp = APIBlueprint(
    "office_check_api", __name__, url_prefix="/api/v1/office", abp_tags=[Tag(name="Office")]
)


class ViolationView(View):
    """Something that does not hold: which invariant, and what was found instead."""

    invariant: str
    found: str


class InvariantsView(View):
    as_of: datetime
    checked: int = Field(description="How many invariants there are")
    violations: list[ViolationView]


def _official() -> str:
    return principal().id.hex


@bp.get("/invariants", responses={200: InvariantsView}, security=[{"office": []}])
@require(*OFFICE)
@limiter.limit("12/minute", key_func=_official)  # it reads every table
def check_invariants() -> Response:
    """Judge every invariant of ledger, seats, redemptions and settlement on one snapshot, now."""
    held = resources()
    with transaction(held.sessions) as snapshot:
        found = violations(snapshot, held.invariants)
        view = InvariantsView(
            as_of=db_now(snapshot),
            checked=len(held.invariants),
            violations=[ViolationView(invariant=one.invariant, found=one.found) for one in found],
        )
    return jsonify(view.model_dump())
