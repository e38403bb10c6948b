"""Seeds and lots: what the public randomness is, and that it favours nobody."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from coupon_service.core.settings import Environment, Settings
from coupon_service.issuance.lottery.errors import SeedEvidenceError, UnknownSeedSourceError
from coupon_service.issuance.lottery.seeds import (
    QUICKNET,
    DrandRound,
    SeedFile,
    announced_source,
    seed_file,
    welfare_drawing,
)
from coupon_service.issuance.lottery.verify_draw import lot_of, randomness_of, seed_of

WHEN = datetime(2026, 11, 22, 13, 30, tzinfo=UTC)
# drand's quicknet, round 1000.
ROUND_1000 = {
    "round": 1000,
    "signature": "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125"
    "e342b73a8dd2bacbe47e4b6b63ed5e39",
}


def lots(seed_number: int, count: int) -> list[tuple[bytes, int]]:
    """The lots of entries 0..count-1 under a seed, the first drawn first."""
    seed = sha256(b"seed %d" % seed_number).digest()
    leaves = [sha256(b"entry %d" % number).digest() for number in range(count)]
    return sorted((lot_of(seed, leaf), number) for number, leaf in enumerate(leaves))


def test_a_rounds_randomness_is_the_hash_of_its_signature() -> None:
    source = DrandRound(QUICKNET, 1000).as_announced()
    found = randomness_of(source, ROUND_1000).hex()
    assert found == "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd"
    with pytest.raises(ValueError, match="1001"):
        randomness_of(source, ROUND_1000 | {"round": 1001})


def test_a_rounds_number_and_its_time_are_one() -> None:
    assert DrandRound(QUICKNET, 1).available_at == datetime(2023, 8, 23, 15, 9, 27, tzinfo=UTC)
    for offset_s in range(4):
        moment = WHEN + timedelta(seconds=offset_s)
        found = DrandRound.first_after(moment)
        assert timedelta(0) <= found.available_at - moment < timedelta(seconds=3)


def test_drawn_numbers_have_one_form_however_they_are_typed() -> None:
    ssq = welfare_drawing("ssq", "2026136", WHEN)
    typed = ssq.read("31 25、18,07 12 03 + 09")
    assert typed == ssq.read("03 07 12 18 25 31 09") == {"numbers": [3, 7, 12, 18, 25, 31, 9]}
    assert randomness_of(ssq.as_announced(), typed) == b"ssq 2026136 03 07 12 18 25 31 09"
    kl8 = welfare_drawing("kl8", "2026311", WHEN)
    assert kl8.read(" ".join(map(str, range(80, 60, -1)))) == {"numbers": list(range(61, 81))}


@pytest.mark.parametrize(
    "typed",
    ["", "3 7 12 18 25 31", "3 7 12 18 25 31 17", "3 3 12 18 25 31 9", "0 7 12 18 25 31 9",
     "34 7 12 18 25 31 9", "3 7 12 18 25 31 9 1", "1" * 10_000],
)  # fmt: skip
def test_numbers_the_game_does_not_draw_are_refused(typed: str) -> None:
    with pytest.raises(SeedEvidenceError):
        welfare_drawing("ssq", "2026136", WHEN).read(typed)


@pytest.mark.parametrize(("game", "number"), [("ssq", "136"), ("3d", "2026136"), ("", "")])
def test_a_drawing_nobody_can_look_up_is_no_source(game: str, number: str) -> None:
    with pytest.raises(UnknownSeedSourceError):
        welfare_drawing(game, number, WHEN)


def test_a_file_is_a_source_outside_production_only() -> None:
    rehearsal = Settings(env=Environment.TEST)
    assert seed_file("round-1", WHEN, rehearsal) == SeedFile("round-1", WHEN)
    with pytest.raises(UnknownSeedSourceError):
        seed_file("../secret", WHEN, rehearsal)
    production = rehearsal.model_copy(update={"env": Environment.PRODUCTION})
    with pytest.raises(UnknownSeedSourceError):
        seed_file("round-1", WHEN, production)


def test_an_announced_source_is_read_back_as_it_was_named() -> None:
    sources = (
        DrandRound.first_after(WHEN),
        welfare_drawing("kl8", "2026311", WHEN),
        SeedFile("round-1", WHEN),
    )
    for source in sources:
        assert announced_source(source.as_announced(), source.available_at) == source


def test_the_seed_depends_on_announcement_root_and_randomness() -> None:
    root = bytes(32)
    seed = seed_of("{}", root, b"x")
    announced = sha256(b"{}").digest()
    assert seed == sha256(b"coupon-lottery/1/seed" + announced + root + b"x").digest()
    assert len({seed, seed_of("{ }", root, b"x"), seed_of("{}", b"1" * 32, b"x"),
                seed_of("{}", root, b"y")}) == 4  # fmt: skip


def test_every_entry_is_as_likely_at_every_rank() -> None:
    """Chi-square over entry × rank, 6 entries, 3,000 fixed seeds: 25 degrees of freedom."""
    count, draws = 6, 3_000
    times = [[0] * count for _ in range(count)]
    for seed_number in range(draws):
        for rank, (_, number) in enumerate(lots(seed_number, count)):
            times[number][rank] += 1
    expected = draws / count
    chi_square = sum((seen - expected) ** 2 / expected for row in times for seen in row)
    assert chi_square < 44.3  # 99 %


@pytest.mark.parametrize(("bots", "people"), [(900, 100), (100, 900)])
def test_bots_win_in_proportion_to_their_entries_and_no_more(bots: int, people: int) -> None:
    winners, draws = 50, 100
    won = sum(
        number < bots
        for seed_number in range(draws)
        for _, number in lots(seed_number, bots + people)[:winners]
    )
    due = winners * draws * bots / (bots + people)
    # Hypergeometric: four standard deviations.
    deviation = (due * people / (bots + people) * (1 - winners / 1_000)) ** 0.5
    assert abs(won - due) < 4 * deviation
