"""`coupon-service ar-keys`, `ar-provider` and `ar-anchor`: what is agreed with AR providers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import BudgetNode, District, Season
from coupon_service.core.clock import LOCAL_ZONE, db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.money import MAX_FEN
from coupon_service.core.resources import resources
from coupon_service.core.webhooks import as_secret, is_address, new_key
from merchants.models import Store
from redemption.ar.enlist import NewAnchor, add_anchor, enlist, give_node
from redemption.ar.keys import GRACE_DAYS, rotate_secret
from redemption.ar.models import ArProvider

_LOCAL = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])
_YUAN = click.IntRange(0, MAX_FEN // 100)


@contextmanager
def _kept() -> Iterator[Session]:
    """A transaction whose refusals end the command with a sentence."""
    try:
        with transaction(resources().sessions) as session:
            yield session
    except ProblemError as error:
        raise click.ClickException(error.title) from None


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
    with _kept() as session:
        secret = rotate_secret(
            session,
            resources().vault,
            provider,
            now=db_now(session),
            grace=timedelta(days=grace_days),
        )
    click.echo(secret)


@click.command("ar-provider")
@click.argument("code")
@click.option("--name", help="As residents and officials read it; needed for a new one.")
@click.option("--district", help="The district's code; needed for a new one.")
@click.option("--node", help="SEASON/NODE: codes of its own budget node. `-` takes it away.")
@click.option("--awards-per-day", type=click.IntRange(0), help="Vouchers won on one local day.")
@click.option("--award-yuan-per-day", type=_YUAN, help="Faces of those, in yuan.")
@click.option("--redeem-yuan-per-day", type=_YUAN, help="Discounts at its virtual stores, in yuan.")
@click.option("--callback-url", help="Where it hears how sessions end. `-` for nowhere.")
@click.option("--on/--off", "is_active", default=None, help="Whether it counts at all.")
def ar_provider(
    code: str,
    *,
    name: str | None,
    district: str | None,
    node: str | None,
    awards_per_day: int | None,
    award_yuan_per_day: int | None,
    redeem_yuan_per_day: int | None,
    callback_url: str | None,
    is_active: bool | None,
) -> None:
    """Add the AR provider CODE, or change what was agreed with it.

    The secret of a new one is printed once. What is not named stays as it is.
    """
    agreed: dict[str, Any] = {
        "name": name,
        "awards_per_day_max": awards_per_day,
        "award_fen_per_day_max": award_yuan_per_day and award_yuan_per_day * 100,
        "redeem_fen_per_day_max": redeem_yuan_per_day and redeem_yuan_per_day * 100,
        "is_active": is_active,
    }
    agreed = {key: value for key, value in agreed.items() if value is not None}
    if callback_url is not None:
        agreed["callback_url"] = _callback_url(callback_url)
    with _kept() as session:
        provider = session.scalars(select(ArProvider).where(ArProvider.code == code)).one_or_none()
        secret = None
        if provider is None:
            secret = as_secret(new_key())
            provider = _enlist(session, code, secret, district, agreed)
        for key, value in agreed.items():
            setattr(provider, key, value)
        if node is not None:
            give_node(session, provider, None if node == "-" else _node(session, provider, node))
    click.echo(secret or f"{code}: changed.")


@click.command("ar-anchor")
@click.argument("code")
@click.option("--provider", required=True, help="The provider's code.")
@click.option("--name", required=True, help="As residents read it.")
@click.option("--release", type=click.UUID, help="The release it awards vouchers of.")
@click.option("--store", help="The code of the virtual store it redeems at.")
@click.option("--lat", type=click.FloatRange(-90, 90), required=True, help="WGS-84.")
@click.option("--lon", type=click.FloatRange(-180, 180), required=True, help="WGS-84.")
@click.option("--radius-m", type=click.FloatRange(1, 2000), default=100, show_default=True)
@click.option("--confidence-min", type=click.FloatRange(0, 1), default=0.8, show_default=True)
@click.option(
    "--hours", default="00:00-00:00", show_default=True, help="Local; may cross midnight."
)
@click.option("--starts", type=_LOCAL, help="Local day or moment.")
@click.option("--ends", type=_LOCAL, help="Local; the first moment it no longer counts.")
def ar_anchor(
    code: str,
    *,
    provider: str,
    name: str,
    release: UUID | None,
    store: str | None,
    lat: float,
    lon: float,
    radius_m: float,
    confidence_min: float,
    hours: str,
    starts: datetime | None,
    ends: datetime | None,
) -> None:
    """Set up the anchor CODE: a place where presence brings a voucher, or pays with one."""
    if (release is None) == (store is None):
        raise click.UsageError("Name either --release or --store.")
    opens, closes = _hours(hours)
    with _kept() as session:
        new = NewAnchor(
            code=code,
            name=name,
            lat=lat,
            lon=lon,
            radius_m=radius_m,
            confidence_min=confidence_min,
            release_id=release,
            store_id=_store(session, store) if store else None,
            opens=opens,
            closes=closes,
            starts_at=starts and starts.replace(tzinfo=LOCAL_ZONE),
            ends_at=ends and ends.replace(tzinfo=LOCAL_ZONE),
        )
        anchor = add_anchor(session, provider, new)
    click.echo(anchor.id)


def _enlist(
    session: Session, code: str, secret: str, district: str | None, agreed: dict[str, Any]
) -> ArProvider:
    district_id = session.scalars(select(District.id).where(District.code == district)).first()
    if district_id is None or "name" not in agreed:
        raise click.UsageError("A new provider needs --name, and the --district of that code.")
    return enlist(
        session,
        resources().vault,
        district_id=district_id,
        code=code,
        secret=secret,
        node_id=None,
        **agreed,
    )


def _callback_url(text: str) -> str | None:
    if text == "-":
        return None
    if not is_address(text, allow_private=resources().settings.webhooks_private):
        raise click.UsageError("--callback-url must be an https address.")
    return text


def _node(session: Session, provider: ArProvider, path: str) -> UUID:
    season, _, node = path.partition("/")
    found = session.scalars(
        select(BudgetNode.id)
        .join(Season, Season.id == BudgetNode.season_id)
        .where(
            Season.district_id == provider.district_id,
            Season.code == season,
            BudgetNode.code == node,
        )
    ).one_or_none()
    if found is None:
        raise click.UsageError("--node must be SEASON/NODE, both codes of the provider's district.")
    return found


def _store(session: Session, code: str) -> UUID:
    found = session.scalars(select(Store.id).where(Store.code == code)).one_or_none()
    if found is None:
        raise click.UsageError("There is no store with that code.")
    return found


def _hours(text: str) -> tuple[time, time]:
    opens, dash, closes = text.partition("-")
    try:
        if not dash:
            raise ValueError
        return time.fromisoformat(opens), time.fromisoformat(closes)
    except ValueError:
        raise click.UsageError("--hours must look like 10:00-22:00.") from None
