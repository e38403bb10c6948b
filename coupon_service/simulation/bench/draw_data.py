"""What the lottery's bench works on: an announced draw and its entries, written in bulk."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Mode, Release
from coupon_service.core.clock import db_now
from coupon_service.issuance.lottery.announce import announce
from coupon_service.issuance.lottery.seeds import SeedFile
from coupon_service.simulation.bench.data import open_release, prepare

SEED_NAME = "bench"

_ENTER = text(
    """
    WITH people AS (
        INSERT INTO residents (id, phone_sealed, phone_index, id_number_sealed, id_number_index,
                               born_on, area_code, verified_at)
        SELECT gen_random_uuid(), '\\x00', uuid_send(gen_random_uuid()), '\\x00',
               uuid_send(gen_random_uuid()), '1980-05-17', '110102', now()
        FROM generate_series(1, :count)
        RETURNING id
    )
    INSERT INTO lottery_entries (release_id, resident_id, id, salt)
    SELECT :release_id, id, gen_random_uuid(), uuid_send(gen_random_uuid()) FROM people
    """
)


def prepare_draw(session: Session, *, entries: int, winners: int) -> UUID:
    """A lottery that takes entries and has as many as asked for; returns its release's id."""
    session.execute(text("SET LOCAL statement_timeout = 0"))
    data = prepare(session, residents=1)
    release_id = open_release(session, data, quantity=winners)
    session.get_one(Release, release_id).mode = Mode.LOTTERY
    session.flush()
    now = db_now(session)
    closes_at = now + timedelta(hours=1)
    source = SeedFile(SEED_NAME, closes_at + timedelta(hours=1))
    announce(session, release_id, entries_close_at=closes_at, source=source, now=now)
    session.execute(_ENTER, {"release_id": release_id, "count": entries})
    session.execute(text("ANALYZE residents, lottery_entries"))
    return release_id
