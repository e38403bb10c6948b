"""The stage of a walk: what every step needs, and how it is shown."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import SystemRandom
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from coupon_service.core.money import format_yuan
from coupon_service.core.settings import Settings
from coupon_service.simulation.season.rows import SeasonFile
from coupon_service.simulation.walk.visitor import SurpriseError, Visitor

# Background work is handed on within a second; a busy machine gets more.
_JOB_WITHIN_S = 45.0
_ASK_EVERY_S = 0.25

T = TypeVar("T")
Say = Callable[[str], None]


class Scene:
    """One walk through one running service.

    Attributes:
        season: the demo season's files, which tell what to expect.
        settings: of the deployment; the demo's secrets are derived from its key.
        chance: makes up people and order numbers, so that a walk can be repeated.
    """

    def __init__(
        self, console: Console, *, url: str, settings: Settings, season: SeasonFile
    ) -> None:
        self.url = url
        self.settings = settings
        self.season = season
        self.chance = SystemRandom()
        self._console = console
        self._steps_done = 0

    @property
    def steps_done(self) -> int:
        return self._steps_done

    def visitor(self) -> Visitor:
        """A fresh browser, or a till or a program, that knows nobody here."""
        return Visitor(self.url)

    @contextmanager
    def step(self, title: str) -> Iterator[Say]:
        """One step: its title at once, and each finding as a line below it."""
        number = self._steps_done + 1
        self._console.print(f"{number:>3}  [bold]{title}[/bold]")
        began_s = time.monotonic()
        yield self._say
        self._steps_done = number
        took_s = time.monotonic() - began_s
        if took_s >= 1:
            self._say(f"took {took_s:.1f} s")

    def wait_for(self, what: str, ask: Callable[[], T | None]) -> T:
        """Ask again and again until there is an answer.

        Raises:
            SurpriseError: there was none within `_JOB_WITHIN_S`.
        """
        deadline_s = time.monotonic() + _JOB_WITHIN_S
        with self._console.status(f"waiting for {what} …"):
            while (answer := ask()) is None:
                if time.monotonic() > deadline_s:
                    raise SurpriseError(
                        f"{what} did not happen within {_JOB_WITHIN_S:.0f} s: "
                        "are the workers and the ticker running?"
                    )
                time.sleep(_ASK_EVERY_S)
        return answer

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show that something takes its time."""
        with self._console.status(f"{what} …"):
            yield

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """A bar; call what is yielded once per finished part."""
        columns = (
            TextColumn("      {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        ) as bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)

    def order_no(self) -> str:
        """An order number no till has used."""
        return f"walk-{self.chance.getrandbits(64):016x}"

    def _say(self, text: str) -> None:
        self._console.print(f"      {text}", style="dim", markup=False)


def yuan(amount_fen: int) -> str:
    """An amount as the walk prints it."""
    return f"{format_yuan(amount_fen)} yuan"


def expect(condition: bool, otherwise: str) -> None:
    """Raises SurpriseError, saying `otherwise`, unless the condition holds."""
    if not condition:
        raise SurpriseError(otherwise)
