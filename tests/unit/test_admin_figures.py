"""Suppression, bars, and how numbers read."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from admin.charts import BAR_WIDTH, DAYS_SHOWN, HIDDEN_HEIGHT, day_chart, stacked
from admin.figures import ShownDay
from admin.pages.blueprint import percent, ratio, whole_yuan
from admin.suppression import SUPPRESSED_BELOW, publishable

LAST = date(2026, 6, 18)


def test_counts_below_ten_are_hidden_and_zero_is_not() -> None:
    shown = publishable({"a": 0, "b": 9, "c": 3, "d": 10})
    assert shown == {"a": 0, "b": None, "c": None, "d": 10}


def test_a_single_hidden_count_takes_the_next_smallest_with_it() -> None:
    shown = publishable({"a": 4, "b": 500, "c": 12, "d": 0})
    assert shown == {"a": None, "b": 500, "c": None, "d": 0}


def test_a_single_small_count_alone_is_hidden() -> None:
    assert publishable({"a": 4}) == {"a": None}


@given(st.dictionaries(st.integers(), st.integers(0, 60), max_size=12))
def test_no_subtraction_from_the_total_brings_a_small_count_back(counts: dict[int, int]) -> None:
    shown = publishable(counts)
    hidden = [key for key, count in shown.items() if count is None]
    assert all(count is None or count == 0 or count >= SUPPRESSED_BELOW for count in shown.values())
    others = [count for key, count in counts.items() if count and key not in hidden]
    assert len(hidden) != 1 or not others
    assert all(shown[key] == counts[key] for key in counts if key not in hidden)


@given(st.lists(st.integers(0, 10**12), min_size=2, max_size=7))
def test_a_stacked_bar_never_outgrows_its_width(amounts: list[int]) -> None:
    segments = stacked({str(index): amount for index, amount in enumerate(amounts)})
    x = 0
    for segment in segments:
        assert segment.x == x
        x += segment.width
    assert x <= BAR_WIDTH
    assert len(segments) == sum(amount > 0 for amount in amounts[:-1])


def test_the_chart_shows_quiet_days_and_marks_hidden_ones() -> None:
    days = [
        ShownDay(LAST, 400, 40, 80_000, 300_000),
        ShownDay(LAST - timedelta(days=1), None, None, None, None),
        ShownDay(LAST - timedelta(days=2), 100, 20, 40_000, 90_000),
        ShownDay(LAST - timedelta(days=90), 9_999, 9_999, 9_999, 9_999),
    ]
    chart = day_chart(days, "issued_count", LAST)
    assert len(chart.bars) == DAYS_SHOWN
    assert chart.highest == 400
    assert [bar.height for bar in chart.bars[-4:]] == [0, 25, HIDDEN_HEIGHT, 100]
    assert chart.bars[-2].value is None


def test_a_chart_of_nothing_has_no_bars() -> None:
    chart = day_chart([], "redeemed_fen", LAST)
    assert (chart.highest, sum(bar.height for bar in chart.bars)) == (0, 0)


def test_numbers_read_as_people_write_them() -> None:
    assert (percent(7_234), percent(None), percent(0)) == ("72.3%", "–", "0.0%")
    assert (ratio(35_500), ratio(None)) == ("1 : 3.55", "–")
    assert (whole_yuan(123_456_789), whole_yuan(99), whole_yuan(-150)) == ("1,234,567", "0", "-1")
