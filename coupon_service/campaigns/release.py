"""A release's life: publish, pause, resume, resize, close.

Each takes the release's row FOR UPDATE. A claim holds it FOR KEY SHARE while it inserts, so what
is decided here sees every earlier claim, and no later claim slips past it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session, joinedload

from coupon_service.campaigns.eligibility import Eligibility
from coupon_service.campaigns.errors import (
    QuantityChangedError,
    QuantityOutOfBoundsError,
    ReleaseNotFoundError,
    ReleaseStateError,
)
from coupon_service.campaigns.fund import budget, reserved
from coupon_service.campaigns.models import SEATS_MAX, Release, ReleaseQuota, ReleaseState
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import emit
from coupon_service.ledger.accounts import open_accounts
from coupon_service.ledger.post import Movement, post

# Emitted with `release_id` whenever a release's state or quantity has changed.
CHANGED = "campaigns.release_changed"

_MOVES: Mapping[ReleaseState, frozenset[ReleaseState]] = {
    ReleaseState.DRAFT: frozenset({ReleaseState.OPEN}),
    ReleaseState.OPEN: frozenset({ReleaseState.PAUSED, ReleaseState.CLOSED}),
    ReleaseState.PAUSED: frozenset({ReleaseState.OPEN, ReleaseState.CLOSED}),
    ReleaseState.CLOSED: frozenset(),
}


@dataclass(frozen=True)
class Group:
    """Who some seats of a release are kept for, how many, and until when."""

    name: str
    eligibility: Eligibility
    seats: int
    opens_to_all_at: datetime | None = None


def publish(session: Session, release_id: UUID, *, now: datetime) -> Release:
    """Open a draft and reserve its money: face (or cap) times quantity, out of its budget node.

    Raises:
        ReleaseStateError: it is no draft any more.
        InsufficientFundsError: the node does not hold that much.
    """
    release = _move(session, release_id, ReleaseState.OPEN, only_from=ReleaseState.DRAFT)
    release.published_at = now
    campaign = release.campaign
    account = reserved(campaign.season_id, release.id)
    emit(session, CHANGED, release_id=release.id)
    open_accounts(session, [account])
    post(
        session,
        release.id,
        "publish",
        [
            Movement(
                budget(campaign.season_id, campaign.node_id),
                account,
                campaign.face_fen * release.quantity,
            )
        ],
    )
    return release


def pause(session: Session, release_id: UUID) -> Release:
    """Stop claims; the money stays reserved.

    Raises:
        ReleaseStateError: it is not open.
    """
    release = _move(session, release_id, ReleaseState.PAUSED, only_from=ReleaseState.OPEN)
    emit(session, CHANGED, release_id=release.id)
    return release


def resume(session: Session, release_id: UUID) -> Release:
    """Let claims go on.

    Raises:
        ReleaseStateError: it is not paused.
    """
    release = _move(session, release_id, ReleaseState.OPEN, only_from=ReleaseState.PAUSED)
    emit(session, CHANGED, release_id=release.id)
    return release


def resize(session: Session, release_id: UUID, *, quantity: int, expected: int) -> Release:
    """Change how many coupons a release has, if it still has `expected`; its money follows.

    Raises:
        QuantityChangedError: somebody else has changed it meanwhile.
        QuantityOutOfBoundsError: seats beyond that are claimed, or kept for a group.
        ReleaseStateError: it is closed.
        InsufficientFundsError: the node does not hold what more coupons cost.
    """
    release = _locked(session, release_id)
    if release.state == ReleaseState.CLOSED:
        raise ReleaseStateError(state=release.state)
    if release.quantity != expected:
        raise QuantityChangedError(quantity=release.quantity)
    lowest = _lowest_quantity(session, release.id)
    if not lowest <= quantity <= SEATS_MAX:
        raise QuantityOutOfBoundsError(lowest=lowest, highest=SEATS_MAX)
    if release.state != ReleaseState.DRAFT:
        campaign = release.campaign
        node = budget(campaign.season_id, campaign.node_id)
        account = reserved(campaign.season_id, release.id)
        more = quantity > release.quantity
        movement = Movement(
            source=node if more else account,
            target=account if more else node,
            amount_fen=campaign.face_fen * abs(quantity - release.quantity),
        )
        post(session, release.id, "resize", [movement])
    release.quantity = quantity
    emit(session, CHANGED, release_id=release.id)
    return release


def keep_for_groups(
    session: Session, release_id: UUID, groups: Sequence[Group]
) -> Sequence[ReleaseQuota]:
    """Keep the first seats of a draft for groups, in this order; replaces what was kept before.

    Raises:
        ReleaseStateError: it is no draft any more.
        QuantityOutOfBoundsError: the groups together want more seats than there are.
    """
    release = _locked(session, release_id)
    if release.state != ReleaseState.DRAFT:
        raise ReleaseStateError(state=release.state)
    wanted = sum(group.seats for group in groups)
    if wanted > release.quantity:
        raise QuantityOutOfBoundsError(lowest=wanted, highest=SEATS_MAX)
    session.execute(delete(ReleaseQuota).where(ReleaseQuota.release_id == release_id))
    quotas = []
    first = 1
    for group in groups:
        quotas.append(
            ReleaseQuota(
                id=new_id(),
                release_id=release_id,
                name=group.name,
                eligibility=group.eligibility.model_dump(mode="json", exclude_defaults=True),
                first_seat=first,
                last_seat=first + group.seats - 1,
                opens_to_all_at=group.opens_to_all_at,
            )
        )
        first += group.seats
    session.add_all(quotas)
    session.flush()
    return quotas


def close(session: Session, release_id: UUID, *, now: datetime) -> Release:
    """End a release for good.

    The seats nobody took flow into its next round with their money; where there is none, the money
    returns to the budget node.

    Raises:
        ReleaseStateError: it is a draft, or closed already.
    """
    release = _move(session, release_id, ReleaseState.CLOSED)
    release.closed_at = now
    # The table belongs to a package above; a count of its rows is all that is needed of it here.
    taken = session.execute(
        text("SELECT count(*) FROM vouchers WHERE release_id = :id"), {"id": release.id}
    ).scalar_one()
    unused = release.quantity - taken
    flowing = _flow_on(session, release, unused)
    campaign = release.campaign
    account = reserved(campaign.season_id, release.id)
    node = budget(campaign.season_id, campaign.node_id)
    movements = [Movement(account, node, campaign.face_fen * (unused - flowing.reserved))]
    if flowing.reserved:
        onward = reserved(campaign.season_id, flowing.into_id)
        movements.append(Movement(account, onward, campaign.face_fen * flowing.reserved))
    post(session, release.id, "close", movements)
    emit(session, CHANGED, release_id=release.id)
    return release


@dataclass(frozen=True)
class _Flow:
    """Seats that went on with their money. A draft takes seats only: publishing it reserves."""

    into_id: UUID
    reserved: int


def _flow_on(session: Session, release: Release, unused: int) -> _Flow:
    nothing = _Flow(release.id, 0)
    if release.flows_into_id is None or not unused:
        return nothing
    # Rounds follow one another in time, so locking the next one after this one cannot cross.
    onward = _locked(session, release.flows_into_id)
    if onward.state == ReleaseState.CLOSED or onward.campaign_id != release.campaign_id:
        return nothing
    count = min(unused, SEATS_MAX - onward.quantity)
    onward.quantity += count
    emit(session, CHANGED, release_id=onward.id)
    return nothing if onward.state == ReleaseState.DRAFT else _Flow(onward.id, count)


def _lowest_quantity(session: Session, release_id: UUID) -> int:
    """The highest seat that is claimed or kept for a group, or all that a draw has announced."""
    lowest: int = session.execute(
        text(
            """
            SELECT greatest(
                1,
                (SELECT max(seat) FROM vouchers WHERE release_id = :id),
                (SELECT max(last_seat) FROM release_quotas WHERE release_id = :id),
                (SELECT quantity FROM lottery_draws WHERE release_id = :id)
            )
            """
        ),
        {"id": release_id},
    ).scalar_one()
    return lowest


def _locked(session: Session, release_id: UUID) -> Release:
    release = session.execute(
        select(Release)
        .where(Release.id == release_id)
        .options(joinedload(Release.campaign))
        .with_for_update(of=Release)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if release is None:
        raise ReleaseNotFoundError
    return release


def _move(
    session: Session,
    release_id: UUID,
    target: ReleaseState,
    *,
    only_from: ReleaseState | None = None,
) -> Release:
    release = _locked(session, release_id)
    state = ReleaseState(release.state)
    if target not in _MOVES[state] or only_from not in (None, state):
        raise ReleaseStateError(state=state)
    release.state = target
    return release
