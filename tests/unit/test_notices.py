"""When messages may leave, what residents can choose, and ids that stand for a moment."""

from datetime import UTC, datetime, timedelta

import pytest

from coupon_service.core.clock import LOCAL_ZONE
from coupon_service.core.ids import new_id
from coupon_service.notices.kinds import KINDS, NOT_TO_BE_REFUSED, WANTED_BY_DEFAULT, is_wanted
from coupon_service.notices.models import NoticeKind, Topic, Way
from coupon_service.notices.quiet import next_due
from coupon_service.vouchers.tell_claimed import first_id_at


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-06-18 08:00", "2026-06-18 08:00"),
        ("2026-06-18 20:59", "2026-06-18 20:59"),
        ("2026-06-18 21:00", "2026-06-19 08:00"),
        ("2026-06-18 23:59", "2026-06-19 08:00"),
        ("2026-06-19 00:00", "2026-06-19 08:00"),
        ("2026-06-19 07:59", "2026-06-19 08:00"),
        ("2026-12-31 22:00", "2027-01-01 08:00"),
    ],
)
def test_messages_wait_for_the_quiet_hours_to_end(now: str, due: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=LOCAL_ZONE)
    wanted = datetime.fromisoformat(due).replace(tzinfo=LOCAL_ZONE)
    assert next_due(at.astimezone(UTC)) == wanted


def test_every_kind_has_its_facts_and_what_it_is_told_once_of_is_needed() -> None:
    assert set(KINDS) == set(NoticeKind)
    for facts in KINDS.values():
        assert facts.once_per is None or facts.once_per in facts.needs


def test_a_choice_wins_over_the_default_except_where_nobody_may_refuse() -> None:
    for topic in Topic:
        for way in Way:
            default = (topic, way) in WANTED_BY_DEFAULT
            assert is_wanted(topic, way, None) is default
            fixed = (topic, way) in NOT_TO_BE_REFUSED
            assert is_wanted(topic, way, not default) is (default if fixed else not default)
    assert NOT_TO_BE_REFUSED <= WANTED_BY_DEFAULT


def test_the_first_id_of_a_moment_divides_earlier_ids_from_later_ones() -> None:
    before = new_id()
    made_at = datetime.fromtimestamp((before.int >> 80) / 1000, UTC)
    assert first_id_at(made_at) <= before < first_id_at(made_at + timedelta(milliseconds=1))
    assert first_id_at(made_at).version == 7
