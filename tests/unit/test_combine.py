"""Combining: nobody is left asleep, and nobody pays for a neighbour."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from coupon_service.core import combine
from coupon_service.core.combine import Combiner
from coupon_service.core.errors import UnavailableError


class Runs:
    """Doubles numbers, and remembers each batch. The first one waits until it is let go."""

    def __init__(self, befalls: Callable[[Sequence[int]], None] = lambda _: None) -> None:
        self.batches: list[list[int]] = []
        self.let_go = threading.Event()
        self._befalls = befalls

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        if len(self.batches) == 1:
            assert self.let_go.wait(10)
        self._befalls(numbers)
        return [2 * number for number in numbers]


def all_at_once(
    combiner: Combiner[int, int], runs: Runs, numbers: Sequence[int]
) -> list[int | BaseException]:
    """Submit the first number, and the others while its batch runs; outcomes in order."""

    def submit(number: int) -> int | BaseException:
        try:
            return combiner.submit(number)
        except BaseException as error:  # noqa: BLE001  # what befell it is the outcome
            return error

    with ThreadPoolExecutor(len(numbers)) as pool:
        outcomes = [pool.submit(submit, numbers[0])]
        while not runs.batches:
            time.sleep(0.001)
        outcomes += [pool.submit(submit, number) for number in numbers[1:]]
        while len(combiner._waiting) < len(numbers) - 1:
            time.sleep(0.001)
        runs.let_go.set()
        return [outcome.result(10) for outcome in outcomes]


def test_one_alone_runs_at_once_and_leaves_nothing_behind() -> None:
    runs = Runs()
    runs.let_go.set()
    combiner = Combiner(runs)
    assert [combiner.submit(1), combiner.submit(2)] == [2, 4]
    assert runs.batches == [[1], [2]]


def test_those_who_wait_share_the_next_batch() -> None:
    runs = Runs()
    assert all_at_once(Combiner(runs), runs, range(64)) == [2 * n for n in range(64)]
    assert runs.batches[0] == [0]
    assert sorted(runs.batches[1]) == list(range(1, 64))
    assert len(runs.batches) == 2


def test_a_batch_has_a_bound() -> None:
    runs = Runs()
    outcomes = all_at_once(Combiner(runs, batch_max=10), runs, range(26))
    assert outcomes == [2 * n for n in range(26)]
    assert [len(batch) for batch in runs.batches] == [1, 10, 10, 5]


def test_one_that_breaks_the_batch_gets_its_error_and_the_others_their_outcomes() -> None:
    def break_on_seven(numbers: Sequence[int]) -> None:
        if 7 in numbers:
            raise ZeroDivisionError

    runs = Runs(break_on_seven)
    outcomes = all_at_once(Combiner(runs), runs, range(12))
    assert isinstance(outcomes[7], ZeroDivisionError)
    assert outcomes[:7] + outcomes[8:] == [2 * n for n in range(12) if n != 7]


def test_an_unknown_end_is_unknown_to_the_whole_batch_and_nothing_is_repeated() -> None:
    def lose_the_connection(numbers: Sequence[int]) -> None:
        if len(numbers) > 1:
            raise UnavailableError

    runs = Runs(lose_the_connection)
    combiner = Combiner(runs)
    outcomes = all_at_once(combiner, runs, range(5))
    assert outcomes[0] == 0
    assert all(isinstance(outcome, UnavailableError) for outcome in outcomes[1:])
    assert len({id(outcome) for outcome in outcomes}) == 5  # each thread raises its own
    assert len(runs.batches) == 2
    assert combiner.submit(21) == 42


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_a_leader_that_is_torn_away_strands_nobody(end: type[BaseException]) -> None:
    def tear_away(numbers: Sequence[int]) -> None:
        if numbers[0] == 0:
            raise end

    runs = Runs(tear_away)
    combiner = Combiner(runs, batch_max=4)
    outcomes = all_at_once(combiner, runs, range(9))
    assert isinstance(outcomes[0], end)
    assert outcomes[1:] == [2 * n for n in range(1, 9)]
    assert combiner.submit(21) == 42


def test_followers_of_a_torn_leader_hear_that_the_outcome_is_unknown() -> None:
    def tear_away(numbers: Sequence[int]) -> None:
        if len(numbers) > 1:
            raise SystemExit

    runs = Runs(tear_away)
    combiner = Combiner(runs)
    outcomes = all_at_once(combiner, runs, range(5))
    assert outcomes[0] == 0
    assert sorted(type(outcome).__name__ for outcome in outcomes[1:]) == [
        "SystemExit",
        *["UnavailableError"] * 3,
    ]
    assert combiner.submit(21) == 42


def test_who_waits_too_long_goes_and_the_queue_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combine, "WAIT_S", 0.05)
    runs = Runs()
    combiner = Combiner(runs)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(combiner.submit, 1)
        while not runs.batches:
            time.sleep(0.001)
        with pytest.raises(UnavailableError):
            combiner.submit(2)
        runs.let_go.set()
        assert first.result(10) == 2
    assert combiner.submit(3) == 6
    assert runs.batches == [[1], [3]]
