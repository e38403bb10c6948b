"""Grant: the drawn entries get their vouchers, a batch at a time, in the order of their ranks.

`decided_rank` is the cursor. It moves in the transaction that stores the batch's vouchers, so that
a process killed between two batches, or in one, leaves nobody out and nobody twice.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, and_, or_, select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Channel, Mode, Release
from coupon_service.issuance.claim import ClaimCommand, Granted, Refused, claim
from coupon_service.issuance.errors import LimitReachedError, NotEligibleError
from coupon_service.issuance.gate import Gate
from coupon_service.issuance.lottery.models import (
    DrawState,
    LotteryDraw,
    LotteryEntry,
    LotteryRank,
)
from coupon_service.issuance.lottery.queries import locked_draw
from coupon_service.notices.notify import NoticeKind, Told, notify_all

BATCH = 128
TELL_BATCH = 1_000
# The person's own reasons. Any other refusal, say of a paused release, stops the granting until
# somebody has seen to it.
_PASSED_OVER = (NotEligibleError, LimitReachedError)


def grant_batch(session: Session, gate: Gate, release_id: UUID) -> None:
    """Give the next entries their vouchers.

    An entry whose person may no longer have a voucher is passed over, and the next moves up.

    Raises:
        DrawNotFoundError: no draw is announced for the release.
        ProblemError: the release gives nothing now; nothing has changed.
    """
    draw = locked_draw(session, release_id)
    entries = _next_entries(session, draw)
    if not entries:
        return
    commands = [
        ClaimCommand(
            release_id=release_id,
            resident_id=drawn.resident_id,
            channel=Channel.ONLINE,
            mode=Mode.LOTTERY,
            claimed_by_id=entered_by_id,
        )
        for drawn, entered_by_id in entries
    ]
    name = _campaign_name(session, release_id)
    told = []
    for (drawn, _), outcome in zip(entries, claim(session, gate, commands), strict=True):
        match outcome:
            case Granted(voucher):
                draw.winners_count += 1
                params = {"campaign": name, "voucher_id": voucher.voucher_id}
                told.append(Told(drawn.resident_id, params))
            case Refused(error) if isinstance(error, _PASSED_OVER):
                drawn.refusal = error.slug
            case Refused(error):
                raise error
    draw.decided_rank += len(entries)
    notify_all(session, NoticeKind.LOTTERY_WON, told)


def tell_batch(session: Session, release_id: UUID) -> None:
    """Tell the next entries that they were not drawn. Who was passed over is told so too."""
    draw = locked_draw(session, release_id)
    if draw.state != DrawState.PUBLISHED or is_told(draw):
        return
    last = draw.told_rank + TELL_BATCH
    residents = session.scalars(
        select(LotteryRank.resident_id).where(
            LotteryRank.release_id == release_id,
            LotteryRank.rank > draw.told_rank,
            LotteryRank.rank <= last,
            or_(LotteryRank.rank > draw.decided_rank, LotteryRank.refusal.is_not(None)),
        )
    ).all()
    params = {"campaign": _campaign_name(session, release_id), "release_id": release_id}
    told = [Told(resident_id, params) for resident_id in residents]
    notify_all(session, NoticeKind.LOTTERY_LOST, told)
    draw.told_rank = last


def is_decided(draw: LotteryDraw) -> bool:
    """Whether everybody who can win has been given a voucher."""
    return draw.winners_count >= draw.quantity or draw.decided_rank >= (draw.entries_count or 0)


def is_told(draw: LotteryDraw) -> bool:
    """Whether everybody who did not win has been told."""
    return draw.told_rank >= (draw.entries_count or 0)


def _next_entries(session: Session, draw: LotteryDraw) -> Sequence[Row[LotteryRank, UUID | None]]:
    """The next to be drawn, each with the relative who entered for them."""
    if draw.state != DrawState.DRAWN or is_decided(draw):
        return ()
    last = draw.decided_rank + min(BATCH, draw.quantity - draw.winners_count)
    return session.execute(
        select(LotteryRank, LotteryEntry.entered_by_id)
        .join(
            LotteryEntry,
            and_(
                LotteryEntry.release_id == LotteryRank.release_id,
                LotteryEntry.resident_id == LotteryRank.resident_id,
            ),
        )
        .where(
            LotteryRank.release_id == draw.release_id,
            LotteryRank.rank > draw.decided_rank,
            LotteryRank.rank <= last,
        )
        .order_by(LotteryRank.rank)
    ).all()


def _campaign_name(session: Session, release_id: UUID) -> str:
    return session.scalars(
        select(Campaign.name)
        .join(Release, Release.campaign_id == Campaign.id)
        .where(Release.id == release_id)
    ).one()
