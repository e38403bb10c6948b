"""Accounts: their ids are computed, so the hot path never looks one up."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid5

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.ledger.models import Account, AccountKind

# Any fixed UUID will do; changing it would orphan every account.
_NAMESPACE = UUID("6f6b8a52-70c4-4b0e-9d8e-1f2a3c4d5e60")


@dataclass(frozen=True)
class AccountRef:
    """An account of a season, named by what it is for."""

    season_id: UUID
    kind: AccountKind
    owner_id: UUID

    @property
    def id(self) -> UUID:
        return uuid5(_NAMESPACE, f"{self.season_id}/{self.kind}/{self.owner_id}")


def open_accounts(session: Session, refs: Iterable[AccountRef]) -> None:
    """Make sure the accounts exist. Opening one twice is no error."""
    rows = [
        {"id": ref.id, "season_id": ref.season_id, "kind": ref.kind, "owner_id": ref.owner_id}
        for ref in refs
    ]
    if rows:
        session.execute(insert(Account).values(rows).on_conflict_do_nothing())
