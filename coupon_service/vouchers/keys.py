"""The issuer's signing keys: ECDSA P-256 with SHA-256, signatures as raw r‖s of 64 bytes.

A key is published before it signs, so that offline tills know it by then; a replaced key goes on
verifying what it signed; a revoked one verifies nothing. Private halves are kept in the database,
sealed under the deployment's secret: every host signs with the same key, and a copy of the database
alone signs nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from time import monotonic
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import current_app
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from coupon_service.core.db import transaction
from coupon_service.core.personal import Vault
from coupon_service.core.resources import resources
from coupon_service.vouchers.errors import KeyStateError
from coupon_service.vouchers.models import KeyState, SigningKey

SIGNATURE_BYTES = 64
PUBLIC_KEY_BYTES = 33
# How long a process may go on trusting a key that was revoked elsewhere.
KEYRING_AGE_S = 5.0

_CURVE = ec.SECP256R1()
_ECDSA = ec.ECDSA(SHA256())
_FIELD = "signing-key"
_EXTENSION = "vouchers.keyring"


class Signer(Protocol):
    """Signs for one key id. A hardware module can stand in for the key held in memory."""

    kid: int

    def sign(self, message: bytes) -> bytes: ...


class LocalSigner:
    """A private key in this process's memory, made from its 32-byte secret scalar."""

    def __init__(self, kid: int, secret: bytes) -> None:
        self.kid = kid
        self._key = ec.derive_private_key(int.from_bytes(secret), _CURVE)

    def sign(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self._key.sign(message, _ECDSA))
        return r.to_bytes(32) + s.to_bytes(32)


@dataclass(frozen=True)
class Keyring:
    """The signer of the active key, and every public key that may still verify, by key id."""

    signer: Signer
    public_keys: Mapping[int, bytes]

    def verifies(self, kid: int, message: bytes, signature: bytes) -> bool:
        """Whether the key signed this message. An unknown or revoked key signed nothing."""
        key = self._loaded.get(kid)
        return key is not None and signed(key, message, signature)

    @cached_property
    def _loaded(self) -> dict[int, ec.EllipticCurvePublicKey]:
        return {kid: load_public_key(point) for kid, point in self.public_keys.items()}


def load_public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """The public key at a point, SEC 1, of `PUBLIC_KEY_BYTES` when compressed.

    Raises:
        ValueError: not a point of the curve.
    """
    return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point)


def signed(key: ec.EllipticCurvePublicKey, message: bytes, signature: bytes) -> bool:
    """Whether the key's owner signed the message; the signature is raw r‖s."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    try:
        key.verify(encode_dss_signature(r, s), message, _ECDSA)
    except InvalidSignature:
        return False
    return True


def keyring(session: Session) -> Keyring:
    """This process's keyring, re-read every `KEYRING_AGE_S`; the first key is made when missing."""
    kept = _kept()
    if kept is None:
        kept = _read(session, resources().vault)
        current_app.extensions[_EXTENSION] = (monotonic(), kept)
    return kept


def current_keyring() -> Keyring:
    """This process's keyring, for who has no transaction open and mostly needs none."""
    kept = _kept()
    if kept is not None:
        return kept
    with transaction(resources().sessions) as session:
        return keyring(session)


def _kept() -> Keyring | None:
    kept: tuple[float, Keyring] | None = current_app.extensions.get(_EXTENSION)
    return kept[1] if kept is not None and monotonic() - kept[0] < KEYRING_AGE_S else None


def publish_key(session: Session, vault: Vault) -> SigningKey:
    """Make a key that does not sign yet, so that everybody can learn it first."""
    last = session.execute(select(func.coalesce(func.max(SigningKey.kid), 0))).scalar_one()
    key = _new_key(last + 1, KeyState.PUBLISHED, vault)
    session.add(key)
    session.flush()
    return key


def activate_key(session: Session, kid: int) -> None:
    """Let a published key sign from now on; the one that signed until now only verifies.

    Raises:
        KeyStateError: the key is not a published one.
    """
    session.execute(
        update(SigningKey)
        .where(SigningKey.state == KeyState.ACTIVE)
        .values(state=KeyState.VERIFY_ONLY)
    )
    _set_state(session, kid, KeyState.PUBLISHED, KeyState.ACTIVE)


def revoke_key(session: Session, kid: int) -> None:
    """Stop trusting a key that no longer signs. Residents' pages fetch fresh tokens by themselves.

    Raises:
        KeyStateError: the key is the active one, or is unknown: activate another one first.
    """
    _set_state(session, kid, KeyState.VERIFY_ONLY, KeyState.REVOKED)


def _set_state(session: Session, kid: int, source: KeyState, target: KeyState) -> None:
    changed = session.execute(
        update(SigningKey)
        .where(SigningKey.kid == kid, SigningKey.state == source)
        .values(state=target)
        .returning(SigningKey.kid)
    ).scalar_one_or_none()
    if changed is None:
        raise KeyStateError
    current_app.extensions.pop(_EXTENSION, None)


def _read(session: Session, vault: Vault) -> Keyring:
    rows = session.scalars(select(SigningKey).where(SigningKey.state != KeyState.REVOKED)).all()
    active = next((row for row in rows if row.state == KeyState.ACTIVE), None)
    if active is None:
        first = _new_key(1, KeyState.ACTIVE, vault)
        session.execute(
            insert(SigningKey)
            .values(
                kid=first.kid,
                state=first.state,
                public_key=first.public_key,
                private_key_sealed=first.private_key_sealed,
            )
            .on_conflict_do_nothing()
        )
        # Another process may have won: whichever is stored now is the key.
        rows = session.scalars(select(SigningKey)).all()
        active = next(row for row in rows if row.state == KeyState.ACTIVE)
    signer = LocalSigner(
        active.kid, vault.open(f"{_FIELD}/{active.kid}", active.private_key_sealed)
    )
    return Keyring(signer, {row.kid: row.public_key for row in rows})


def _new_key(kid: int, state: KeyState, vault: Vault) -> SigningKey:
    private = ec.generate_private_key(_CURVE)
    secret = private.private_numbers().private_value.to_bytes(32)
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return SigningKey(
        kid=kid,
        state=state,
        public_key=point,
        private_key_sealed=vault.seal(f"{_FIELD}/{kid}", secret),
    )
