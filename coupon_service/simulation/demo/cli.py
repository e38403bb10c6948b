"""`coupon-service demo`."""

import sys
from pathlib import Path

import click

from coupon_service.core.db import transaction
from coupon_service.core.resources import resources
from coupon_service.simulation.demo.welcome import load_demo, welcome
from coupon_service.simulation.season.files import check_season


@click.command()
@click.option(
    "--check",
    "path",
    type=click.Path(exists=True, path_type=Path),
    help="Check a season's file or folder of your own, load nothing, and name every fault.",
)
def demo(path: Path | None) -> None:
    """Load the demo season into an empty database, and show how to sign in.

    A database that has a season keeps it. Never in production.
    """
    if path is not None:
        _check(path)
        return
    held = resources()
    with transaction(held.sessions) as session:
        loaded = load_demo(session)
    click.echo("The demo season is loaded." if loaded else "There is a season already.")
    settings = held.settings
    with transaction(held.sessions) as session:
        click.echo(welcome(session, f"http://{settings.host}:{settings.port}"))


def _check(path: Path) -> None:
    faults = check_season(path)
    for fault in faults:
        click.echo(str(fault), err=True)
    if faults:
        click.echo(f"{len(faults)} faults.", err=True)
        sys.exit(1)
    click.echo("No faults.")
