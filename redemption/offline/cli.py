"""`coupon-service offline-merchant` and `offline-money`: who trades offline, and what backs it."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Season
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.money import MAX_FEN
from coupon_service.core.resources import resources
from merchants.models import Merchant
from redemption.offline.allow import allow, end, give_back, set_aside
from redemption.offline.models import LossPolicy

_YUAN = click.IntRange(1, MAX_FEN // 100)


@contextmanager
def _kept() -> Iterator[Session]:
    """A transaction whose refusals end the command with a sentence."""
    try:
        with transaction(resources().sessions) as session:
            yield session
    except ProblemError as error:
        raise click.ClickException(error.title) from None


@click.command("offline-merchant")
@click.argument("merchant")
@click.option("--season", help="The code of the season whose vouchers count.")
@click.option(
    "--losses",
    type=click.Choice([policy.value for policy in LossPolicy]),
    default=LossPolicy.MERCHANT.value,
    show_default=True,
    help="Who bears a voucher that was used elsewhere first.",
)
@click.option("--off", is_flag=True, help="It may no longer.")
def offline_merchant(merchant: str, season: str | None, losses: str, off: bool) -> None:
    """Let the tills of the merchant with the code MERCHANT trade without a network."""
    with _kept() as session:
        now = db_now(session)
        merchant_id = session.scalar(select(Merchant.id).where(Merchant.code == merchant))
        if merchant_id is None:
            raise click.ClickException("There is no such merchant.")
        if off:
            end(session, merchant_id, now=now)
            return
        season_id = session.scalar(select(Season.id).where(Season.code == season))
        if season_id is None:
            raise click.ClickException("--season: there is no such season.")
        policy = LossPolicy(losses)
        allow(session, merchant_id, season_id, policy, official_id=None, now=now)


@click.command("offline-money")
@click.argument("season")
@click.argument("yuan", type=_YUAN)
@click.option("--back", is_flag=True, help="Return it to the treasury instead.")
def offline_money(season: str, yuan: int, back: bool) -> None:
    """Set YUAN of a season's treasury aside for losses of offline tills that the district bears."""
    with _kept() as session:
        season_id = session.scalar(select(Season.id).where(Season.code == season))
        if season_id is None:
            raise click.ClickException("There is no such season.")
        if back:
            give_back(session, season_id, yuan * 100, now=db_now(session))
        else:
            set_aside(session, season_id, yuan * 100)
