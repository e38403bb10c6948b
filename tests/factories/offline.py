"""Tills that trade offline as a browser does, spelt out byte by byte as docs/offline.md says."""

import struct
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_bytes
from typing import Any
from uuid import UUID, uuid4

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from coupon_service.campaigns.fund import appropriate
from coupon_service.core.clock import db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.resources import Resources
from coupon_service.vouchers import base32
from coupon_service.vouchers.keys import LocalSigner
from redemption.offline.alarm import raise_alarm
from redemption.offline.allow import allow, set_aside
from redemption.offline.models import AlarmKind, LossPolicy, OfflineAlarm, OfflineDevice
from tests.factories.phones import Phone, bind, bound_token, holder_of
from tests.factories.redemption import Counter, Market, make_voucher

API = "/api/v1/offline"


@dataclass
class OfflineTill:
    """A browser of a till with a key of its own; it accepts whatever it is told to.

    `queue` are the records that it has not brought in.
    """

    client: FlaskClient
    counter: Counter
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    device_id: UUID | None = None
    lease: dict[str, Any] = field(default_factory=dict)
    seq: int = 0
    hash: bytes = bytes(32)
    queue: list[dict[str, str]] = field(default_factory=list)

    def post(self, path: str, body: dict[str, Any]) -> TestResponse:
        return self.client.post(f"{API}/{path}", json=body, headers=self.counter.headers)

    def enrol(self) -> TestResponse:
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        answer = self.post("devices", {"public_key": point.hex()})
        if answer.status_code == 201:
            self.device_id = UUID(answer.get_json()["device_id"])
        return answer

    def ask_lease(self) -> TestResponse:
        answer = self.post(
            "leases", {"device_id": str(self.device_id), "seq": self.seq, "hash": self.hash.hex()}
        )
        if answer.status_code == 201:
            self.lease = orjson.loads(answer.get_json()["text"])
        return answer

    def go_offline(self) -> None:
        """Enrolled, with a lease."""
        assert self.enrol().status_code == 201
        assert self.ask_lease().status_code == 201

    def accept(
        self,
        code: str,
        *,
        at: datetime | None = None,
        order_fen: int = 8_000,
        discount_fen: int = 2_000,
        order_no: str | None = None,
        **changed: int,
    ) -> dict[str, str]:
        """Sign a record and queue it; `changed` replaces its place or its lease."""
        assert self.device_id is not None
        seq = changed.get("seq", self.seq + 1)
        moment_ms = int((at or datetime.now(UTC)).timestamp() * 1000)
        body = struct.pack(
            ">B16s16sI32sQQQQ",
            1,
            self.device_id.bytes,
            UUID(self.lease["id"]).bytes,
            seq,
            self.hash,
            moment_ms,
            order_fen,
            order_fen,
            discount_fen,
        )
        body += base32.decode(code) + (order_no or uuid4().hex).encode()
        secret = self.private.private_numbers().private_value.to_bytes(32)
        signature = LocalSigner(0, secret).sign(b"coupon-offline-record\x01" + body)
        self.seq, self.hash = seq, sha256(body).digest()
        record = {"body": body.hex(), "signature": signature.hex()}
        self.queue.append(record)
        return record

    def bring_in(self, records: list[dict[str, str]] | None = None) -> TestResponse:
        """Bring the queue in, or other records; the queue is kept."""
        sent = self.queue if records is None else records
        return self.post("batches", {"device_id": str(self.device_id), "records": sent})

    def outcomes(self) -> list[tuple[str, str | None]]:
        answer = self.bring_in()
        assert answer.status_code == 200, answer.get_json()
        return [(one["outcome"], one["slug"]) for one in answer.get_json()["records"]]

    def copy(self) -> "OfflineTill":
        """As its storage is now: a backup that somebody may restore."""
        return replace(self, queue=[*self.queue])


@dataclass(frozen=True)
class ShownPhone:
    """A voucher on its holder's bound phone."""

    voucher_id: UUID
    phone: Phone
    token: str

    def code(self, at: datetime | None = None) -> str:
        return self.phone.prove(self.token, at or datetime.now(UTC))


def shown_phone(held: Resources, market: Market, **voucher: Any) -> ShownPhone:
    """A fresh voucher of the market, on a phone that shows it."""
    with transaction(held.sessions) as session:
        voucher_id = make_voucher(session, market.release, **voucher)
        holder_id = holder_of(session, voucher_id)
    phone = Phone()
    bind(held, holder_id, phone)
    return ShownPhone(voucher_id, phone, bound_token(held, voucher_id, phone))


def allow_offline(
    held: Resources,
    market: Market,
    counter: Counter,
    *,
    policy: LossPolicy = LossPolicy.DISTRICT,
    pool_fen: int = 1_000_000,
) -> None:
    """The counter's merchant may trade offline, and money is set aside for losses."""
    with transaction(held.sessions) as session:
        season = market.small.season
        now = db_now(session)
        allow(session, counter.merchant.id, season.id, policy, official_id=None, now=now)
        if pool_fen:
            appropriate(session, season, pool_fen)
            set_aside(session, season.id, pool_fen)


def in_a_moment(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def offline_objects(held: Resources, counter: Counter) -> dict[str, str]:
    """What the office's routes name: the merchant, and an alarm of a till of its."""
    with transaction(held.sessions) as session:
        now = db_now(session)
        device = OfflineDevice(
            id=new_id(),
            till_id=counter.till.id,
            public_key=b"\x02" + token_bytes(32),
            enrolled_at=now,
            brought_hash=bytes(32),
        )
        session.add(device)
        session.flush()
        raise_alarm(session, device, AlarmKind.FORK, 1, now=now)
        alarm_id = session.scalars(
            select(OfflineAlarm.id).where(OfflineAlarm.device_id == device.id)
        ).one()
    return {"merchant_id": str(counter.merchant.id), "alarm_id": str(alarm_id)}
