"""What a provider's proofs may bring on one local day: one row per provider and day decides."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from coupon_service.core.clock import local_date
from redemption.ar.errors import ArOverCapError


@dataclass(frozen=True)
class Brought:
    """What one proof brings: a voucher of that face, or a discount. Amounts in fen."""

    award_count: int = 0
    award_fen: int = 0
    redeem_fen: int = 0


# What a proof brings nothing of is not looked at: a cap that was lowered under what the day has
# brought already stops awards and leaves redemptions alone, or the other way round.
_COUNT = text(
    """
    INSERT INTO ar_provider_days AS so_far (provider_id, day, award_count, award_fen, redeem_fen)
    SELECT id, :day, :award_count, :award_fen, :redeem_fen FROM ar_providers
    WHERE id = :provider_id
      AND :award_count <= awards_per_day_max
      AND :award_fen <= award_fen_per_day_max
      AND :redeem_fen <= redeem_fen_per_day_max
    ON CONFLICT (provider_id, day) DO UPDATE
    SET award_count = so_far.award_count + excluded.award_count,
        award_fen = so_far.award_fen + excluded.award_fen,
        redeem_fen = so_far.redeem_fen + excluded.redeem_fen
    WHERE (SELECT (excluded.award_count = 0
                   OR so_far.award_count + excluded.award_count <= awards_per_day_max)
              AND (excluded.award_fen = 0
                   OR so_far.award_fen + excluded.award_fen <= award_fen_per_day_max)
              AND (excluded.redeem_fen = 0
                   OR so_far.redeem_fen + excluded.redeem_fen <= redeem_fen_per_day_max)
           FROM ar_providers WHERE id = :provider_id)
    RETURNING provider_id
    """
)


def keep_within_caps(
    session: Session, provider_id: UUID, brought: Brought, *, now: datetime
) -> None:
    """Count what a proof brings on today's account of the provider.

    One conditional statement: however many proofs arrive at once, the caps hold exactly. The row
    stays locked until COMMIT, so this comes last of what a proof does.

    Raises:
        ArOverCapError: it would be more than the provider may bring on one day.
    """
    counted = session.execute(
        _COUNT, {"provider_id": provider_id, "day": local_date(now)} | vars(brought)
    ).scalar_one_or_none()
    if counted is None:
        raise ArOverCapError
