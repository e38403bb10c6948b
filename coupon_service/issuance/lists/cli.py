"""`coupon-service import-list`."""

from typing import BinaryIO

import click
from sqlalchemy import select

from coupon_service.campaigns.models import Season
from coupon_service.core.db import transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.resources import resources
from coupon_service.issuance.lists.upload import upload_list


@click.command("import-list")
@click.argument("file", type=click.File("rb"))
@click.option("--season", "season_code", metavar="CODE", required=True, help="The list's season.")
@click.option("--name", required=True, help="What officials know the list by.")
def import_list(file: BinaryIO, season_code: str, name: str) -> None:
    """Import a list of residents from a CSV FILE: one person a line, by ID number or phone.

    The first line names the columns: id_number or 身份证号, phone or 手机号. The lines are read in
    the background; the officials' page shows how far it is.
    """
    held = resources()
    with transaction(held.sessions) as session:
        season_id = session.execute(
            select(Season.id).where(Season.code == season_code)
        ).scalar_one_or_none()
        if season_id is None:
            raise click.BadParameter("there is no such season", param_hint="--season")
        try:
            list_id = upload_list(
                session,
                held.vault,
                file.read(),
                season_id=season_id,
                name=name.strip()[:80],
                created_by=None,
            )
        except ProblemError as error:
            raise click.ClickException(f"{error.title} ({error.slug})") from None
    click.echo(f"Uploaded as {list_id}; it is being imported.")
