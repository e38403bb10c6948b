"""Offline trading on the wire. Bytes in hexadecimal, amounts in fen."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from flask_babel import gettext
from pydantic import Field, StringConstraints

from coupon_service.core.schemas import Body, View
from coupon_service.vouchers.errors import ExpiredTokenError
from redemption.errors import (
    BelowThresholdError,
    CodeNotRecognisedError,
    NothingToTakeOffError,
    OrderNumberReusedError,
    PhoneClockOffError,
    ProofNeededError,
    VoucherExpiredError,
    VoucherNotYetValidError,
    VoucherUsedError,
)
from redemption.offline.bring_in import Brought, Sent
from redemption.offline.errors import (
    OfflineCapReachedError,
    OfflineLeaseOverError,
    OfflineNotCoveredError,
    OfflineOneVoucherError,
)
from redemption.offline.lease import Leased
from redemption.offline.models import OfflineRecord, RecordOutcome
from redemption.offline.record import RECORD_BYTES_MAX

BATCH_MAX = 20

# What a till may have to tell its cashier without asking the service for words.
_SAID_OFFLINE = (
    BelowThresholdError,
    CodeNotRecognisedError,
    ExpiredTokenError,
    NothingToTakeOffError,
    OfflineCapReachedError,
    OfflineLeaseOverError,
    OfflineNotCoveredError,
    OfflineOneVoucherError,
    OrderNumberReusedError,
    PhoneClockOffError,
    ProofNeededError,
    VoucherExpiredError,
    VoucherNotYetValidError,
    VoucherUsedError,
)


def _hex(fewest: int, most: int) -> StringConstraints:
    """Bytes as lower-case hexadecimal, from `fewest` to `most` of them."""
    return StringConstraints(strict=True, pattern=rf"^(?:[0-9a-f]{{2}}){{{fewest},{most}}}$")


_Key = Annotated[str, _hex(33, 33)]
_Hash = Annotated[str, _hex(32, 32)]
_Signature = Annotated[str, _hex(64, 64)]
_Record = Annotated[str, _hex(1, RECORD_BYTES_MAX)]


class DeviceBody(Body):
    public_key: _Key = Field(description="ECDSA P-256, SEC 1, compressed")


class LeaseBody(Body):
    """A device, and the last record of its chain."""

    device_id: UUID
    seq: int = Field(strict=True, ge=0, le=2**32 - 1)
    hash: _Hash


class RecordBody(Body):
    body: _Record
    signature: _Signature


class BatchBody(Body):
    device_id: UUID
    records: list[RecordBody] = Field(min_length=1, max_length=BATCH_MAX)

    @property
    def sent(self) -> list[Sent]:
        return [Sent(bytes.fromhex(one.body), bytes.fromhex(one.signature)) for one in self.records]


class OfflineView(View):
    """Whether this till may trade offline."""

    is_allowed: bool
    server_time: datetime


class DeviceView(View):
    device_id: UUID


class LeaseView(View):
    """A signed lease, and what a till says where it cannot ask."""

    text: str = Field(description="JSON; signed as it stands")
    kid: int
    signature: str
    server_time: datetime
    words: dict[str, str] = Field(description="A sentence for the cashier, by slug")

    @classmethod
    def of(cls, leased: Leased) -> Self:
        return cls(
            text=leased.text,
            kid=leased.kid,
            signature=leased.signature.hex(),
            server_time=leased.now,
            words={error.slug: gettext(error.sentence) for error in _SAID_OFFLINE},
        )


class RecordView(View):
    """What became of one record."""

    seq: int
    hash: str
    order_no: str
    outcome: RecordOutcome
    slug: str | None = Field(description="Why it was not redeemed")

    @classmethod
    def of(cls, record: OfflineRecord) -> Self:
        return cls(
            seq=record.seq,
            hash=record.hash.hex(),
            order_no=record.order_no,
            outcome=RecordOutcome(record.outcome),
            slug=record.slug,
        )


class BatchView(View):
    records: list[RecordView]
    is_suspended: bool = Field(description="An official has to look at this till first")

    @classmethod
    def of(cls, brought: Brought) -> Self:
        return cls(
            records=[RecordView.of(record) for record in brought.records],
            is_suspended=brought.is_suspended,
        )
