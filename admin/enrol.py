"""Adding an official: name, role, password, and the secret of their authenticator."""

from dataclasses import dataclass
from uuid import UUID

import pyotp
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from admin.errors import UsernameTakenError
from admin.models import Official
from coupon_service.core.auth import OFFICE, Kind
from coupon_service.core.ids import new_id
from coupon_service.core.passwords import hash_password
from coupon_service.core.personal import Vault

TOTP_FIELD = "official.totp"
_ISSUER = "西城消费券"


@dataclass(frozen=True)
class Enrolled:
    """A new official. `totp_uri` is what an authenticator app scans; it is shown once."""

    official_id: UUID
    totp_uri: str


def enrol(
    session: Session,
    vault: Vault,
    *,
    district_id: UUID,
    username: str,
    name: str,
    role: Kind,
    password: str,
    totp_secret: str | None = None,
) -> Enrolled:
    """Add an official of a district. User names are small letters.

    Raises:
        UsernameTakenError: somebody has this name.
        ValueError: not a role of the office, or a password too short or too long.
    """
    if role not in OFFICE:
        raise ValueError(f"{role} is no role of the office")
    username = username.lower()
    secret = totp_secret or pyotp.random_base32()
    official_id = session.execute(
        insert(Official)
        .values(
            id=new_id(),
            district_id=district_id,
            username=username,
            name=name,
            role=role,
            password_hash=hash_password(password),
            totp_sealed=vault.seal_text(TOTP_FIELD, secret),
        )
        .on_conflict_do_nothing(index_elements=[Official.username])
        .returning(Official.id)
    ).scalar_one_or_none()
    if official_id is None:
        raise UsernameTakenError
    uri = pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=_ISSUER)
    return Enrolled(official_id, uri)
