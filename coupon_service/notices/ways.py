"""How a notice leaves: by text message or WeChat through a gateway; in development, to the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast
from uuid import UUID

import httpx
from flask import Flask, current_app

from coupon_service.core.log import get_logger
from coupon_service.core.resources import resources
from coupon_service.core.settings import Environment, Settings
from coupon_service.notices.models import NoticeKind, Way

_EXTENSION = "notices.ways"
_TIMEOUT_S = 5.0
_NOT_THERE = frozenset({404, 410})

log = get_logger(__name__)


@dataclass(frozen=True)
class Message:
    """What leaves. `to` is a phone number, or an openid of the public account; never logged.

    Attributes:
        delivery_id: equal for equal messages, so that a gateway can tell a repeat.
        params: what a template of the provider is filled in with.
        text: the same as a sentence, for gateways without templates.
    """

    delivery_id: UUID
    to: str
    kind: NoticeKind
    params: Mapping[str, Any]
    text: str
    link: str | None


class NotTakenError(Exception):
    """The message has certainly not left; trying again later may help."""


class UnreachableError(Exception):
    """There is nobody at that address."""


class OutcomeUnknownError(Exception):
    """The message may have left: nobody knows, and it must not leave twice."""


class WayOut(Protocol):
    """Takes a message outside.

    Raises:
        NotTakenError, UnreachableError, OutcomeUnknownError
    """

    def send(self, message: Message) -> None: ...


class LogWay:
    """Development: the words go to the log, without the address. Elsewhere this is no way out."""

    def __init__(self, way: Way, environment: Environment) -> None:
        self._way = way
        self._speaks = environment is not Environment.PRODUCTION

    def send(self, message: Message) -> None:
        if not self._speaks:
            raise UnreachableError
        log.info("notice", way=self._way, kind=message.kind, text=message.text)


class GatewayWay:
    """Hands the message to an HTTP gateway, which owns the provider's templates and keys.

    `POST {"to", "kind", "params", "text", "link"}` with `Idempotency-Key`. Success is any 2xx; 404
    and 410 mean nobody is there, other 4xx and 503 that nothing was sent. What else goes wrong
    leaves the outcome unknown.
    """

    def __init__(self, address: str, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Nothing of the environment: a proxy variable must not lead messages elsewhere.
        self._client = httpx.Client(headers=headers, timeout=_TIMEOUT_S, trust_env=False)
        self._address = address

    def send(self, message: Message) -> None:
        body = {
            "to": message.to,
            "kind": message.kind,
            "params": dict(message.params),
            "text": message.text,
            "link": message.link,
        }
        key = {"Idempotency-Key": str(message.delivery_id)}
        try:
            answer = self._client.post(self._address, json=body, headers=key)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise NotTakenError from None  # `from None`: the chain would carry the address
        except httpx.HTTPError:
            raise OutcomeUnknownError from None
        if answer.is_success:
            return
        log.warning("notice gateway refused", status=answer.status_code)
        if answer.status_code in _NOT_THERE:
            raise UnreachableError
        if answer.is_client_error or answer.status_code == 503:
            raise NotTakenError
        raise OutcomeUnknownError


def make_ways(settings: Settings) -> dict[Way, WayOut]:
    """The ways out these settings name."""
    token = settings.notice_token.get_secret_value() if settings.notice_token else None
    addresses = {Way.SMS: settings.notice_sms, Way.WECHAT: settings.notice_wechat}
    return {
        way: LogWay(way, settings.env) if address == "log" else GatewayWay(address, token)
        for way, address in addresses.items()
    }


def init_ways(app: Flask) -> None:
    """Give the application its ways out."""
    with app.app_context():
        app.extensions[_EXTENSION] = make_ways(resources().settings)


def way_out(way: Way) -> WayOut:
    """The application's way out of this name."""
    return cast(dict[Way, WayOut], current_app.extensions[_EXTENSION])[way]
