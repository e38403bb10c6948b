"""The schematic of the stores: true where it can be, and never with one mark on another."""

from datetime import time
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupon_service.mobile.map import WIDTH, Drawing, draw_stores, draw_zones
from coupon_service.mobile.near import Position
from merchants.queries import StorePlace

LAT, LON = 39.915, 116.366


def store(lat: float, lon: float, *, zone: str = "西单", channel: str = "onsite") -> StorePlace:
    return StorePlace(
        id=uuid4(),
        code="s",
        name="店",
        category="餐饮",
        zone=zone,
        address="",
        tags=[],
        lat=lat,
        lon=lon,
        opens=time(9),
        closes=time(21),
        channel=channel,
        is_illustration=True,
    )


def overlapping(drawing: Drawing) -> list[tuple[str, str]]:
    return [
        (one.text, other.text)
        for index, one in enumerate(drawing.marks)
        for other in drawing.marks[index + 1 :]
        if abs(one.x - other.x) < one.half_width + other.half_width - 0.01
        and abs(one.y - other.y) < one.half_height + other.half_height - 0.01
    ]


def test_north_is_up_east_is_right_and_distances_are_to_scale() -> None:
    south_west, north_east = store(LAT, LON), store(LAT + 0.01, LON + 0.01)
    drawing = draw_stores([south_west, north_east], None)
    assert drawing is not None
    first, second = drawing.marks
    assert second.x > first.x
    assert second.y < first.y
    # 0.01° of latitude is 1,112 m; the bar says how long that is.
    assert (first.y - second.y) / drawing.bar * drawing.bar_m == pytest.approx(1_112, rel=0.01)
    assert (second.x - first.x) / drawing.bar * drawing.bar_m == pytest.approx(853, rel=0.01)


@given(
    st.lists(st.tuples(st.floats(39.90, 39.93), st.floats(116.35, 116.38)), min_size=1, max_size=12)
)
def test_no_pin_covers_another_and_all_are_inside(places: list[tuple[float, float]]) -> None:
    drawing = draw_stores([store(lat, lon) for lat, lon in places], None)
    assert drawing is not None
    assert overlapping(drawing) == []
    for mark in drawing.marks:
        assert 0 <= mark.x <= WIDTH
        assert 0 <= mark.y <= drawing.height


def test_a_scattered_zone_has_dots_and_no_place_to_point_at() -> None:
    near = [store(LAT + step / 1_000, LON) for step in range(3)]
    scattered = [store(LAT + 0.05 * step, LON, zone="社区便民网") for step in range(3)]
    drawing = draw_zones({"西单": near, "社区便民网": scattered}, None)
    assert drawing is not None
    assert [(mark.label, mark.text) for mark in drawing.marks] == [("西单", "3")]
    assert len(drawing.dots) == 6


def test_a_visitor_is_drawn_only_inside_the_map() -> None:
    stores = [store(LAT, LON), store(LAT + 0.01, LON)]
    here = draw_stores(stores, Position(LAT, LON))
    away = draw_stores(stores, Position(31.2, 121.5))
    assert here is not None
    assert away is not None
    assert here.visitor is not None
    assert away.visitor is None


def test_stores_in_the_cloud_are_on_no_map() -> None:
    assert draw_stores([store(LAT, LON, channel="virtual")], None) is None
    assert draw_zones({"西单": [store(LAT, LON, channel="virtual")]}, None) is None
