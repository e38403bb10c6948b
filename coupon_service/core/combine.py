"""Combining: what the requests of one process want at the same time is done at once.

Whoever comes while nobody is at it runs the batch, say one INSERT and one COMMIT for everybody who
is waiting. The others sleep until their outcome is there; when the batch is done and more have
come, the first of them runs the next one. So an idle process answers as fast as if there were no
batches, and there is no thread to start, to watch or to stop.
"""

from _thread import allocate_lock
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Generic, TypeVar, cast

from flask import current_app

from coupon_service.core.errors import UnavailableError

BATCH_MAX = 128
# Far more than the time-outs of the database let a batch take.
WAIT_S = 60.0

C = TypeVar("C")
T = TypeVar("T")

# Answers every command of a batch, in order, or raises and has done nothing.
Run = Callable[[Sequence[C]], Sequence[T]]


@dataclass(eq=False, slots=True)
class _Ticket(Generic[C, T]):
    """One command that waits. `answer` gives its outcome, or raises what befell it.

    Attributes:
        bell: held until there is an answer, or until it is this one's turn to run a batch.
    """

    command: C
    answer: Callable[[], T] | None = None
    bell: Any = field(default_factory=allocate_lock)
    leads: bool = False


class Combiner(Generic[C, T]):
    """Brings the commands of concurrent threads together in calls of `run`."""

    def __init__(self, run: Run[C, T], *, batch_max: int = BATCH_MAX) -> None:
        self._run = run
        self._batch_max = batch_max
        self._waiting: deque[_Ticket[C, T]] = deque()
        self._led = False
        self._lock = Lock()

    def submit(self, command: C) -> T:
        """The command's outcome.

        Raises:
            UnavailableError: the batch broke off in an unknown state, or took too long.
            Exception: what `run` raises for this command alone.
        """
        ticket: _Ticket[C, T] = _Ticket(command)
        ticket.bell.acquire()
        with self._lock:
            self._waiting.append(ticket)
            ticket.leads, self._led = not self._led, True
        if not ticket.leads and not ticket.bell.acquire(timeout=WAIT_S):
            self._leave(ticket)
        if ticket.leads:
            self._lead()
        if ticket.answer is None:
            raise UnavailableError
        return ticket.answer()

    def _lead(self) -> None:
        """Answer those who wait, this thread's own ticket first, and let the next one go on."""
        with self._lock:
            count = min(len(self._waiting), self._batch_max)
            batch = [self._waiting.popleft() for _ in range(count)]
        try:
            self._answer(batch)
        finally:
            # Whatever happened, nobody is left asleep; without an answer the outcome is unknown.
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                if following is None:
                    self._led = False
                else:
                    following.leads = True
            if following is not None:
                following.bell.release()
            for ticket in batch[1:]:
                ticket.bell.release()

    def _answer(self, batch: Sequence[_Ticket[C, T]]) -> bool:
        """Give each ticket its answer; False if the rest is better left without one."""
        try:
            outcomes = self._run([ticket.command for ticket in batch])
        except UnavailableError:
            return False  # it may or may not have been committed, and more would only wait
        except Exception as error:  # noqa: BLE001  # each gets it in its own thread
            if len(batch) > 1:
                # One of them broke it. Alone, that one gets its error and the others succeed.
                return all(self._answer([ticket]) for ticket in batch)
            batch[0].answer = _raising(error)
            return True
        for ticket, outcome in zip(batch, outcomes, strict=True):
            ticket.answer = _giving(outcome)
        return True

    def _leave(self, ticket: _Ticket[C, T]) -> None:
        """Wait no longer, unless it has just become this one's turn."""
        with self._lock:
            if not ticket.leads and ticket in self._waiting:
                self._waiting.remove(ticket)


def combiner(name: str, run: Run[C, T]) -> Combiner[C, T]:
    """This application's combiner of that name."""
    key = f"combiner.{name}"
    found = current_app.extensions.get(key)
    if found is None:
        made: Combiner[C, T] = Combiner(run)
        found = current_app.extensions.setdefault(key, made)
    return cast(Combiner[C, T], found)


def _giving(outcome: T) -> Callable[[], T]:
    return lambda: outcome


def _raising(error: Exception) -> Callable[[], Any]:
    def answer() -> Any:
        raise error

    return answer
