"""Passwords are kept as slow hashes, and nobody learns which user names exist."""

from time import perf_counter

import pytest

from coupon_service.core.passwords import hash_password, verify_password

GOOD = "correct horse battery"


def test_a_password_fits_its_own_hash_only() -> None:
    kept = hash_password(GOOD)
    assert kept.startswith("$argon2id$")
    assert GOOD not in kept
    assert verify_password(kept, GOOD)
    for wrong in (
        "",
        GOOD + " ",
        GOOD.upper(),
        "x" * 1_000_000,
        "\ud800",
        "no user has this password",
    ):
        assert not verify_password(kept, wrong)
        assert not verify_password(None, wrong)
    assert not verify_password("not a hash", GOOD)


def test_an_unknown_user_costs_as_much_as_a_wrong_password() -> None:
    kept = hash_password(GOOD)

    def fastest_s(stored: str | None) -> float:
        verify_password(stored, "warm up")
        times = []
        for _ in range(5):
            start = perf_counter()
            verify_password(stored, "wrong password")
            times.append(perf_counter() - start)
        return min(times)

    assert fastest_s(None) > fastest_s(kept) / 3


def test_short_and_endless_passwords_are_not_taken() -> None:
    for password in ("short", "x" * 129):
        with pytest.raises(ValueError, match="10 to 128"):
            hash_password(password)
