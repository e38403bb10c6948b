"""Paper vouchers: a sheet that an official prints for somebody without a phone.

Its code can be copied, so the till asks the holder for the end of the identity number. Of each
sheet that goes wrong `TRIES_MAX` times at most, counted here and not in a cache; and of each season
and official only so many sheets are printed as the settings allow.
"""

import hmac
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Season
from coupon_service.core.personal import Vault
from coupon_service.core.resources import resources
from coupon_service.residents.personal_data import unseal
from coupon_service.vouchers.errors import (
    PaperLimitError,
    PaperNotPossibleError,
    SecondCheckLockedError,
    SecondCheckWrongError,
    VoucherNotFoundError,
    VoucherStateError,
)
from coupon_service.vouchers.keys import keyring
from coupon_service.vouchers.models import PaperVoucher, Voucher, VoucherState
from coupon_service.vouchers.paper_code import SERIAL_MAX, PaperCode, issue_paper_code
from coupon_service.vouchers.queries import voucher_with_terms

TRIES_MAX = 5
SECOND_CHECK_CHARS = 4


def issue_paper(
    session: Session, voucher_id: UUID, official_id: UUID, now: datetime
) -> PaperVoucher:
    """Print a voucher, or print it anew: an earlier sheet of it works no longer.

    The identity number is opened to hash its end, and shown to nobody.

    Raises:
        VoucherNotFoundError, VoucherStateError: no such voucher, or not usable any more.
        PaperNotPossibleError: its holder's identity is not confirmed.
        PaperLimitError: the season or the official has printed enough.
    """
    voucher = voucher_with_terms(session, voucher_id)
    if voucher is None:
        raise VoucherNotFoundError
    if voucher.state != VoucherState.ISSUED or voucher.expires_at <= now:
        raise VoucherStateError
    held = resources()
    holder = unseal(session, held.vault, voucher.resident_id)
    if holder is None or holder.id_number is None:
        raise PaperNotPossibleError
    season_id = voucher.release.campaign.season_id
    _check_limits(session, season_id, official_id, voucher_id)
    printed = {
        "second_check": _hashed(held.vault, voucher_id, holder.id_number[-SECOND_CHECK_CHARS:]),
        "issued_by_id": official_id,
        "issued_at": now,
    }
    paper = session.scalars(
        insert(PaperVoucher)
        .values(voucher_id=voucher_id, season_id=season_id, serial=1, **printed)
        .on_conflict_do_update(
            index_elements=[PaperVoucher.voucher_id],
            set_={"serial": PaperVoucher.serial + 1, "wrong_tries": 0, **printed},
            where=PaperVoucher.serial < SERIAL_MAX,
        )
        .returning(PaperVoucher)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if paper is None:
        raise PaperLimitError
    return paper


def paper_of(session: Session, voucher_id: UUID) -> PaperVoucher | None:
    """The sheet that was printed last of a voucher."""
    return session.get(PaperVoucher, voucher_id)


def paper_text(session: Session, voucher: Voucher, paper: PaperVoucher) -> str:
    """What the QR code of the sheet says."""
    code = PaperCode(voucher.id, paper.serial, voucher.expires_at)
    return issue_paper_code(keyring(session), code)


def pass_second_check(session: Session, voucher_id: UUID, answer: str) -> None:
    """Compare an answer with the end of the holder's identity number, in constant time.

    The try is charged before it is judged, and a right one gives it back: guesses that come at once
    wait for each other, and none is free. Whoever catches `SecondCheckWrongError` must keep the
    transaction, or the try is not counted.

    Raises:
        SecondCheckWrongError: it is another one.
        SecondCheckLockedError: too many were, whatever this one is.
    """
    expected = session.execute(
        update(PaperVoucher)
        .where(PaperVoucher.voucher_id == voucher_id, PaperVoucher.wrong_tries < TRIES_MAX)
        .values(wrong_tries=PaperVoucher.wrong_tries + 1)
        .returning(PaperVoucher.second_check)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if expected is None:
        raise SecondCheckLockedError
    if not hmac.compare_digest(expected, _hashed(resources().vault, voucher_id, answer)):
        raise SecondCheckWrongError
    session.execute(
        update(PaperVoucher)
        .where(PaperVoucher.voucher_id == voucher_id)
        .values(wrong_tries=0)
        .execution_options(synchronize_session=False)
    )


def _hashed(vault: Vault, voucher_id: UUID, end_of_number: str) -> bytes:
    return vault.index("second-check", f"{voucher_id.hex}:{end_of_number.upper()}")


def _check_limits(session: Session, season_id: UUID, official_id: UUID, voucher_id: UUID) -> None:
    # One print at a time in each season, or two at once would both be the last one allowed.
    session.execute(select(Season.id).where(Season.id == season_id).with_for_update(key_share=True))
    of_season, of_official = session.execute(
        select(func.count(), func.count().filter(PaperVoucher.issued_by_id == official_id)).where(
            PaperVoucher.season_id == season_id, PaperVoucher.voucher_id != voucher_id
        )
    ).one()
    settings = resources().settings
    if of_season >= settings.paper_per_season_max or of_official >= settings.paper_per_official_max:
        raise PaperLimitError
