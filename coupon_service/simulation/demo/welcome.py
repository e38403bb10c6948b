"""What a newcomer is told once the demo runs: how to sign in as whom, and a voucher to scan."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.core.auth import Kind
from coupon_service.core.clock import LOCAL_ZONE, db_now
from coupon_service.core.resources import resources
from coupon_service.issuance.codes.code_text import shown as shown_code
from coupon_service.issuance.gate import gate
from coupon_service.residents.models import Resident
from coupon_service.simulation.demo.load import ensure_demo
from coupon_service.simulation.demo.means import Means
from coupon_service.simulation.demo.people import COMMUNITY_RELEASE, community_code
from coupon_service.simulation.demo.sign_ins import SignIn, describe
from coupon_service.vouchers.models import VoucherState
from coupon_service.vouchers.qr import qr_terminal
from coupon_service.vouchers.queries import wallet
from coupon_service.vouchers.show import show


def load_demo(session: Session) -> bool:
    """Load the demo season unless the database has a season; returns whether it was loaded."""
    held = resources()
    means = Means(settings=held.settings, vault=held.vault, gate=gate())
    return ensure_demo(session, means, now=db_now(session)) is not None


def welcome(session: Session, url: str) -> str:
    """How to be each of the demo's people at `url`, and one of their vouchers as a QR code.

    Empty if the database holds something else than the demo.
    """
    held = resources()
    sign_ins = describe(held.settings)
    phone = next(one.name for one in sign_ins if one.role is Kind.RESIDENT)
    resident = session.scalars(
        select(Resident).where(Resident.phone_index == held.vault.index("phone", phone))
    ).one_or_none()
    if resident is None:
        return ""
    now = db_now(session)
    code = shown_code(community_code(held.settings, COMMUNITY_RELEASE))
    lines = [
        *_people(sign_ins, url, now),
        f"{url}/codes",
        f"  {'community':<15} {code}",
        *_voucher(session, resident, phone, now),
    ]
    return "\n".join(lines)


def _people(sign_ins: Sequence[SignIn], url: str, now: datetime) -> Iterator[str]:
    for where, group in groupby(sign_ins, key=lambda one: one.where):
        yield f"{url}{where}"
        for one in group:
            role = one.role.value.replace("_", " ")
            yield f"  {role:<15} {one.name:<20} {one.secret or 'the page shows the code'}"
            if one.totp_secret:
                yield (
                    f"  {'':<15} {'authenticator':<20} {one.totp_secret} "
                    f"(now {one.one_time_code(now)})"
                )


def _voucher(session: Session, resident: Resident, phone: str, now: datetime) -> Iterator[str]:
    for voucher in wallet(session, resident.id):
        usable = voucher.valid_from <= now < voucher.expires_at
        if voucher.state == VoucherState.ISSUED and usable:
            shown = show(session, voucher, now=now)
            until = shown.token_expires_at.astimezone(LOCAL_ZONE)
            yield f"A voucher of {phone}: scan it at a till until {until:%H:%M:%S} Beijing time,"
            yield f"or type {shown.typed_code}."
            yield qr_terminal(shown.token)
            return
