"""An official sees one district; everything of another one does not exist for them."""

from uuid import UUID

from coupon_service.core.auth import Principal, principal


def district_id() -> UUID:
    """The district of the official who asks."""
    return district_of(principal())


def district_of(official: Principal) -> UUID:
    """The only district this official sees."""
    assert official.district_id is not None  # officials belong to a district
    return official.district_id
