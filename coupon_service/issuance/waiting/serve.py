"""Serve: what came back to a release goes to those who wait for it, in the order they joined.

All in one transaction. `resize` holds the release's row, so no newcomer's claim is stored until
the new seats are taken, and the gate hears of the new quantity only afterwards.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Channel, Mode, Release, ReleaseState
from coupon_service.campaigns.release import resize
from coupon_service.core.errors import TooManyRequestsError, UnavailableError
from coupon_service.issuance.allot import hold_seats
from coupon_service.issuance.claim import ClaimCommand, Granted, Outcome, claim
from coupon_service.issuance.gate import Gate
from coupon_service.issuance.waiting.models import WaitingEntry, WaitingList
from coupon_service.issuance.waiting.queries import next_ordinal, returned_count
from coupon_service.ledger.post import InsufficientFundsError
from coupon_service.notices.notify import NoticeKind, notify

# As many as one call of `claim` is made for.
SERVED_AT_ONCE = 128


def serve(session: Session, gate: Gate, release_id: UUID, *, now: datetime) -> int:
    """Give out again what came back and is not given out yet; returns how many were served.

    Somebody whose turn it is and who may not have one, say because they have claimed elsewhere
    meanwhile, leaves the list, and the next one's turn comes.

    Raises:
        UnavailableError, TooManyRequestsError: a claim may succeed later; nothing was done.
    """
    waiting_list = session.scalars(
        select(WaitingList).where(WaitingList.release_id == release_id).with_for_update()
    ).one_or_none()
    found = session.execute(
        select(Release, Campaign)
        .join(Campaign, Campaign.id == Release.campaign_id)
        .where(Release.id == release_id)
    ).one_or_none()
    if waiting_list is None or found is None or not _is_open(found[0], now):
        return 0
    release, campaign = found
    came_back = returned_count(session, release_id) - waiting_list.recycled
    if came_back > 0:
        hold_seats(session, release_id)
    served = 0
    while served < came_back:
        turns = _next_in_line(session, release_id, min(came_back - served, SERVED_AT_ONCE))
        seats = _make_seats(session, release, campaign.face_fen, len(turns))
        if not seats:
            break
        granted = _give_out(session, gate, campaign.name, turns[:seats], now)
        served += granted
        if granted < seats:  # the next round makes the seats of those who were passed over
            quantity = release.quantity
            resize(session, release_id, quantity=quantity - seats + granted, expected=quantity)
    waiting_list.recycled += served
    session.flush()
    return served


def _is_open(release: Release, now: datetime) -> bool:
    return release.state == ReleaseState.OPEN and release.opens_at <= now < release.closes_at


def _next_in_line(session: Session, release_id: UUID, most: int) -> Sequence[WaitingEntry]:
    return session.scalars(
        select(WaitingEntry)
        .where(
            WaitingEntry.release_id == release_id,
            WaitingEntry.served_at.is_(None),
            WaitingEntry.left_at.is_(None),
        )
        .order_by(WaitingEntry.place)
        .limit(most)
        .with_for_update()
    ).all()


def _make_seats(session: Session, release: Release, face_fen: int, wanted: int) -> int:
    """Add seats to the release, as many as its budget node can pay for."""
    if not wanted:
        return 0
    expected = release.quantity
    try:
        resize(session, release.id, quantity=expected + wanted, expected=expected)
    except InsufficientFundsError as error:  # the node has spent on something else meanwhile
        affordable = int(error.extra["available_fen"]) // face_fen
        if affordable:
            resize(session, release.id, quantity=expected + affordable, expected=expected)
        return affordable
    return wanted


def _give_out(
    session: Session, gate: Gate, campaign: str, turns: Sequence[WaitingEntry], now: datetime
) -> int:
    """Claim for each of them; returns how many got a voucher."""
    commands = [
        ClaimCommand(
            release_id=entry.release_id,
            resident_id=entry.resident_id,
            channel=Channel.ONLINE,
            ordinal=next_ordinal(session, entry.release_id, entry.resident_id),
            mode=Mode.FIRST_COME,
        )
        for entry in turns
    ]
    granted = 0
    for entry, outcome in zip(turns, claim(session, gate, commands, past_gate=True), strict=True):
        voucher_id = _settle(entry, outcome, now)
        if voucher_id is not None:
            granted += 1
            notify(
                session,
                entry.resident_id,
                NoticeKind.CAME_BACK,
                campaign=campaign,
                release_id=entry.release_id,
                voucher_id=voucher_id,
            )
    session.flush()
    return granted


def _settle(entry: WaitingEntry, outcome: Outcome, now: datetime) -> UUID | None:
    """Write down what came of somebody's turn; their voucher's id if they got one."""
    if isinstance(outcome, Granted):
        entry.served_at = now
        entry.voucher_id = outcome.voucher.voucher_id
        return entry.voucher_id
    if isinstance(outcome.error, UnavailableError | TooManyRequestsError):
        raise outcome.error
    entry.left_at = now
    entry.refused = outcome.error.slug
    return None
