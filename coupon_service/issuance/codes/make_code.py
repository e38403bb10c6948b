"""Make: a new code for a release; stop: an end to one before its time."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from coupon_service.campaigns.errors import ReleaseNotFoundError
from coupon_service.campaigns.models import Channel, Mode, Release
from coupon_service.core.errors import InvalidRequestError
from coupon_service.core.ids import new_id
from coupon_service.core.personal import Vault
from coupon_service.issuance.codes.code_text import fresh_code, index_of
from coupon_service.issuance.codes.errors import ClaimCodeNotFoundError, NoCodesHereError
from coupon_service.issuance.codes.models import ClaimCode


@dataclass(frozen=True)
class NewCode:
    """What an official decides about a code."""

    label: str
    channel: Channel
    uses_max: int
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True)
class MadeCode:
    """A new code, in clear for the only time."""

    id: UUID
    code: str


def make_code(
    session: Session,
    vault: Vault,
    release_id: UUID,
    new: NewCode,
    *,
    official_id: UUID,
    code: str | None = None,
) -> MadeCode:
    """Make a code for a release that is claimed by code; without `code`, one nobody has.

    Raises:
        ReleaseNotFoundError: there is no such release.
        NoCodesHereError: it is claimed in another way.
        InvalidRequestError: the code would end before it begins.
    """
    release = session.get(Release, release_id)
    if release is None:
        raise ReleaseNotFoundError
    if release.mode != Mode.CODE:
        raise NoCodesHereError
    if new.valid_from >= new.valid_until:
        raise InvalidRequestError
    made = MadeCode(new_id(), code or fresh_code())
    session.add(
        ClaimCode(
            id=made.id,
            release_id=release_id,
            code_index=index_of(vault, made.code),
            label=new.label,
            channel=new.channel,
            uses_max=new.uses_max,
            valid_from=new.valid_from,
            valid_until=new.valid_until,
            created_by=official_id,
        )
    )
    session.flush()
    return made


def stop_code(session: Session, code_id: UUID, *, now: datetime) -> UUID:
    """Let a code work no longer; what it brought stays. Returns its release's id.

    Raises:
        ClaimCodeNotFoundError: there is no such code.
    """
    release_id = session.execute(
        update(ClaimCode)
        .where(ClaimCode.id == code_id)
        .values(valid_until=func.least(ClaimCode.valid_until, now))
        .returning(ClaimCode.release_id)
    ).scalar_one_or_none()
    if release_id is None:
        raise ClaimCodeNotFoundError
    return release_id
