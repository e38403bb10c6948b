"""Enlist a provider, or change what was agreed with it; and set up its anchors."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel
from coupon_service.core.ids import new_id
from coupon_service.core.personal import Vault
from merchants.models import Merchant, Store
from redemption.ar.budget import award_face_fen
from redemption.ar.errors import ArNodeTakenError, ArProviderUnknownError, ArStoreNotVirtualError
from redemption.ar.keys import seal_secret
from redemption.ar.models import ArAnchor, ArOutcome, ArProvider

# Whether another provider's node is that node, above it, or below it.
_SHARED = text(
    """
    WITH RECURSIVE above (id) AS (
        SELECT CAST(:node_id AS uuid)
        UNION ALL
        SELECT node.parent_id FROM above JOIN budget_nodes node ON node.id = above.id
        WHERE node.parent_id IS NOT NULL
    ), below (id) AS (
        SELECT CAST(:node_id AS uuid)
        UNION ALL
        SELECT node.id FROM below JOIN budget_nodes node ON node.parent_id = below.id
    )
    SELECT EXISTS (
        SELECT 1 FROM ar_providers
        WHERE id <> :provider_id
          AND node_id IN (SELECT id FROM above UNION ALL SELECT id FROM below)
    )
    """
)
_NODE_DISTRICT = text(
    """
    SELECT season.district_id FROM budget_nodes node
    JOIN seasons season ON season.id = node.season_id WHERE node.id = :node_id
    """
)


@dataclass(frozen=True)
class NewAnchor:
    """A place and what a proof there brings: a voucher of the release, or an order at the store.

    Degrees of WGS-84; hours are local.
    """

    code: str
    name: str
    lat: float
    lon: float
    radius_m: float
    confidence_min: float
    release_id: UUID | None = None
    store_id: UUID | None = None
    opens: time = time()
    closes: time = time()
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def enlist(
    session: Session,
    vault: Vault,
    *,
    district_id: UUID,
    code: str,
    secret: str,
    node_id: UUID | None,
    **agreed: Any,
) -> ArProvider:
    """Add a provider. `agreed` are further columns: its name, caps, address for callbacks.

    Raises:
        ValueError: `secret` is no Standard Webhooks secret.
        ArNodeTakenError: as `give_node`.
    """
    provider = ArProvider(
        id=new_id(),
        district_id=district_id,
        code=code,
        secret_sealed=seal_secret(vault, secret),
        **agreed,
    )
    session.add(provider)
    session.flush()
    give_node(session, provider, node_id)
    return provider


def give_node(session: Session, provider: ArProvider, node_id: UUID | None) -> None:
    """Name the provider's own budget node.

    Raises:
        ArNodeTakenError: it is another district's, or another provider's, or one of theirs is
            above or below it.
    """
    if node_id is not None:
        # Two providers that are given related nodes at the same time wait for each other here.
        session.execute(text("LOCK TABLE ar_providers IN SHARE ROW EXCLUSIVE MODE"))
        district_id = session.execute(_NODE_DISTRICT, {"node_id": node_id}).scalar_one_or_none()
        asked = {"node_id": node_id, "provider_id": provider.id}
        if district_id != provider.district_id or session.execute(_SHARED, asked).scalar_one():
            raise ArNodeTakenError
    provider.node_id = node_id
    session.flush()


def add_anchor(session: Session, provider_code: str, new: NewAnchor) -> ArAnchor:
    """Set up an anchor of the provider.

    Raises:
        ArProviderUnknownError: no provider has that code.
        ArOutsideBudgetError: the release does not draw on the provider's node.
        ArStoreNotVirtualError: the store is not a virtual one of the provider's district.
    """
    provider = session.scalars(
        select(ArProvider).where(ArProvider.code == provider_code)
    ).one_or_none()
    if provider is None:
        raise ArProviderUnknownError
    if new.release_id is not None:
        award_face_fen(session, new.release_id, provider.node_id)
    if new.store_id is not None and not _is_virtual(session, new.store_id, provider.district_id):
        raise ArStoreNotVirtualError
    outcome = ArOutcome.AWARD if new.release_id is not None else ArOutcome.REDEEM
    anchor = ArAnchor(id=new_id(), provider_id=provider.id, outcome=outcome, **vars(new))
    session.add(anchor)
    session.flush()
    return anchor


def _is_virtual(session: Session, store_id: UUID, district_id: UUID) -> bool:
    found = session.execute(
        select(Store.id)
        .join(Merchant, Merchant.id == Store.merchant_id)
        .where(
            Store.id == store_id,
            Store.channel == Channel.VIRTUAL,
            Merchant.district_id == district_id,
        )
    ).scalar_one_or_none()
    return found is not None
