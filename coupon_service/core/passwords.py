"""Passwords: argon2id hashes, and a check that takes as long for somebody who does not exist."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 128

# OWASP's password storage cheat sheet, argon2id: 19 MiB, two passes, one lane. More memory would
# let a burst of sign-ins push the process out of its own.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    """The hash to store, salt and parameters included.

    Raises:
        ValueError: shorter than `PASSWORD_LENGTH_MIN` or longer than `PASSWORD_LENGTH_MAX`.
    """
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise ValueError(
            f"a password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters"
        )
    return _HASHER.hash(_bytes(password))


def verify_password(stored_hash: str | None, password: str) -> bool:
    """Whether the password fits. Pass None for an unknown user.

    An unknown user costs one hash too, or the time of the answer would tell which names exist.
    """
    possible = stored_hash is not None and len(password) <= PASSWORD_LENGTH_MAX
    try:
        _HASHER.verify(stored_hash or _hash_of_nobody(), _bytes(password if possible else ""))
    except (VerificationError, InvalidHashError):
        return False
    return possible


def _bytes(password: str) -> bytes:
    # JSON can carry half a surrogate pair; it is a wrong password and no failure of ours.
    return password.encode("utf-8", "surrogatepass")


@cache
def _hash_of_nobody() -> str:
    return _HASHER.hash("no user has this password")
