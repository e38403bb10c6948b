"""Small cells: counts of people so small that somebody could be recognised in them."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

SUPPRESSED_BELOW = 10
# Not "<10": a larger count may be hidden to protect a small one.
HIDDEN = "*"

Key = TypeVar("Key", bound=Hashable)


def publishable(counts: Mapping[Key, int]) -> dict[Key, int | None]:
    """The counts of one table that may be shown; None stands for one that may not.

    Zero is shown: nobody is in it. Where exactly one cell would be hidden, the next smallest goes
    too, because the total of the table is known and a subtraction would bring the one back.
    """
    hidden = {key for key, count in counts.items() if 0 < count < SUPPRESSED_BELOW}
    if len(hidden) == 1:
        others = [
            (count, index, key)
            for index, (key, count) in enumerate(counts.items())
            if count and key not in hidden
        ]
        if others:
            hidden.add(min(others, key=lambda other: other[:2])[2])
    return {key: None if key in hidden else count for key, count in counts.items()}
