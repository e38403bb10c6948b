"""What becomes of a voucher. Each move is one conditional UPDATE, which decides by itself."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, func, select, text, update
from sqlalchemy.orm import Session

from coupon_service.campaigns.fund import budget, reserved
from coupon_service.campaigns.models import Campaign, Release
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit
from coupon_service.ledger.post import Movement, post
from coupon_service.vouchers.errors import VoucherStateError
from coupon_service.vouchers.models import VoidReason, Voucher, VoucherState

EXPIRY_BATCH = 2_000
# Emitted with `release_id` when vouchers of a release gave their value back.
FREED = "vouchers.freed"

MOVES: Mapping[VoucherState, frozenset[VoucherState]] = {
    VoucherState.ISSUED: frozenset(
        {VoucherState.REDEEMED, VoucherState.VOID, VoucherState.EXPIRED}
    ),
    VoucherState.REDEEMED: frozenset({VoucherState.ISSUED}),  # a reversal gives it back
    VoucherState.VOID: frozenset(),
    VoucherState.EXPIRED: frozenset({VoucherState.ISSUED}),  # it was used before, without a network
}


_USE = text(
    """
    UPDATE vouchers SET state = 'redeemed', redeemed_at = :now
    WHERE id = ANY (:ids) AND state = 'issued' AND valid_from <= :now AND expires_at > :now
    """
)


def use(session: Session, voucher_ids: Collection[UUID], *, now: datetime) -> int:
    """Mark those of the vouchers redeemed that are unused and valid at `now`; returns how many.

    Of any number of tills at once, exactly one redeems a voucher.
    """
    result = session.execute(_USE, {"ids": list(voucher_ids), "now": now})
    assert isinstance(result, CursorResult)
    return result.rowcount


def give_back(session: Session, voucher_id: UUID, *, valid_from: datetime | None = None) -> None:
    """Return a redeemed voucher to its holder, its expiry unchanged; usable from then on.

    One whose expiry has passed meanwhile is expired, and its money freed, by the next expiry run.

    Raises:
        VoucherStateError: it is not redeemed.
    """
    values: dict[str, object] = {"state": VoucherState.ISSUED, "redeemed_at": None}
    if valid_from is not None:
        values["valid_from"] = valid_from
    changed = session.execute(
        update(Voucher)
        .where(Voucher.id == voucher_id, Voucher.state == VoucherState.REDEEMED)
        .values(values)
        .returning(Voucher.id)
    ).scalar_one_or_none()
    if changed is None:
        raise VoucherStateError


def revive(session: Session, voucher_id: UUID) -> None:
    """Let an expired voucher pay for what it was accepted for before; its face is reserved anew.

    Raises:
        VoucherStateError: it is not expired.
        InsufficientFundsError: the budget node has spent what the voucher gave back.
    """
    release_id = session.execute(
        update(Voucher)
        .where(Voucher.id == voucher_id, Voucher.state == VoucherState.EXPIRED)
        .values(state=VoucherState.ISSUED)
        .returning(Voucher.release_id)
    ).scalar_one_or_none()
    if release_id is None:
        raise VoucherStateError
    campaign = session.execute(
        select(Campaign.season_id, Campaign.node_id, Campaign.face_fen)
        .join(Release, Release.campaign_id == Campaign.id)
        .where(Release.id == release_id)
    ).one()
    node = budget(campaign.season_id, campaign.node_id)
    again = Movement(node, reserved(campaign.season_id, release_id), campaign.face_fen)
    post(session, new_id(), "revive", [again])


def void(session: Session, voucher_id: UUID, reason: VoidReason = VoidReason.OFFICE) -> None:
    """Cancel an unused voucher; its face returns to the budget node. Its seat is never reused.

    Raises:
        VoucherStateError: it is used, expired or void already.
    """
    release_id = session.execute(
        update(Voucher)
        .where(Voucher.id == voucher_id, Voucher.state == VoucherState.ISSUED)
        .values(state=VoucherState.VOID, void_reason=reason)
        .returning(Voucher.release_id)
    ).scalar_one_or_none()
    if release_id is None:
        raise VoucherStateError
    _free(session, {release_id: 1}, "void")


def expire_due(session: Session, *, now: datetime) -> int:
    """Expire up to `EXPIRY_BATCH` unused vouchers and free their money; returns how many."""
    due = (
        select(Voucher.id)
        .where(Voucher.state == VoucherState.ISSUED, Voucher.expires_at <= now)
        .order_by(Voucher.expires_at)
        .limit(EXPIRY_BATCH)
        .with_for_update(skip_locked=True)
    )
    expired = (
        update(Voucher)
        .where(Voucher.id.in_(due))
        .values(state=VoucherState.EXPIRED)
        .returning(Voucher.release_id)
        .cte("expired")
    )
    counts = session.execute(
        select(expired.c.release_id, func.count()).group_by(expired.c.release_id)
    )
    by_release = {row[0]: row[1] for row in counts}
    _free(session, by_release, "expire")
    return sum(by_release.values())


def _free(session: Session, count_by_release: Mapping[UUID, int], reason: str) -> None:
    if not count_by_release:
        return
    rows = session.execute(
        select(Release.id, Campaign.season_id, Campaign.node_id, Campaign.face_fen)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(Release.id.in_(count_by_release))
    )
    post(
        session,
        new_id(),
        reason,
        [
            Movement(
                reserved(season_id, release_id),
                budget(season_id, node_id),
                face_fen * count_by_release[release_id],
            )
            for release_id, season_id, node_id, face_fen in rows
        ],
    )
    for release_id in count_by_release:
        emit(session, FREED, release_id=release_id)
