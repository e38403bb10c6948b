"""`coupon-service keys`."""

from collections.abc import Callable

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.core.db import transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.resources import resources
from coupon_service.vouchers import keys as issuer
from coupon_service.vouchers.models import SigningKey


@click.group()
def keys() -> None:
    """List, publish, activate and revoke the keys that sign vouchers.

    \b
    To rotate: publish, wait until every till has seen the new key, activate,
    and revoke the old one when its last token has expired.
    """


@keys.command("list")
def list_() -> None:
    """Show every key with its state."""
    with transaction(resources().sessions) as session:
        issuer.keyring(session)
        for key in session.scalars(select(SigningKey).order_by(SigningKey.kid)):
            click.echo(
                f"{key.kid:>3}  {key.state:<12} {key.public_key.hex()}  {key.created_at:%F %T}Z"
            )


@keys.command()
def publish() -> None:
    """Make a new key that everybody can learn before it signs."""
    with transaction(resources().sessions) as session:
        key = issuer.publish_key(session, resources().vault)
        click.echo(f"Published key {key.kid}. Activate it once the tills know it.")


@keys.command()
@click.argument("kid", type=click.IntRange(1, 255))
def activate(kid: int) -> None:
    """Let the published key KID sign from now on."""
    _change(lambda session: issuer.activate_key(session, kid))
    click.echo(f"Key {kid} signs from now on.")


@keys.command()
@click.argument("kid", type=click.IntRange(1, 255))
def revoke(kid: int) -> None:
    """Stop trusting the key KID, which must no longer sign."""
    _change(lambda session: issuer.revoke_key(session, kid))
    click.echo(f"Key {kid} verifies nothing any more.")


def _change(act: Callable[[Session], None]) -> None:
    try:
        with transaction(resources().sessions) as session:
            act(session)
    except ProblemError as error:
        raise click.ClickException(error.title) from None
