"""Phones that sign proofs the way a browser does, and what they show."""

import struct
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.vouchers import base32
from coupon_service.vouchers.bind_phone import bind_phone
from coupon_service.vouchers.keys import LocalSigner
from coupon_service.vouchers.models import PhoneKey, Voucher
from coupon_service.vouchers.queries import voucher_with_terms
from coupon_service.vouchers.show import show


@dataclass
class Phone:
    """A phone's key; its counter rises with every proof."""

    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    counter: int = 0

    @property
    def public_key(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    def prove(
        self,
        token: str,
        at: datetime,
        *,
        counter: int | None = None,
        challenge: str | None = None,
    ) -> str:
        """The level-2 code around a token, spelt out byte by byte as docs/qr.md says."""
        second = int(at.timestamp())
        self.counter = max(self.counter + 1, second)
        inner = base32.decode(token)
        moment = struct.pack(">II", second, self.counter if counter is None else counter)
        version = b"\x02"
        if challenge is not None:
            version, moment = b"\x04", moment + struct.pack(">H", int(challenge))
        message = b"coupon-voucher-proof" + version + inner[2:18] + moment + sha256(inner).digest()
        secret = self.private.private_numbers().private_value.to_bytes(32)
        return base32.encode(version + inner + moment + LocalSigner(0, secret).sign(message))


def holder_of(session: Session, voucher_id: UUID) -> UUID:
    return session.execute(select(Voucher.resident_id).where(Voucher.id == voucher_id)).scalar_one()


def bind(held: Resources, resident_id: UUID, phone: Phone, *, replace: bool = False) -> PhoneKey:
    """Bind the phone now."""
    with transaction(held.sessions) as session:
        return bind_phone(
            session,
            resident_id,
            phone.public_key,
            replace=replace,
            settings=held.settings,
            now=db_now(session),
        )


def bound_token(held: Resources, voucher_id: UUID, phone: Phone) -> str:
    """A fresh level-1 token for this phone, whether it may have one or not."""
    with transaction(held.sessions) as session:
        voucher = voucher_with_terms(session, voucher_id)
        assert voucher is not None
        return show(session, voucher, now=db_now(session), phone_key=phone.public_key).token
