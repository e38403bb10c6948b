"""`coupon-service`: the one console script."""

import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click
from flask import Flask

from coupon_service.core.settings import Settings, SettingsError, load_settings


def settings_or_exit() -> Settings:
    """The environment's settings, or a list of what is wrong with them.

    Where they name no servers, those that `coupon-service up` has started are meant.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        click.echo(f"The settings are not complete:\n{error}", err=True)
        sys.exit(2)
    if settings.database_url and settings.redis_url:
        return settings
    from coupon_service.embedded.state import running_on  # noqa: PLC0415

    running = running_on(settings.state_dir)
    if running is None:
        return settings
    return settings.model_copy(
        update={
            "database_url": settings.database_url or running.database_url,
            "redis_url": settings.redis_url or running.redis_url,
            # It may have had to take another port than the one that was asked for.
            "port": urlsplit(running.url).port or settings.port,
        }
    )


def application() -> Flask:
    """The application, for commands that need its resources."""
    from coupon_service.entrypoints.app import create_app  # noqa: PLC0415  # `--help` stays quick

    settings = settings_or_exit()
    if settings.database_url is None or settings.redis_url is None:
        click.echo(
            f"Nothing runs on {settings.state_dir}. Start it with `coupon-service up`, or set "
            "COUPON_DATABASE_URL and COUPON_REDIS_URL.",
            err=True,
        )
        sys.exit(2)
    return create_app(settings)


class ModuleCommands(click.Group):
    """The commands below, and those the packages bring along in their manifests.

    A package's command runs inside the application's context. Asking for its help does not, nor
    does checking a file: neither needs a server.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._brought()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or self._brought().get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if name in self._brought() and not {"-h", "--help", "--check"} & set(rest):
            ctx.with_resource(application().app_context())
        return name, command, rest

    def _brought(self) -> dict[str, click.Command]:
        from coupon_service.entrypoints.modules import all_modules  # noqa: PLC0415

        return {
            command.name: command
            for module in all_modules()
            for command in module.commands
            if command.name is not None
        }


@click.group(
    cls=ModuleCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="coupon-service")
def main() -> None:
    """Issue and redeem a district's consumption coupons, and account for every fen.

    \b
    Start here:    coupon-service up
    Prove it:      coupon-service walk
    In production: migrate, then serve, worker QUEUE and ticker side by side.

    Settings come from COUPON_* variables; .env.example lists them.
    """


@main.command()
@click.option(
    "--demo/--no-demo",
    default=None,
    help="Load the demo season into an empty database; without either, in development only.",
)
@click.option(
    "--tethered", is_flag=True, help="Stop too when the process that started this one ends."
)
def up(demo: bool | None, tethered: bool) -> None:
    """Run the whole service in the foreground: servers, web, workers and ticker.

    Starts a PostgreSQL and a Valkey of its own unless COUPON_DATABASE_URL and COUPON_REDIS_URL
    name others, and keeps their data in COUPON_STATE_DIR. Ctrl-C stops everything.
    """
    from coupon_service.embedded.children import die_with_parent  # noqa: PLC0415
    from coupon_service.entrypoints import supervisor  # noqa: PLC0415

    if tethered:
        die_with_parent(os.getppid(), signal.SIGTERM)
    sys.exit(supervisor.up(settings_or_exit(), demo=demo))


@main.command()
def serve() -> None:
    """Run the web server alone, on COUPON_HOST and COUPON_PORT."""
    from coupon_service.entrypoints import serve as server  # noqa: PLC0415

    server.serve(settings_or_exit())


@main.command()
@click.option("--sql", is_flag=True, help="Print the schema's SQL and change nothing.")
def migrate(sql: bool) -> None:
    """Bring the database named by COUPON_DATABASE_URL to the current schema."""
    from coupon_service.entrypoints import migrate as migration  # noqa: PLC0415

    url = settings_or_exit().database_url or "postgresql+psycopg://"
    if sql:
        migration.print_sql(url)
    else:
        migration.upgrade(url)


@main.command()
@click.argument("queue")
@click.option("--burst", is_flag=True, help="Stop when the queue is empty.")
def worker(queue: str, burst: bool) -> None:
    """Run the background jobs of one QUEUE."""
    from coupon_service.core.resources import resources  # noqa: PLC0415
    from coupon_service.entrypoints.worker import work  # noqa: PLC0415

    app = application()
    with app.app_context():
        known = resources().jobs.queues
    if queue not in known:
        raise click.BadParameter(f"queues are {', '.join(known)}", param_hint="QUEUE")
    work(app, queue, burst=burst)


@main.command()
def ticker() -> None:
    """Hand recorded work to the queues and keep the schedule."""
    from coupon_service.entrypoints.ticker import tick  # noqa: PLC0415

    tick(application())


@main.command()
@click.option(
    "--seconds",
    type=click.FloatRange(1, 600),
    default=5.0,
    show_default=True,
    help="How long each route is measured in each of three rounds.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("bench.json"),
    show_default=True,
    help="Where to write the figures.",
)
@click.option(
    "--client",
    type=click.Choice(["wrk", "python"]),
    help="The load generator; without it, wrk if it is installed.",
)
@click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True)
@click.option("--burst", is_flag=True, help="Send claims at a fixed pace for that long instead.")
@click.option(
    "--vouchers",
    type=click.IntRange(0, 50_000_000),
    default=0,
    help="Store so many vouchers then, and measure everything again.",
)
def bench(
    *, seconds: float, out: Path, client: str | None, rounds: int, burst: bool, vouchers: int
) -> None:
    """Measure claims, pages and redemptions against a bare route of the same server.

    Starts a service of its own on an empty database and throws it away; a running one is not
    touched. Exits with 1 if anything was lost, doubled or oversold.
    """
    from coupon_service.entrypoints import bench_service  # noqa: PLC0415

    if burst:
        sys.exit(bench_service.bench_burst(seconds, out))
    sys.exit(
        bench_service.bench(seconds, out, client_name=client, rounds=rounds, vouchers=vouchers)
    )


@main.command("draw-bench")
@click.option("--entries", type=click.IntRange(1, 5_000_000), default=1_000_000, show_default=True)
@click.option("--winners", type=click.IntRange(1, 100_000), default=1_000, show_default=True)
def draw_bench(entries: int, winners: int) -> None:
    """Measure a lottery's draw on servers of its own: close, draw, grant, publish, verify."""
    from coupon_service.entrypoints.bench_draw import bench_draw  # noqa: PLC0415

    sys.exit(bench_draw(entries, winners))


@main.command("verify-draw", context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def verify(arguments: tuple[str, ...]) -> None:
    """Check the published FILE of a lottery draw, as the stand-alone script does."""
    from coupon_service.issuance.lottery import verify_draw  # noqa: PLC0415

    sys.exit(verify_draw.main(arguments))


@main.command("errors", hidden=True)
def list_errors() -> None:
    """Print docs/errors.md."""
    from coupon_service.core.error_catalogue import as_markdown  # noqa: PLC0415
    from coupon_service.entrypoints.modules import all_modules  # noqa: PLC0415

    all_modules()  # every package's errors are known once it is imported
    click.echo(as_markdown(), nl=False)
