"""The payout file: what the licensed institution is told to transfer, as CSV.

The only place where account numbers appear in clear. It is drawn from rows that never change, so
it is the same to the byte each time, and its SHA-256 was stored when the batch was instructed:

    批次号,<batch id>,消费季,<code>,截止时间,<local time>,笔数,<count>,总金额（元）,<total>
    序号,商户编号,商户名称,户名,开户银行,账号,金额（元）
    1,m001,…,…,…,6299…,123.45
    合计,<count>,<total>

UTF-8 with a byte order mark, lines end in CR LF.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import StringIO
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.campaigns.models import Season
from coupon_service.core.clock import LOCAL_ZONE
from coupon_service.core.csv_cells import BOM, safe_cell
from coupon_service.core.log import get_logger
from coupon_service.core.money import FEN_PER_YUAN
from coupon_service.core.personal import Vault
from merchants.models import Merchant, Payout, PayoutAccount, SettlementBatch
from merchants.payout_account import clear_number
from merchants.settlement.errors import PayoutFileAlteredError

COLUMNS = ("序号", "商户编号", "商户名称", "户名", "开户银行", "账号", "金额（元）")

log = get_logger(__name__)


@dataclass(frozen=True)
class Transfer:
    """One line of the file."""

    position: int
    merchant_code: str
    merchant_name: str
    holder: str
    bank: str
    number: str
    amount_fen: int


def payout_file(session: Session, vault: Vault, batch: SettlementBatch) -> bytes:
    """The bytes that were instructed.

    Raises:
        PayoutFileAlteredError: the rows give other bytes than those whose hash was stored.
    """
    season_code = session.execute(
        select(Season.code).where(Season.id == batch.season_id)
    ).scalar_one()
    content = render(batch.id, season_code, batch.cutoff_at, transfers_of(session, vault, batch.id))
    if digest(content) != batch.file_sha256:
        log.error("payout file altered", batch_id=str(batch.id))
        raise PayoutFileAlteredError
    return content


def transfers_of(session: Session, vault: Vault, batch_id: UUID) -> list[Transfer]:
    """The lines of a batch's file. A payout that was wholly netted is none."""
    rows = session.execute(
        select(Payout, Merchant.code, PayoutAccount)
        .join(Merchant, Merchant.id == Payout.merchant_id)
        .join(PayoutAccount, PayoutAccount.id == Payout.account_id)
        .where(Payout.batch_id == batch_id, Payout.amount_fen > 0)
        .order_by(Payout.position)
    )
    return [
        Transfer(
            payout.position,
            code,
            payout.merchant_name,
            account.holder,
            account.bank,
            clear_number(vault, account),
            payout.amount_fen,
        )
        for payout, code, account in rows
    ]


def render(
    batch_id: UUID, season_code: str, cutoff_at: datetime, transfers: Sequence[Transfer]
) -> bytes:
    """Write the file. The same arguments give the same bytes."""
    out = StringIO(newline="")
    out.write(BOM)
    writer = csv.writer(out, lineterminator="\r\n")
    count = len(transfers)
    total = yuan(sum(transfer.amount_fen for transfer in transfers))
    cutoff = cutoff_at.astimezone(LOCAL_ZONE).isoformat()
    header = {
        "批次号": batch_id,
        "消费季": safe_cell(season_code),
        "截止时间": cutoff,
        "笔数": count,
        "总金额（元）": total,
    }
    writer.writerow([cell for pair in header.items() for cell in pair])
    writer.writerow(COLUMNS)
    for transfer in transfers:
        writer.writerow(
            [
                transfer.position,
                safe_cell(transfer.merchant_code),
                safe_cell(transfer.merchant_name),
                safe_cell(transfer.holder),
                safe_cell(transfer.bank),
                transfer.number,
                yuan(transfer.amount_fen),
            ]
        )
    writer.writerow(["合计", count, total])
    return out.getvalue().encode()


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return sha256(content).hexdigest()


def yuan(amount_fen: int) -> str:
    """`123450` → `1234.50`, as banks write it."""
    whole, fen = divmod(amount_fen, FEN_PER_YUAN)
    return f"{whole}.{fen:02d}"
