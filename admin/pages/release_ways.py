"""Claim codes and award rules on a release's page."""

from http import HTTPStatus
from uuid import UUID

from flask import make_response, redirect, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from admin import release_acts as acts
from admin.pages.blueprint import bp
from admin.pages.releases import decided, release_page
from admin.release_api import code_address
from admin.release_forms import code_form, rule_form
from admin.release_queries import facts_of
from admin.scope import district_id
from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ConflictError, InvalidRequestError
from coupon_service.core.resources import resources
from coupon_service.issuance.codes.code_text import shown
from coupon_service.vouchers.qr import PAPER_LOOK, qr_svg


@bp.post("/releases/<uuid:release_id>/codes")
@require(Kind.OFFICIAL)
def create_code(release_id: UUID) -> ResponseReturnValue:
    """Make a claim code and show it, once, as a sheet that can be printed."""
    held = resources()
    try:
        body = code_form()
        with transaction(held.sessions) as session:
            made = acts.create_code(session, held.vault, principal(), release_id, body)
            release = facts_of(session, district_id(), release_id).release
    except (ConflictError, InvalidRequestError) as refusal:
        return make_response(release_page(release_id, refusal=refusal), refusal.status)
    page = render_template(
        "admin/claim_code.html",
        tab="releases",
        release=release,
        campaign=release.campaign,
        code=shown(made.code),
        address=code_address(made.code),
        # Drawn by this service from its own address: nothing of a visitor is in it.
        qr=Markup(qr_svg(code_address(made.code), PAPER_LOOK)),  # noqa: S704
        body=body,
    )
    return make_response(page, HTTPStatus.CREATED)


@bp.post("/claim-codes/<uuid:code_id>/stop")
@require(Kind.OFFICIAL)
def stop_code(code_id: UUID) -> ResponseReturnValue:
    """Let a claim code work no longer."""
    with transaction(resources().sessions) as session:
        release_id = acts.end_code(session, principal(), code_id, now=db_now(session))
    return redirect(f"/admin/releases/{release_id}#codes", HTTPStatus.SEE_OTHER)


@bp.post("/releases/<uuid:release_id>/award-rules")
@require(Kind.OFFICIAL)
def create_rule(release_id: UUID) -> ResponseReturnValue:
    """Let redemptions earn coupons of this release."""
    who = principal()
    return decided(
        release_id, lambda session, _now: acts.create_rule(session, who, release_id, rule_form())
    )


@bp.post("/award-rules/<uuid:rule_id>/end")
@require(Kind.OFFICIAL)
def end_rule(rule_id: UUID) -> ResponseReturnValue:
    """Let a rule earn nobody anything any more."""
    with transaction(resources().sessions) as session:
        release_id = acts.end_award_rule(session, principal(), rule_id)
    return redirect(f"/admin/releases/{release_id}#rules", HTTPStatus.SEE_OTHER)
