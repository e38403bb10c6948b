"""A family member's coupons, and claiming for them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from coupon_service.campaigns.eligibility import Eligibility
from coupon_service.campaigns.models import Campaign, Channel, Mode, Release, ReleaseState
from coupon_service.campaigns.queries import offered_releases, release_or_refuse
from coupon_service.core.auth import Kind, principal, require
from coupon_service.core.clock import db_now, local_date
from coupon_service.core.db import transaction
from coupon_service.core.errors import ConflictError, TooManyRequestsError, UnavailableError
from coupon_service.core.resources import resources
from coupon_service.issuance.device import remember_device
from coupon_service.issuance.for_family import claim_for_family
from coupon_service.mobile.wallet import ENDING_SOON, Shelf, shelf_of
from coupon_service.residents.errors import NotYourFamilyError
from coupon_service.residents.family_desk import own_principals
from coupon_service.residents.household import Principal, acting_for, age
from coupon_service.vouchers.models import Voucher
from coupon_service.vouchers.queries import wallet

OFFERS_SHOWN_MAX = 40


@dataclass(frozen=True)
class FamilyOffer:
    """A release, and which coupon of it would be theirs: the first, the second, …"""

    release: Release
    next_ordinal: int


bp = Blueprint("mobile_family", __name__)
bp.after_request(remember_device)


@bp.get("/household/<uuid:principal_id>")
@require(Kind.RESIDENT, real_name=True)
def family_wallet(principal_id: UUID) -> str:
    """The vouchers of somebody one acts for, and what can be claimed for them now."""
    with transaction(resources().sessions) as session:
        now = db_now(session)
        person = _person(session, principal_id)
        vouchers = wallet(session, principal_id)
        offers = _offers(session, person, vouchers, now)
    shelves: dict[Shelf, list[Voucher]] = {key: [] for key in Shelf}
    for voucher in sorted(vouchers, key=lambda voucher: voucher.expires_at):
        shelves[shelf_of(voucher, now)].append(voucher)
    return render_template(
        "mobile/family_wallet.html",
        person=person,
        shelves=shelves,
        offers=offers,
        now=now,
        soon=now + ENDING_SOON,
    )


@bp.get("/household/claim/<uuid:release_id>")
@require(Kind.RESIDENT, real_name=True)
def choose_person(release_id: UUID) -> str:
    """For whom to claim from this release."""
    with transaction(resources().sessions) as session:
        release = release_or_refuse(session, release_id)
    return render_template(
        "mobile/family_claim.html",
        release=release,
        persons=own_principals(),
        ticket=request.args.get("ticket", ""),
    )


@bp.get("/household/<uuid:principal_id>/claim/<uuid:release_id>")
@require(Kind.RESIDENT, real_name=True)
def confirm_claim(principal_id: UUID, release_id: UUID) -> str:
    """Ask once more before claiming for somebody else."""
    with transaction(resources().sessions) as session:
        person = _person(session, principal_id)
        release = release_or_refuse(session, release_id)
    return render_template("mobile/family_claim.html", release=release, persons=[person], ticket="")


@bp.post("/household/<uuid:principal_id>/claim/<uuid:release_id>")
@require(Kind.RESIDENT, real_name=True)
def do_claim(principal_id: UUID, release_id: UUID) -> ResponseReturnValue:
    """Claim for a member of the family, and show the voucher or say why not."""
    ordinal = request.form.get("ordinal", "1")
    number = int(ordinal) if ordinal.isascii() and ordinal.isdigit() and len(ordinal) < 4 else 1
    try:
        granted = claim_for_family(
            principal().id,
            release_id,
            for_resident_id=principal_id,
            ordinal=max(number, 1),
            ticket=request.form.get("ticket"),
        )
    except (ConflictError, TooManyRequestsError, UnavailableError) as error:
        page = render_template("mobile/family_refused.html", error=error, person_id=principal_id)
        headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
        return page, int(error.status), headers
    address = url_for("mobile_wallet.voucher", voucher_id=granted.voucher.voucher_id, claimed=1)
    return redirect(address, HTTPStatus.SEE_OTHER)


def _person(session: Session, principal_id: UUID) -> Principal:
    everybody = acting_for(session, resources().vault, principal().id)
    found = next((one for one in everybody if one.id == principal_id), None)
    if found is None:
        raise NotYourFamilyError
    return found


def _offers(
    session: Session, person: Principal, held: Sequence[Voucher], now: datetime
) -> list[FamilyOffer]:
    """What a press of a button can claim for them at this moment; the claim decides for itself."""
    had = Counter(voucher.release_id for voucher in held)
    offers = [
        FamilyOffer(release, had[release.id] + 1)
        for release in offered_releases(session, now)
        if release.opens_at <= now
        and release.state == ReleaseState.OPEN
        and release.mode == Mode.FIRST_COME
        and not release.waiting_room
        and Channel.ONLINE in release.campaign.claim_channels
        and had[release.id] < release.campaign.per_person
        and _of_age(release.campaign, person, now)
    ]
    return offers[:OFFERS_SHOWN_MAX]


def _of_age(campaign: Campaign, person: Principal, now: datetime) -> bool:
    conditions = Eligibility.of(campaign.eligibility)
    years = age(person.born_on, local_date(now)) if person.born_on else None
    if years is None:
        return True
    return conditions.min_age <= years <= (conditions.max_age or years)
