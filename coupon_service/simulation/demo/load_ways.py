"""Loads how some releases find their residents, by the use cases of each way; see ways.toml."""

from collections.abc import Sequence
from datetime import date, datetime
from secrets import token_bytes
from typing import assert_never
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Channel, Mode, Release
from coupon_service.core.clock import local_date
from coupon_service.issuance.claim import ClaimCommand, Granted, Refused, claim
from coupon_service.issuance.codes.make_code import NewCode, make_code
from coupon_service.issuance.gate import Gate
from coupon_service.issuance.lottery.advance import FETCH_AFTER, advance
from coupon_service.issuance.lottery.announce import announce
from coupon_service.issuance.lottery.enter import enter
from coupon_service.issuance.lottery.models import SALT_BYTES, LotteryEntry
from coupon_service.issuance.lottery.seeds import SEED_FILES, seed_file
from coupon_service.issuance.waiting.join import join
from coupon_service.residents.accept_invitation import accept_invitation
from coupon_service.residents.invite import Role, invite
from coupon_service.simulation.demo.means import Means
from coupon_service.simulation.demo.people import AGENT, PARENT, community_code, seed
from coupon_service.simulation.season.rows import DrawRow, SeasonFile
from redemption.awards.rule import NewRule, make_rule


def mode_of(file: SeasonFile, release: str) -> Mode:
    """How a release of the file is claimed."""
    if any(row.release == release for row in file.draws):
        return Mode.LOTTERY
    if any(row.release == release for row in file.codes):
        return Mode.CODE
    if any(row.release == release for row in file.awards):
        return Mode.AWARD
    return Mode.FIRST_COME


def load_codes(
    session: Session,
    file: SeasonFile,
    means: Means,
    release_ids: dict[str, UUID],
    *,
    official_id: UUID,
) -> None:
    """Make every code of the file, good for as long as its release is open."""
    for row in file.codes:
        release = session.get_one(Release, release_ids[row.release])
        new = NewCode(
            label=row.label,
            channel=Channel.ONLINE,
            uses_max=row.uses_max,
            valid_from=release.opens_at,
            valid_until=release.closes_at,
        )
        code = community_code(means.settings, row.release)
        make_code(session, means.vault, release.id, new, official_id=official_id, code=code)


def load_awards(
    session: Session,
    file: SeasonFile,
    campaign_ids: dict[str, UUID],
    release_ids: dict[str, UUID],
) -> None:
    """Make every award rule of the file."""
    for row in file.awards:
        rule = NewRule(campaign_ids[row.source], row.min_order_fen, row.per_person)
        make_rule(session, release_ids[row.release], rule)


def load_draws(
    session: Session,
    file: SeasonFile,
    means: Means,
    release_ids: dict[str, UUID],
    resident_ids: Sequence[UUID],
    *,
    now: datetime,
) -> None:
    """Announce every draw of the file with its entries; what is due by now is drawn."""
    for row in file.draws:
        release = session.get_one(Release, release_ids[row.release])
        entrants = resident_ids[: row.demo_entries]
        if row.seed_available.on(local_date(now)) + FETCH_AFTER <= now:
            _announce(session, means, row, release, load_day=local_date(now), at=release.opens_at)
            _enter_in_the_past(session, release, entrants)
            _draw(session, means, row, release.id, local_date(now))
        else:
            _announce(session, means, row, release, load_day=local_date(now), at=now)
            for resident_id in entrants:
                enter(session, release.id, resident_id)


def load_family(
    session: Session,
    file: SeasonFile,
    means: Means,
    release_ids: dict[str, UUID],
    resident_ids: Sequence[UUID],
    *,
    now: datetime,
) -> None:
    """Let a demo resident act for a parent, and claim for them what only older people get."""
    agent_id, parent_id = resident_ids[AGENT], resident_ids[PARENT]
    _, code = invite(session, means.vault, agent_id, Role.AGENT, now=now)
    accept_invitation(session, means.vault, parent_id, code, now=now)
    for_elders = {row.code for row in file.campaigns if row.min_age and row.min_age >= 60}
    commands = [
        ClaimCommand(release_ids[row.code], parent_id, Channel.ONLINE, claimed_by_id=agent_id)
        for row in file.releases
        if row.campaign in for_elders
    ]
    claim_all(session, means.gate, commands)


def load_waiting(
    session: Session,
    file: SeasonFile,
    gate: Gate,
    release_ids: dict[str, UUID],
    resident_ids: Sequence[UUID],
    *,
    now: datetime,
) -> None:
    """Where demo residents took every seat, let those of them who came too late wait."""
    for row in file.releases:
        if row.demo_claims == row.quantity:
            for resident_id in resident_ids[row.demo_claims :]:
                join(session, gate, release_ids[row.code], resident_id, now=now)


def claim_all(session: Session, gate: Gate, commands: Sequence[ClaimCommand]) -> None:
    """Claim, and raise whatever is refused: nothing in a demo may be."""
    for outcome in claim(session, gate, commands):
        match outcome:
            case Granted():
                pass
            case Refused(error):
                raise error
            case unknown:
                assert_never(unknown)


def _announce(
    session: Session, means: Means, row: DrawRow, release: Release, *, load_day: date, at: datetime
) -> None:
    settings = means.settings
    # The worker that draws reads it from there. It is the same each time it is written.
    folder = settings.state_dir / SEED_FILES
    folder.mkdir(parents=True, exist_ok=True)
    (folder / row.seed_file).write_text(seed(settings, row.seed_file), encoding="ascii")
    announce(
        session,
        release.id,
        entries_close_at=row.entries_close.on(load_day),
        source=seed_file(row.seed_file, row.seed_available.on(load_day), settings),
        now=at,
    )


def _enter_in_the_past(session: Session, release: Release, resident_ids: Sequence[UUID]) -> None:
    # Entering itself goes by the database's clock, and is over.
    session.add_all(
        LotteryEntry(
            release_id=release.id,
            resident_id=resident_id,
            id=uuid4(),
            salt=token_bytes(SALT_BYTES),
            entered_at=release.opens_at,
        )
        for resident_id in resident_ids
    )
    session.flush()


def _draw(session: Session, means: Means, row: DrawRow, release_id: UUID, load_day: date) -> None:
    """Every step of the draw, each at the moment it was due."""
    gate, settings = means.gate, means.settings
    advance(session, gate, settings, release_id, now=row.entries_close.on(load_day))
    due = row.seed_available.on(load_day) + FETCH_AFTER
    while advance(session, gate, settings, release_id, now=due) is not None:
        session.flush()
