"""When an anchor is open."""

from datetime import UTC, datetime, time

import pytest

from coupon_service.core.clock import within_hours
from redemption.ar.models import ArAnchor
from redemption.ar.opening import is_open


@pytest.mark.parametrize(
    ("opens", "closes", "local", "expected"),
    [
        ("10:00", "22:00", "09:59", False),
        ("10:00", "22:00", "10:00", True),
        ("10:00", "22:00", "21:59", True),
        ("10:00", "22:00", "22:00", False),
        ("17:00", "02:00", "16:59", False),
        ("17:00", "02:00", "23:59", True),
        ("17:00", "02:00", "00:00", True),
        ("17:00", "02:00", "01:59", True),
        ("17:00", "02:00", "02:00", False),
        ("16:00", "00:00", "23:59", True),
        ("16:00", "00:00", "00:00", False),
        ("00:00", "00:00", "03:30", True),
    ],
)
def test_hours_are_half_open_and_may_cross_midnight(
    opens: str, closes: str, local: str, expected: bool
) -> None:
    at = time.fromisoformat
    assert within_hours(at(opens), at(closes), at(local)) is expected


def test_the_hours_are_beijings() -> None:
    anchor = ArAnchor(opens=time(16), closes=time(0, 30))
    assert is_open(anchor, datetime(2026, 11, 21, 8, 0, tzinfo=UTC))  # 16:00
    assert is_open(anchor, datetime(2026, 11, 21, 16, 29, tzinfo=UTC))  # 00:29 of the next day
    assert not is_open(anchor, datetime(2026, 11, 21, 16, 30, tzinfo=UTC))
    assert not is_open(anchor, datetime(2026, 11, 21, 7, 59, tzinfo=UTC))


def test_days_are_half_open() -> None:
    day = datetime(2026, 11, 21, 16, tzinfo=UTC)
    starting = ArAnchor(opens=time(), closes=time(), starts_at=day)
    ending = ArAnchor(opens=time(), closes=time(), ends_at=day)
    assert is_open(starting, day)
    assert not is_open(ending, day)
