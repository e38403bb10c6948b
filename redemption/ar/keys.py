"""The secrets a provider signs with: made, sealed, rotated, and found again for verification."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from coupon_service.core.personal import Vault
from coupon_service.core.webhooks import as_key, as_secret, new_key
from redemption.ar.errors import ArProviderUnknownError
from redemption.ar.models import ArProvider

# Long enough for a provider to change over in working hours.
GRACE_DAYS = 7

_FIELD = "ar-provider-secret"


def seal_secret(vault: Vault, secret: str) -> bytes:
    """What `ar_providers.secret_sealed` holds for a `whsec_…` secret.

    Raises:
        ValueError: not a Standard Webhooks secret.
    """
    return vault.seal(_FIELD, as_key(secret))


def live_keys(vault: Vault, provider: ArProvider, now: datetime) -> list[bytes]:
    """The keys whose signatures count now: the current one, and the former one in its grace."""
    sealed = [provider.secret_sealed]
    until = provider.previous_secret_until
    if provider.previous_secret_sealed is not None and until is not None and now < until:
        sealed.append(provider.previous_secret_sealed)
    return [vault.open(_FIELD, one) for one in sealed]


def rotate_secret(
    session: Session,
    vault: Vault,
    provider_code: str,
    *,
    now: datetime,
    grace: timedelta = timedelta(days=GRACE_DAYS),
) -> str:
    """Give a provider a new secret; the one it has stays good for `grace`, an older one dies now.

    Returns the new secret, which is shown once and kept sealed. A secret that leaked is replaced
    with no grace at all.

    Raises:
        ArProviderUnknownError: no provider has that code.
    """
    provider = session.execute(
        select(ArProvider).where(ArProvider.code == provider_code).with_for_update()
    ).scalar_one_or_none()
    if provider is None:
        raise ArProviderUnknownError
    secret = as_secret(new_key())
    keeps = grace > timedelta()
    provider.previous_secret_sealed = provider.secret_sealed if keeps else None
    provider.previous_secret_until = now + grace if keeps else None
    provider.secret_sealed = seal_secret(vault, secret)
    return secret
