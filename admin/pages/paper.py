"""A paper voucher: the sheet an official prints, in type that old eyes read."""

from http import HTTPStatus
from uuid import UUID

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from admin.pages.blueprint import bp
from admin.print_paper import print_paper, voucher_of_district
from admin.scope import district_id
from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ConflictError
from coupon_service.core.resources import resources
from coupon_service.vouchers.models import VoucherState
from coupon_service.vouchers.paper import paper_of, paper_text
from coupon_service.vouchers.qr import PAPER_LOOK, qr_svg
from merchants.queries import stores_for

STORES_NAMED = 3


@bp.get("/paper/<uuid:voucher_id>")
@require(Kind.OFFICIAL)
def show_paper(voucher_id: UUID) -> str:
    """The sheet that was printed last, ready for the printer; or the button that makes one."""
    return _page(voucher_id)


@bp.post("/paper/<uuid:voucher_id>")
@require(Kind.OFFICIAL)
def do_print_paper(voucher_id: UUID) -> ResponseReturnValue:
    """Make a sheet; an earlier one works no longer."""
    try:
        with transaction(resources().sessions) as session:
            print_paper(session, principal(), voucher_id, now=db_now(session))
    except ConflictError as refusal:
        return _page(voucher_id, refusal=refusal), refusal.status
    return redirect(url_for("admin.show_paper", voucher_id=voucher_id), HTTPStatus.SEE_OTHER)


def _page(voucher_id: UUID, *, refusal: ConflictError | None = None) -> str:
    with transaction(resources().sessions) as session:
        now = db_now(session)
        voucher = voucher_of_district(session, district_id(), voucher_id)
        campaign = voucher.release.campaign
        usable = voucher.state == VoucherState.ISSUED and voucher.expires_at > now
        paper = paper_of(session, voucher_id) if usable else None
        text = paper_text(session, voucher, paper) if paper else None
        stores = stores_for(session, campaign)
    return render_template(
        "admin/paper.html",
        tab="counter",
        voucher=voucher,
        campaign=campaign,
        usable=usable,
        paper=paper,
        # Drawn by this service from its own code: nothing of a visitor is in it.
        qr=Markup(qr_svg(text, PAPER_LOOK)) if text else None,  # noqa: S704
        stores=[store.name for store in stores],
        stores_named=STORES_NAMED,
        refusal=refusal,
        now=now,
    )
