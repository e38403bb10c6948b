"""`coupon-service enrol`."""

import click
import pyotp
from sqlalchemy import select

from admin.enrol import enrol as enrol_official
from admin.errors import UsernameTakenError
from coupon_service.campaigns.models import District
from coupon_service.core.auth import OFFICE, Kind
from coupon_service.core.db import transaction
from coupon_service.core.passwords import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from coupon_service.core.resources import resources


@click.command()
@click.argument("username")
@click.option("--district", required=True, help="The district's code (GB/T 2260), e.g. 110102.")
@click.option("--name", required=True, help="The person's name, as exports show it.")
@click.option(
    "--role",
    type=click.Choice([kind.value for kind in OFFICE]),
    default=Kind.OFFICIAL.value,
    show_default=True,
    help="An official decides, an auditor reads, an administrator sets up.",
)
@click.password_option(help=f"{PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters.")
def enrol(username: str, district: str, name: str, role: str, password: str) -> None:
    """Add an official who signs in as USERNAME, and print the secret of their authenticator."""
    held = resources()
    with transaction(held.sessions) as session:
        district_id = session.execute(
            select(District.id).where(District.code == district)
        ).scalar_one_or_none()
        if district_id is None:
            raise click.BadParameter("there is no such district", param_hint="--district")
        try:
            enrolled = enrol_official(
                session,
                held.vault,
                district_id=district_id,
                username=username,
                name=name,
                role=Kind(role),
                password=password,
            )
        except UsernameTakenError:
            raise click.BadParameter("is taken", param_hint="USERNAME") from None
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--password") from None
    secret = pyotp.parse_uri(enrolled.totp_uri).secret
    click.echo(f"Enrolled {username} as {role}. The authenticator's secret is shown only now:")
    click.echo(f"  {secret}\n  {enrolled.totp_uri}")
