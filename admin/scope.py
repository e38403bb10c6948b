"""An official sees one district; everything of another one does not exist for them."""

from uuid import UUID

from coupon_service.core.auth import principal


def district_id() -> UUID:
    """The district of the official who asks."""
    district = principal().district_id
    assert district is not None  # officials belong to a district
    return district
