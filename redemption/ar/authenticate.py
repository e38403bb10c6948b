"""How an AR provider proves itself: a Standard Webhooks signature over the raw body.

The provider is named by the path, because its secret must be known before the body is looked at.
Naming somebody else gains nothing: the signature must be made with that provider's secret.
"""

import re
from datetime import datetime, timedelta

from flask import request
from sqlalchemy import func, select

from coupon_service.core.auth import Kind, Principal
from coupon_service.core.db import transaction
from coupon_service.core.errors import TooLargeError
from coupon_service.core.resources import resources
from redemption.ar.errors import ArSignatureInvalidError, ArTimestampOutsideWindowError
from redemption.ar.keys import live_keys
from redemption.ar.models import ArProvider
from redemption.ar.schemas import PROVIDER_CODE
from redemption.ar.signature import is_signed

TOLERANCE = timedelta(minutes=5)
BODY_BYTES_MAX = 16 * 1024

_PROVIDER = re.compile(PROVIDER_CODE)
# No full stop: it parts the signed text, and must not move between its fields.
_WEBHOOK_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TIMESTAMP = re.compile(r"[0-9]{1,11}")


def authenticate_provider() -> Principal | None:
    """The provider whose signature this request bears; None if it bears none.

    Raises:
        ArSignatureInvalidError: malformed headers, an unknown provider, or a wrong signature.
        TooLargeError: the body is larger than any event.
        ArTimestampOutsideWindowError: rightly signed, but more than five minutes off the
            database's clock.
    """
    signatures = request.headers.get("webhook-signature")
    provider_code = (request.view_args or {}).get("provider")
    if signatures is None or provider_code is None:
        return None
    webhook_id = request.headers.get("webhook-id", "")
    timestamp = request.headers.get("webhook-timestamp", "")
    if not (
        _PROVIDER.fullmatch(provider_code)
        and _WEBHOOK_ID.fullmatch(webhook_id)
        and _TIMESTAMP.fullmatch(timestamp)
    ):
        raise ArSignatureInvalidError
    request.max_content_length = BODY_BYTES_MAX
    body = request.get_data()
    if len(body) >= BODY_BYTES_MAX:
        # A chunked body is cut off at the limit, not refused: it must not look merely unsigned.
        raise TooLargeError
    found = _provider_and_time(provider_code)
    if found is None:
        raise ArSignatureInvalidError
    provider, now = found
    keys = live_keys(resources().vault, provider, now)
    if not is_signed(keys, webhook_id, timestamp, body, signatures):
        raise ArSignatureInvalidError
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
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
