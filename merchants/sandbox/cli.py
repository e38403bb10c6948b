"""`coupon-service pos-sandbox`."""

import click
from sqlalchemy import select

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.resources import resources
from coupon_service.issuance.gate import gate
from merchants.models import PosKey
from merchants.pos_keys import create_pos_key, revoke_pos_key
from merchants.sandbox.give_vouchers import give_vouchers
from merchants.sandbox.open_sandbox import PER_PERSON, open_sandbox


@click.command("pos-sandbox")
@click.argument("district")
@click.option("--vouchers", type=click.IntRange(1, PER_PERSON), default=5, show_default=True)
@click.option("--new-key", is_flag=True, help="Make a new key, and stop the ones there are.")
def pos_sandbox(district: str, vouchers: int, new_key: bool) -> None:
    """Give the developers of a point-of-sale system a till and VOUCHERS to try it with.

    The sandbox belongs to the district with the code DISTRICT and has money of its own. Running
    this again gives more vouchers.
    """
    held = resources()
    try:
        with transaction(held.sessions) as session:
            now = db_now(session)
            box = open_sandbox(session, district, now=now)
            where = (box.merchant_id, box.till_id)
            live = session.scalars(
                select(PosKey.id).where(PosKey.till_id == box.till_id, PosKey.revoked_at.is_(None))
            ).all()
            if new_key:
                for key_id in live:
                    revoke_pos_key(session, *where, key_id, now=now)
            key = None
            if new_key or not live:
                key = create_pos_key(session, held.vault, *where).text
            given = give_vouchers(session, held.vault, gate(), box.campaign, vouchers, now=now)
    except ProblemError as error:
        raise click.ClickException(error.title) from None
    click.echo(f"key       {key or 'as before; --new-key makes another'}")
    click.echo(f"vouchers  {box.campaign.name}")
    for one in given:
        click.echo(f"  {one.shown.typed_code}")
    click.echo(f"as a QR code until {given[0].shown.token_expires_at:%H:%M:%S} UTC")
    click.echo(f"  {given[0].shown.token}")
