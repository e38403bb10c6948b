"""An official's acts on lists and grants, each with its entry in the audit log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from admin.audit import record
from admin.scope import district_id
from coupon_service.core.auth import Principal
from coupon_service.core.personal import Vault
from coupon_service.issuance.lists.discard import discard_list
from coupon_service.issuance.lists.models import ResidentList
from coupon_service.issuance.lists.queries import grant_or_refuse, list_or_refuse
from coupon_service.issuance.lists.start_grant import retry_refused, start_grant
from coupon_service.issuance.lists.upload import upload_list


def upload(
    session: Session,
    vault: Vault,
    official: Principal,
    content: bytes,
    *,
    season_id: UUID,
    name: str,
) -> UUID:
    """Take in a list for a season of the official's district; returns its id.

    Raises:
        ListFileMissingError, ListTooLongError, ListNotCsvError, ListHeaderError
    """
    list_id = upload_list(
        session, vault, content, season_id=season_id, name=name, created_by=official.id
    )
    stored = session.get_one(ResidentList, list_id)
    details = {"file_sha256": stored.file_sha256, "file_bytes": stored.file_bytes}
    record(session, official, "list.upload", list_id, details)
    return list_id


def discard(session: Session, official: Principal, list_id: UUID, *, now: datetime) -> None:
    """Delete what a list says of people.

    Raises:
        ListNotFoundError: the official's district has no such list.
        ListNotReadyError, ListInUseError
    """
    list_or_refuse(session, list_id, district_id=district_id())
    discard_list(session, list_id, now=now)
    record(session, official, "list.discard", list_id)


def grant(session: Session, official: Principal, release_id: UUID, list_id: UUID) -> None:
    """Start giving a release to everybody on a list.

    Raises:
        ListNotFoundError: the official's district has no such list.
        ListNotReadyError, NotForGrantError, ChannelClosedError, GrantExistsError
    """
    list_or_refuse(session, list_id, district_id=district_id())
    start_grant(session, release_id, list_id, started_by=official.id)
    record(session, official, "grant.start", release_id, {"list_id": str(list_id)})


def retry(session: Session, official: Principal, release_id: UUID, *, now: datetime) -> int:
    """Let everybody a grant refused try again; returns how many.

    Raises:
        GrantNotFoundError: the official's district has no such grant.
    """
    grant_or_refuse(session, release_id, district_id=district_id())
    count = retry_refused(session, release_id, now=now)
    record(session, official, "grant.retry", release_id, {"lines": count})
    return count
