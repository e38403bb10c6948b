"""How an AR provider proves itself: a Standard Webhooks signature over the raw body.

The provider is named by the path, because its secret must be known before the body is looked at.
Naming somebody else gains nothing: the signature must be made with that provider's secret.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import request
from sqlalchemy import func, select

from coupon_service.core.auth import Kind, Principal
from coupon_service.core.db import transaction
from coupon_service.core.errors import TooLargeError
from coupon_service.core.resources import resources
from coupon_service.core.webhooks import is_signed
from redemption.ar.errors import ArSignatureInvalidError, ArTimestampOutsideWindowError
from redemption.ar.keys import live_keys
from redemption.ar.models import ArProvider
from redemption.ar.schemas import PROVIDER_CODE

TOLERANCE = timedelta(minutes=5)
BODY_BYTES_MAX = 16 * 1024

_PROVIDER = re.compile(PROVIDER_CODE)
# No full stop: it parts the signed text, and must not move between its fields.
_WEBHOOK_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TIMESTAMP = re.compile(r"[0-9]{1,11}")


@dataclass(frozen=True)
class Signed:
    """A webhook as it arrived: the raw body and the three headers, nothing of them believed yet."""

    webhook_id: str
    timestamp: str
    signatures: str
    body: bytes


def authenticate_provider() -> Principal | None:
    """The provider whose signature this request bears; None if it bears none.

    Raises:
        TooLargeError: the body is larger than any event.
        NotSignedInError: as `verify`.
    """
    provider_code = (request.view_args or {}).get("provider")
    headers = request.headers
    if "webhook-signature" not in headers or provider_code is None:
        return None
    request.max_content_length = BODY_BYTES_MAX
    body = request.get_data()
    if len(body) >= BODY_BYTES_MAX:
        # A chunked body is cut off at the limit, not refused: it must not look merely unsigned.
        raise TooLargeError
    signed = Signed(
        webhook_id=headers.get("webhook-id", ""),
        timestamp=headers.get("webhook-timestamp", ""),
        signatures=headers["webhook-signature"],
        body=body,
    )
    return verify(provider_code, signed)


def verify(provider_code: str, signed: Signed) -> Principal:
    """The provider of that code, if it signed these bytes lately.

    Raises:
        ArSignatureInvalidError: malformed headers, an unknown provider, or a wrong signature.
        ArTimestampOutsideWindowError: rightly signed, but more than five minutes off the
            database's clock.
    """
    if not (
        _PROVIDER.fullmatch(provider_code)
        and _WEBHOOK_ID.fullmatch(signed.webhook_id)
        and _TIMESTAMP.fullmatch(signed.timestamp)
    ):
        raise ArSignatureInvalidError
    found = _provider_and_time(provider_code)
    if found is None:
        raise ArSignatureInvalidError
    provider, now = found
    keys = live_keys(resources().vault, provider, now)
    at_s = int(signed.timestamp)
    if not is_signed(keys, signed.webhook_id, at_s, signed.body, signed.signatures):
        raise ArSignatureInvalidError
    if abs(now.timestamp() - at_s) > TOLERANCE.total_seconds():
        raise ArTimestampOutsideWindowError
    return Principal(Kind.AR_PROVIDER, provider.id, district_id=provider.district_id)


def _provider_and_time(code: str) -> tuple[ArProvider, datetime] | None:
    """An active provider and the database's clock, in one round trip."""
    with transaction(resources().sessions) as session:
        row = session.execute(
            select(ArProvider, func.clock_timestamp()).where(
                ArProvider.code == code, ArProvider.is_active
            )
        ).one_or_none()
    return None if row is None else (row[0], row[1])
