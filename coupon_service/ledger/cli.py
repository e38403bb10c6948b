"""`coupon-service check`."""

import sys

import click

from coupon_service.core.db import transaction
from coupon_service.core.invariants import violations
from coupon_service.core.resources import resources


@click.command()
def check() -> None:
    """Check every invariant of ledger, seats, redemptions and settlement; exit 1 at a violation."""
    held = resources()
    with transaction(held.sessions) as snapshot:
        found = violations(snapshot, held.invariants)
    for violation in found:
        click.echo(f"BROKEN  {violation.invariant}: {violation.found}", err=True)
    if found:
        sys.exit(1)
    click.echo(f"All {len(held.invariants)} invariants hold.")
