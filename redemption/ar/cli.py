"""`coupon-service ar-keys`."""

from datetime import timedelta

import click

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from redemption.ar.errors import ArProviderUnknownError
from redemption.ar.keys import GRACE_DAYS, rotate_secret


@click.command("ar-keys")
@click.argument("provider")
@click.option(
    "--grace-days",
    type=click.IntRange(0, 90),
    default=GRACE_DAYS,
    show_default=True,
    help="How long the present secret stays good; 0 if it leaked.",
)
def ar_keys(provider: str, grace_days: int) -> None:
    """Give the AR provider with the code PROVIDER a new signing secret, and print it once."""
    held = resources()
    try:
        with transaction(held.sessions) as session:
            secret = rotate_secret(
                session,
                held.vault,
                provider,
                now=db_now(session),
                grace=timedelta(days=grace_days),
            )
    except ArProviderUnknownError as error:
        raise click.ClickException(error.title) from None
    click.echo(secret)
