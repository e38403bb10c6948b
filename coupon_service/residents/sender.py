"""How a code reaches a phone. `COUPON_SMS_SENDER` chooses: `log`, or a gateway's address."""

from typing import Protocol, cast

import httpx
from flask import Flask, current_app

from coupon_service.core.log import get_logger
from coupon_service.core.resources import resources
from coupon_service.core.settings import Environment, Settings
from coupon_service.residents.errors import CodeNotSentError
from coupon_service.residents.names import mask_phone

_EXTENSION = "residents.sender"
_TIMEOUT_S = 5.0

log = get_logger(__name__)


class CodeSender(Protocol):
    """Takes a code to a phone.

    Raises:
        CodeNotSentError: it did not get there, as far as is known.
    """

    def send(self, phone: str, code: str) -> None: ...


class LogSender:
    """Development: the code goes to the log. Anywhere else nothing does: a log keeps no codes."""

    def __init__(self, environment: Environment) -> None:
        self._says_code = environment is Environment.DEVELOPMENT

    def send(self, phone: str, code: str) -> None:
        if self._says_code:
            log.info("sign-in code", phone=mask_phone(phone), code=code)


class GatewaySender:
    """Hands `{"phone", "code"}` to an HTTP gateway, which owns the provider's template and key."""

    def __init__(self, address: str, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Nothing of the environment: a proxy variable must not lead codes elsewhere.
        self._client = httpx.Client(headers=headers, timeout=_TIMEOUT_S, trust_env=False)
        self._address = address

    def send(self, phone: str, code: str) -> None:
        try:
            answer = self._client.post(self._address, json={"phone": phone, "code": code})
        except httpx.HTTPError as error:
            log.warning("text message gateway failed", reason=type(error).__name__)
            raise CodeNotSentError(retry_after_s=30) from None
        if not answer.is_success:
            log.warning("text message gateway refused", status=answer.status_code)
            raise CodeNotSentError(retry_after_s=30)


def make_sender(settings: Settings) -> CodeSender:
    """The sender these settings name."""
    if settings.sms_sender == "log":
        return LogSender(settings.env)
    token = settings.sms_token.get_secret_value() if settings.sms_token else None
    return GatewaySender(settings.sms_sender, token)


def init_sender(app: Flask) -> None:
    """Give the application its sender."""
    with app.app_context():
        app.extensions[_EXTENSION] = make_sender(resources().settings)


def sender() -> CodeSender:
    """The application's sender."""
    return cast(CodeSender, current_app.extensions[_EXTENSION])
