"""`coupon-service settle`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click
from sqlalchemy import select

from coupon_service.campaigns.models import Season
from coupon_service.core.clock import LOCAL_ZONE, db_now
from coupon_service.core.db import transaction
from coupon_service.core.errors import ProblemError
from coupon_service.core.money import format_yuan
from coupon_service.core.resources import resources
from merchants.settlement.answer import batch_of, import_answer
from merchants.settlement.errors import BankAnswerInvalidError, SeasonNotFoundError
from merchants.settlement.jobs import last_cutoff
from merchants.settlement.payout_file import payout_file
from merchants.settlement.settle import settle as settle_season


@click.command()
@click.option("--season", "season_code", metavar="CODE", help="Settle the season with this code.")
@click.option(
    "--cutoff",
    metavar="TIME",
    help="Pay what was redeemed before TIME: ISO 8601 (Beijing time unless it says otherwise) or"
    " `now`. Without it, the start of today in Beijing.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the payout file here. It has account numbers in clear.",
)
@click.option(
    "--answer", type=click.File("rb"), metavar="FILE", help="Import the bank's answer from FILE."
)
def settle(
    season_code: str | None, cutoff: str | None, out: Path | None, answer: BinaryIO | None
) -> None:
    """Pay merchants: make a settlement batch, or import the bank's answer to one.

    \b
    coupon-service settle --season xicheng-2022 --out payouts.csv
    coupon-service settle --answer answer.csv

    Both can be repeated: one cut-off makes one batch, and an answer counts once.
    """
    if (season_code is None) == (answer is None):
        raise click.UsageError("Name either --season CODE or --answer FILE.")
    if answer is not None and (cutoff or out):
        raise click.UsageError("--cutoff and --out go with --season.")
    try:
        if season_code is not None:
            _settle(season_code, cutoff, out)
        elif answer is not None:
            _answer(answer.read())
    except BankAnswerInvalidError as error:
        for fault in error.extra["faults"]:
            click.echo(f"line {fault['line']}: {fault['fault']}", err=True)
        raise click.ClickException(error.title) from None
    except ProblemError as error:
        raise click.ClickException(error.title) from None


def _settle(season_code: str, cutoff: str | None, out: Path | None) -> None:
    held = resources()
    with transaction(held.sessions) as session:
        now = db_now(session)
        season = session.scalars(select(Season).where(Season.code == season_code)).one_or_none()
        if season is None:
            raise SeasonNotFoundError
        cutoff_at = _moment(cutoff, now)
        batch = settle_season(
            session, held.vault, season_id=season.id, cutoff_at=cutoff_at, now=now
        )
        content = payout_file(session, held.vault, batch) if batch else b""
    before = f"{cutoff_at.astimezone(LOCAL_ZONE):%F %T}"
    if batch is None:
        click.echo(f"Nothing to pay from before {before}.")
        return
    click.echo(f"batch      {batch.id}  ({batch.state})")
    click.echo(f"cut-off    {before} Beijing time")
    click.echo(f"lines      {batch.line_count} redemptions")
    click.echo(f"payouts    {batch.payout_count} transfers, {format_yuan(batch.total_fen)} yuan")
    click.echo(f"sha256     {batch.file_sha256}")
    for note in batch.left_out:
        click.echo(
            f"left out   merchant {note['merchant_id']}: {note['reason']},"
            f" {format_yuan(note['items_fen'])} yuan"
        )
    if out is not None:
        out.touch(mode=0o600)
        out.write_bytes(content)
        click.echo(f"file       {out}")


def _answer(content: bytes) -> None:
    batch_id = batch_of(content)
    with transaction(resources().sessions) as session:
        summary = import_answer(session, batch_id, content, now=db_now(session))
    click.echo(
        f"batch {batch_id}: {summary.paid} paid, {summary.rejected} rejected,"
        f" {summary.repeated} known already, {summary.open} still open"
    )


def _moment(cutoff: str | None, now: datetime) -> datetime:
    if cutoff is None:
        return last_cutoff(now)
    if cutoff == "now":
        return now
    try:
        moment = datetime.fromisoformat(cutoff)
        return (moment if moment.tzinfo else moment.replace(tzinfo=LOCAL_ZONE)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter("not an ISO 8601 time", param_hint="--cutoff") from None
