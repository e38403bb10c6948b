"""Distances on the ground."""

from math import pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redemption.ar.geofence import EARTH_RADIUS_M, distance_m

LAT = st.floats(min_value=-90, max_value=90)
LON = st.floats(min_value=-180, max_value=180)


def test_a_degree_of_latitude_is_a_360th_of_a_meridian_circle() -> None:
    assert distance_m(39.5, 116.4, 40.5, 116.4) == pytest.approx(2 * pi * EARTH_RADIUS_M / 360)


def test_a_degree_of_longitude_shrinks_with_the_cosine_of_latitude() -> None:
    # At 60 degrees to a half; the great circle cuts the corner by a little.
    assert distance_m(60, 0, 60, 0.01) == pytest.approx(
        2 * pi * EARTH_RADIUS_M / 360 * 0.01 / 2, rel=1e-6
    )


def test_from_baitasi_to_xidan_is_about_a_mile() -> None:
    # White Dagoba (39.9236 N, 116.3574 E) to Xidan crossing (39.9073 N, 116.3741 E), reckoned on
    # the plane by Pythagoras: 1,812 m north-south and 1,424 m east-west.
    assert distance_m(39.9236, 116.3574, 39.9073, 116.3741) == pytest.approx(2_305, abs=5)


def test_a_few_metres_are_told_apart() -> None:
    one_metre = 360 / (2 * pi * EARTH_RADIUS_M)
    assert distance_m(39.9, 116.4, 39.9 + one_metre, 116.4) == pytest.approx(1, abs=1e-6)


def test_antipodes_are_half_the_circumference_apart() -> None:
    assert distance_m(0, 0, 0, 180) == pytest.approx(pi * EARTH_RADIUS_M)
    assert distance_m(90, 0, -90, 77) == pytest.approx(pi * EARTH_RADIUS_M)


def test_the_date_line_is_no_wall() -> None:
    assert distance_m(10, 179.9995, 10, -179.9995) == pytest.approx(distance_m(10, 0, 10, 0.001))


@given(LAT, LON, LAT, LON)
def test_distance_is_symmetric_and_bounded(
    lat_a: float, lon_a: float, lat_b: float, lon_b: float
) -> None:
    there = distance_m(lat_a, lon_a, lat_b, lon_b)
    assert there == pytest.approx(distance_m(lat_b, lon_b, lat_a, lon_a))
    assert 0 <= there <= pi * EARTH_RADIUS_M
    assert distance_m(lat_a, lon_a, lat_a, lon_a) == 0
