"""A schematic of where stores are, drawn without map tiles: true in direction and distance, but
marks that would cover one another stand a little aside.

Everything is in the units of the drawing, whose width is `WIDTH`; y runs downward.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, radians
from typing import Self

from coupon_service.mobile.near import Position
from merchants.queries import StorePlace

WIDTH = 400.0
# Height ÷ width: below a map of one zone there is room for the list.
_ASPECT_MIN = 0.7
_ASPECT_OF_DISTRICT, _ASPECT_OF_ZONE = 1.35, 0.9
_MARGIN = 46.0
# A drawing spans at least this, so that one street does not fill it.
_SPAN_MIN_M = 700.0
_M_PER_DEGREE = 111_195.0  # of latitude, on the mean sphere
_BAR_LENGTHS_M = (2_000, 1_000, 500, 200, 100)
_BAR_MAX = WIDTH / 4
# Zones whose stores lie farther apart than this, on average, are no place to point at.
_SCATTERED_M = 1_500.0
_PIN_R = 16.0
_GAP = 3.0
_PUSHES = 60

Point = tuple[float, float]


@dataclass(frozen=True)
class Frame:
    """How degrees become units of the drawing."""

    north: float
    west: float
    units_per_m: float
    height: float
    m_per_lon: float

    @classmethod
    def around(cls, places: Sequence[Point], aspect_max: float) -> Self:
        """A frame that holds these (lat, lon) with a margin, and is no higher than that."""
        lats, lons = [lat for lat, _ in places], [lon for _, lon in places]
        middle_lat, middle_lon = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
        m_per_lon = _M_PER_DEGREE * cos(radians(middle_lat))
        wide_m = max((max(lons) - min(lons)) * m_per_lon, _SPAN_MIN_M)
        high_m = max((max(lats) - min(lats)) * _M_PER_DEGREE, _SPAN_MIN_M * _ASPECT_MIN)
        inner = WIDTH - 2 * _MARGIN
        scale = min(inner / wide_m, (WIDTH * aspect_max - 2 * _MARGIN) / high_m)
        height = max(high_m * scale + 2 * _MARGIN, WIDTH * _ASPECT_MIN)
        return cls(
            north=middle_lat + height / 2 / scale / _M_PER_DEGREE,
            west=middle_lon - WIDTH / 2 / scale / m_per_lon,
            units_per_m=scale,
            height=height,
            m_per_lon=m_per_lon,
        )

    def at(self, lat: float, lon: float) -> Point:
        return (
            (lon - self.west) * self.m_per_lon * self.units_per_m,
            (self.north - lat) * _M_PER_DEGREE * self.units_per_m,
        )

    def holds(self, point: Point) -> bool:
        return 0 <= point[0] <= WIDTH and 0 <= point[1] <= self.height


@dataclass
class Mark:
    """Something to tap: a zone with the number of its stores, or a store with its number.

    `half_width` and `half_height` are of the box it needs.
    """

    x: float
    y: float
    text: str
    label: str
    half_width: float
    half_height: float


@dataclass(frozen=True)
class Drawing:
    """A whole map: blobs where zones are, dots for stores, marks to tap, scale and visitor."""

    height: float
    areas: Sequence[str]
    dots: Sequence[Point]
    marks: Sequence[Mark]
    bar_m: int
    bar: float
    visitor: Point | None


def draw_zones(zones: dict[str, list[StorePlace]], visitor: Position | None) -> Drawing | None:
    """Every zone as one mark; those whose stores are scattered have dots only."""
    stores = [store for members in zones.values() for store in members if store.channel == "onsite"]
    if not stores:
        return None
    frame = Frame.around([(store.lat, store.lon) for store in stores], _ASPECT_OF_DISTRICT)
    areas, marks = [], []
    for name, members in zones.items():
        points = [frame.at(store.lat, store.lon) for store in members if store.channel == "onsite"]
        if not points:
            continue
        x, y = _middle(points)
        spread = sum(hypot(px - x, py - y) for px, py in points) / len(points)
        if spread / frame.units_per_m > _SCATTERED_M:
            continue
        areas.append(_outline(points))
        half = max(17.0, 6.5 * len(name) + 4)
        marks.append(Mark(x, y, str(len(members)), name, half, 24))
    _spread(marks, frame)
    dots = [frame.at(store.lat, store.lon) for store in stores]
    return _drawing(frame, areas, dots, marks, visitor)


def draw_stores(stores: Sequence[StorePlace], visitor: Position | None) -> Drawing | None:
    """Each store as a pin with its number in the list."""
    numbered = [
        (number, store) for number, store in enumerate(stores, 1) if store.channel == "onsite"
    ]
    if not numbered:
        return None
    frame = Frame.around([(store.lat, store.lon) for _, store in numbered], _ASPECT_OF_ZONE)
    points = [frame.at(store.lat, store.lon) for _, store in numbered]
    marks = []
    for (number, store), (x, y) in zip(numbered, points, strict=True):
        marks.append(Mark(x, y, str(number), store.name, _PIN_R, _PIN_R))
    _spread(marks, frame)
    return _drawing(frame, [_outline(points)], points, marks, visitor)


def _drawing(
    frame: Frame,
    areas: Sequence[str],
    dots: Sequence[Point],
    marks: Sequence[Mark],
    visitor: Position | None,
) -> Drawing:
    bar_m = next(
        (length for length in _BAR_LENGTHS_M if length * frame.units_per_m <= _BAR_MAX),
        _BAR_LENGTHS_M[-1],
    )
    place = frame.at(visitor.lat, visitor.lon) if visitor else None
    return Drawing(
        height=frame.height,
        areas=areas,
        dots=dots,
        marks=marks,
        bar_m=bar_m,
        bar=bar_m * frame.units_per_m,
        visitor=place if place and frame.holds(place) else None,
    )


def _spread(marks: Sequence[Mark], frame: Frame) -> None:
    """Push marks apart, along the shorter way, until no box covers another."""
    for _ in range(_PUSHES):
        moved = False
        for index, one in enumerate(marks):
            for other in marks[index + 1 :]:
                moved = _push(one, other) or moved
            one.x = min(max(one.x, one.half_width + _GAP), WIDTH - one.half_width - _GAP)
            one.y = min(max(one.y, one.half_height + _GAP), frame.height - one.half_height - _GAP)
        if not moved:
            return


def _push(one: Mark, other: Mark) -> bool:
    over_x = one.half_width + other.half_width + _GAP - abs(one.x - other.x)
    over_y = one.half_height + other.half_height + _GAP - abs(one.y - other.y)
    if over_x <= 0 or over_y <= 0:
        return False
    if over_x < over_y:
        step = over_x / 2 if one.x <= other.x else -over_x / 2
        one.x, other.x = one.x - step, other.x + step
    else:
        step = over_y / 2 if one.y <= other.y else -over_y / 2
        one.y, other.y = one.y - step, other.y + step
    return True


def _middle(points: Sequence[Point]) -> Point:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _outline(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.0f},{y:.0f}" for x, y in _hull(points))


def _hull(points: Sequence[Point]) -> list[Point]:
    """The convex hull, by Andrew's monotone chain (1979)."""
    ordered = sorted(set(points))
    if len(ordered) <= 2:
        return ordered

    def half(chain: Sequence[Point]) -> list[Point]:
        kept: list[Point] = []
        for x, y in chain:
            while len(kept) >= 2 and _turn(kept[-2], kept[-1], (x, y)) <= 0:
                kept.pop()
            kept.append((x, y))
        return kept[:-1]

    return half(ordered) + half(ordered[::-1])


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
