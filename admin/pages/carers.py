"""The relatives of a visitor at the counter who ask to act for them."""

from collections.abc import Sequence
from http import HTTPStatus
from uuid import UUID

from flask import redirect
from flask.typing import ResponseReturnValue

from admin.counter.confirm_carer import WaitingCarer, carers_waiting, confirm_carer
from admin.pages.blueprint import bp
from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources


@bp.app_template_global("carers_waiting")
def of_visitor(resident_id: UUID) -> Sequence[WaitingCarer]:
    """Who waits for this visitor's yes."""
    held = resources()
    with transaction(held.sessions) as session:
        return carers_waiting(session, held.vault, resident_id)


@bp.post("/counter/<uuid:visit_id>/carers/<uuid:proxy_id>")
@require(Kind.OFFICIAL)
def confirm_visitors_carer(visit_id: UUID, proxy_id: UUID) -> ResponseReturnValue:
    """The visitor agrees."""
    with transaction(resources().sessions) as session:
        confirm_carer(session, principal(), visit_id, proxy_id, now=db_now(session))
    return redirect(f"/admin/counter/{visit_id}", HTTPStatus.SEE_OTHER)
