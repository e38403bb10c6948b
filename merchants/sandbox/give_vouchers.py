"""Give vouchers of a sandbox to nobody in particular, so that a system has codes to try."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Campaign, Channel, Mode, Release
from coupon_service.campaigns.release import close, publish
from coupon_service.core.ids import new_id
from coupon_service.core.personal import Vault
from coupon_service.issuance.claim import ClaimCommand, Granted, Refused, claim
from coupon_service.issuance.gate import Gate
from coupon_service.residents.models import Resident
from coupon_service.vouchers.queries import voucher_with_terms
from coupon_service.vouchers.show import Shown, show

_WINDOW = timedelta(minutes=1)
# Campaigns are for adults unless they say otherwise.
_BORN_ON = date(1980, 1, 1)


@dataclass(frozen=True)
class GivenVoucher:
    """A voucher of the sandbox, and what its holder would show now."""

    id: UUID
    shown: Shown


def give_vouchers(
    session: Session, vault: Vault, gate: Gate, campaign: Campaign, count: int, *, now: datetime
) -> list[GivenVoucher]:
    """Publish a release of so many, claim all of it, and close it before anybody sees it.

    Raises:
        InsufficientFundsError: the sandbox's season is spent.
        ProblemError: a claim was refused.
    """
    release = Release(
        id=new_id(),
        campaign_id=campaign.id,
        name="联调",
        mode=Mode.GRANT,
        quantity=count,
        opens_at=now - _WINDOW,
        closes_at=now + _WINDOW,
    )
    session.add(release)
    session.flush()
    publish(session, release.id, now=now)
    resident_id = _nobody(session, vault, campaign, now)
    commands = [
        ClaimCommand(release.id, resident_id, Channel.ONLINE, ordinal, mode=Mode.GRANT)
        for ordinal in range(1, count + 1)
    ]
    # The gate does not know a release that is not committed yet.
    outcomes = claim(session, gate, commands, past_gate=True)
    close(session, release.id, now=now)
    return [_shown(session, outcome, now) for outcome in outcomes]


def _shown(session: Session, outcome: Granted | Refused, now: datetime) -> GivenVoucher:
    if isinstance(outcome, Refused):
        raise outcome.error
    voucher = voucher_with_terms(session, outcome.voucher.voucher_id)
    assert voucher is not None, "it was claimed a moment ago"
    return GivenVoucher(voucher.id, show(session, voucher, now=now))


def _nobody(session: Session, vault: Vault, campaign: Campaign, now: datetime) -> UUID:
    """The resident who holds all vouchers of a sandbox: a document that was never issued."""
    index = vault.index("id_number", f"sandbox of season {campaign.season_id}")
    session.execute(
        insert(Resident)
        .values(id=new_id(), id_number_index=index, born_on=_BORN_ON, verified_at=now)
        .on_conflict_do_nothing(index_elements=[Resident.id_number_index])
    )
    return session.execute(
        select(Resident.id).where(Resident.id_number_index == index)
    ).scalar_one()
