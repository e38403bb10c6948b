"""Notices leave at most once, at decent hours, by the ways a resident wants."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import UUID

import orjson
import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from coupon_service.core.clock import LOCAL_ZONE, db_now
from coupon_service.core.db import transaction
from coupon_service.core.ids import new_id
from coupon_service.core.jobs import drain, run_row
from coupon_service.core.models import OutboxRow
from coupon_service.core.resources import Resources
from coupon_service.core.settings import Environment, Settings, SettingsError, load_settings
from coupon_service.notices.jobs import deliver_deferred
from coupon_service.notices.models import (
    DeliveryState,
    NoticeDelivery,
    NoticeKind,
    Topic,
    Way,
)
from coupon_service.notices.notify import DELIVER, notify
from coupon_service.notices.queries import choose, unread_count
from coupon_service.notices.ways import LogWay, Message, UnreachableError
from coupon_service.residents.models import Resident
from tests.factories.people import make_resident

NOON = datetime(2026, 6, 18, 12, 0, tzinfo=LOCAL_ZONE)
NIGHT = datetime(2026, 6, 18, 22, 0, tzinfo=LOCAL_ZONE)
NOTIFY_CLOCK = "coupon_service.notices.notify.db_now"


class Gateway(ThreadingHTTPServer):
    """A gateway for messages: keeps what it was asked to send; answers `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 202
        self.sent: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.authorization: str | None = None
        self.hangs_up = False


class _Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.sent.append(orjson.loads(body))
        self.server.keys.append(self.headers["Idempotency-Key"])
        self.server.authorization = self.headers["Authorization"]
        if self.server.hangs_up:
            self.close_connection = True
            return
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def settings(settings: Settings, gateway: Gateway) -> Settings:
    """Text messages go to the gateway; WeChat goes to the log."""
    address = f"http://127.0.0.1:{gateway.server_port}/messages"
    return settings.model_copy(
        update={"notice_sms": address, "notice_token": SecretStr("gateway-token")}
    )


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """It is noon when residents are told, unless a test says otherwise."""

    def at(moment: datetime) -> None:
        # The day is today's: what is too old to be of use would not leave.
        today = datetime.now(LOCAL_ZONE).date()
        then = moment.replace(year=today.year, month=today.month, day=today.day)
        monkeypatch.setattr(NOTIFY_CLOCK, lambda _session: then.astimezone(UTC))

    at(NOON)
    return at


@pytest.fixture
def resident_id(held: Resources) -> UUID:
    with transaction(held.sessions) as session:
        return make_resident(session)


def tell(held: Resources, resident_id: UUID, **params: Any) -> None:
    """Tell of something that leaves by text message."""
    facts = {"campaign": "满50减20", "release_id": new_id(), **params}
    with transaction(held.sessions) as session:
        notify(session, resident_id, NoticeKind.LOTTERY_LOST, **facts)


def deliveries(held: Resources, way: Way = Way.SMS) -> list[NoticeDelivery]:
    with transaction(held.sessions) as session:
        found = select(NoticeDelivery).where(NoticeDelivery.way == way)
        return list(session.scalars(found.order_by(NoticeDelivery.id)))


def test_a_text_message_carries_words_and_a_key_and_is_sent_once(
    held: Resources, resident_id: UUID, gateway: Gateway
) -> None:
    tell(held, resident_id)
    drain(held.sessions)
    (message,) = gateway.sent
    (delivery,) = deliveries(held)
    assert message["to"] == f"phone of {resident_id}"
    assert message["text"] == "这次没有中签：“满50减20”抽签结果已公布，欢迎参加下一轮。"
    assert gateway.keys == [str(delivery.id)]
    assert gateway.authorization == "Bearer gateway-token"
    assert delivery.state == DeliveryState.SENT
    again(held)
    assert len(gateway.sent) == 1


def again(held: Resources) -> None:
    """Offer every delivery to a worker once more, as a sweeper might."""
    with transaction(held.sessions) as session:
        ids = session.scalars(
            update(OutboxRow)
            .where(OutboxRow.job == DELIVER)
            .values(done_at=None)
            .returning(OutboxRow.id)
        ).all()
    for row_id in ids:
        run_row(held.sessions, row_id)


def test_a_message_that_may_have_left_does_not_leave_again(
    held: Resources, resident_id: UUID, gateway: Gateway
) -> None:
    gateway.hangs_up = True
    tell(held, resident_id)
    drain(held.sessions)
    gateway.hangs_up = False
    again(held)
    assert len(gateway.sent) == 1
    assert [one.state for one in deliveries(held)] == [DeliveryState.SENDING]


def test_a_message_that_has_not_left_is_tried_again(
    held: Resources, resident_id: UUID, gateway: Gateway
) -> None:
    gateway.status = 503
    tell(held, resident_id)
    drain(held.sessions)
    assert [one.state for one in deliveries(held)] == [DeliveryState.WAITING]
    gateway.status = 200
    again(held)
    assert [one.state for one in deliveries(held)] == [DeliveryState.SENT]
    assert len(gateway.sent) == 2


def test_somebody_without_a_phone_is_not_texted(held: Resources, gateway: Gateway) -> None:
    with transaction(held.sessions) as session:
        resident_id = make_resident(session)
        session.execute(
            update(Resident)
            .where(Resident.id == resident_id)
            .values(phone_sealed=None, phone_index=None)
        )
    tell(held, resident_id)
    drain(held.sessions)
    assert gateway.sent == []
    assert [one.state for one in deliveries(held)] == [DeliveryState.UNREACHABLE]


def test_old_news_does_not_leave(held: Resources, resident_id: UUID, gateway: Gateway) -> None:
    tell(held, resident_id)
    with transaction(held.sessions) as session:
        session.execute(update(NoticeDelivery).values(due_at=db_now(session) - timedelta(hours=25)))
    drain(held.sessions)
    assert gateway.sent == []
    assert [one.state for one in deliveries(held)] == [DeliveryState.LAPSED]


def test_at_night_messages_wait_for_the_morning_except_a_change_of_phone(
    held: Resources, resident_id: UUID, gateway: Gateway, noon: Callable[[datetime], None]
) -> None:
    noon(NIGHT)
    tell(held, resident_id)
    with transaction(held.sessions) as session:
        notify(session, resident_id, NoticeKind.PHONE_REBOUND)
    drain(held.sessions)
    assert [message["kind"] for message in gateway.sent] == ["phone_rebound"]
    for _ in range(2):
        with transaction(held.sessions) as session:
            # The morning has come.
            session.execute(
                update(NoticeDelivery)
                .where(NoticeDelivery.handed_at.is_(None))
                .values(due_at=db_now(session) - timedelta(seconds=1))
            )
            deliver_deferred(session)
        drain(held.sessions)
    assert [message["kind"] for message in gateway.sent] == ["phone_rebound", "lottery_lost"]


def test_what_a_resident_does_not_want_does_not_leave(
    held: Resources, resident_id: UUID, gateway: Gateway
) -> None:
    with transaction(held.sessions) as session:
        choose(session, resident_id, {(topic, way): False for topic in Topic for way in Way})
    tell(held, resident_id)
    with transaction(held.sessions) as session:
        assert unread_count(session, resident_id) == 1  # it is told all the same
        notify(session, resident_id, NoticeKind.PROXY_ASKED)
    drain(held.sessions)
    # Nobody can silence what is told of their account.
    assert [message["kind"] for message in gateway.sent] == ["proxy_asked"]


def test_what_a_resident_asks_for_leaves(
    held: Resources, resident_id: UUID, gateway: Gateway
) -> None:
    with transaction(held.sessions) as session:
        choose(session, resident_id, {(Topic.ARRIVED, Way.SMS): True})
        notify(session, resident_id, NoticeKind.GRANTED, voucher_id=new_id(), campaign="券")
    drain(held.sessions)
    assert [message["kind"] for message in gateway.sent] == ["granted"]


def test_in_production_the_log_is_no_way_out() -> None:
    message = Message(new_id(), "to", NoticeKind.GRANTED, {}, "text", None)
    LogWay(Way.SMS, Environment.DEVELOPMENT).send(message)
    with pytest.raises(UnreachableError):
        LogWay(Way.SMS, Environment.PRODUCTION).send(message)


def test_production_refuses_a_gateway_without_encryption() -> None:
    with pytest.raises(SettingsError, match="COUPON_NOTICE_SMS must be an https address"):
        load_settings(env="production", notice_sms="http://gateway.example")
