"""Distance on the ground, for fences of metres to kilometres."""

from math import asin, cos, radians, sin, sqrt

# Mean radius R1 = (2a + b) / 3 of the GRS80 ellipsoid, recommended by the IUGG: H. Moritz,
# "Geodetic Reference System 1980", Journal of Geodesy 74 (2000), 128-133.
EARTH_RADIUS_M = 6_371_008.7714


def distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Great-circle distance in metres between two places in degrees of WGS-84.

    Haversine formula (R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68(2), 1984,
    159), which keeps its precision at small distances. The sphere is wrong by at most 0.6 %: half
    a metre on a fence of 100 m.
    """
    phi_a, phi_b = radians(lat_a), radians(lat_b)
    half_lat, half_lon = (phi_b - phi_a) / 2, radians(lon_b - lon_a) / 2
    haversine = sin(half_lat) ** 2 + cos(phi_a) * cos(phi_b) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(min(1.0, haversine)))
