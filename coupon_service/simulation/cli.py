"""`coupon-service demo`."""

import sys
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from sqlalchemy import select

from coupon_service.core.auth import Kind
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.issuance.gate import gate
from coupon_service.residents.models import Resident
from coupon_service.simulation.demo_people import demo_residents
from coupon_service.simulation.load import Means, ensure_demo
from coupon_service.simulation.season_files import check_season
from coupon_service.simulation.sign_ins import describe
from coupon_service.vouchers.models import Voucher, VoucherState
from coupon_service.vouchers.qr import qr_terminal
from coupon_service.vouchers.queries import own_voucher
from coupon_service.vouchers.show import show

ROLE_NAMES = {
    Kind.RESIDENT: "resident",
    Kind.TILL: "till",
    Kind.MERCHANT_OWNER: "merchant",
    Kind.OFFICIAL: "official",
    Kind.AUDITOR: "auditor",
    Kind.ADMINISTRATOR: "administrator",
}


@click.command()
@click.option(
    "--check",
    "path",
    type=click.Path(exists=True, path_type=Path),
    help="Check a season's file or folder of your own, load nothing, and name every fault.",
)
@click.option("--qr/--no-qr", default=True, help="Draw a voucher in the terminal.")
def demo(path: Path | None, qr: bool) -> None:
    """Load the demo season into an empty database, and show how to sign in.

    A database that has a season keeps it. Never in production.
    """
    if path is not None:
        _check(path)
        return
    held = resources()
    with transaction(held.sessions) as session:
        now = db_now(session)
        loaded = ensure_demo(session, Means(held.settings, held.vault, gate()), now=now)
    console = Console(highlight=False, soft_wrap=True)
    if loaded is not None:
        console.print(
            f"Demo season: {loaded.node_count} budget nodes, {len(loaded.store_ids)} stores,"
            f" {loaded.till_count} tills, {len(loaded.release_ids)} releases."
        )
    console.print(_sign_ins(now), markup=False)
    if qr:
        _draw_voucher(console)


def _check(path: Path) -> None:
    faults = check_season(path)
    for fault in faults:
        click.echo(str(fault), err=True)
    if faults:
        click.echo(f"{len(faults)} faults.", err=True)
        sys.exit(1)
    click.echo("No faults.")


def _sign_ins(now: datetime) -> str:
    """One line each, unbroken: keys are there to be copied."""
    lines = ["Demo sign-ins (a resident's code is shown on the sign-in page):"]
    for sign_in in describe(resources().settings):
        code = sign_in.one_time_code(now)
        parts = [sign_in.name, sign_in.secret, f"code {code}" if code else ""]
        secrets = "  ".join(part for part in parts if part)
        lines.append(f"  {ROLE_NAMES[sign_in.role]:<14}{sign_in.where:<12}{secrets}")
    return "\n".join(lines)


def _draw_voucher(console: Console) -> None:
    """A voucher of the first demo resident, as a till would scan it."""
    held = resources()
    phone_index = held.vault.index("phone", demo_residents()[0].phone)
    with transaction(held.sessions) as session:
        voucher = session.scalars(
            select(Voucher)
            .join(Resident, Resident.id == Voucher.resident_id)
            .where(Resident.phone_index == phone_index, Voucher.state == VoucherState.ISSUED)
            .order_by(Voucher.id)
            .limit(1)
        ).one_or_none()
        if voucher is None:
            return
        voucher = own_voucher(session, voucher.resident_id, voucher.id)
        shown = show(session, voucher, now=db_now(session))
        name = voucher.release.campaign.name
    console.print(qr_terminal(shown.token), markup=False)
    console.print(f"A voucher of the first resident, {name}; to type: {shown.typed_code}")
