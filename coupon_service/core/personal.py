"""Personal data at rest: AES-256-GCM, and a keyed blind index to look it up by.

Layout of a sealed value: key version (1 byte), nonce (12), ciphertext and tag. The field's name is
bound as associated data, so a sealed phone cannot be moved into the ID number's column.

Version 1 is sealed under the deployment's key. Version 2 is sealed under one person's own data key,
which is kept sealed under the deployment's: forgetting that one key makes everything under it
unreadable at once, in every backup too.
"""

import hmac
import os
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_VERSION = 1
DATA_KEY_VERSION = 2
_NONCE_BYTES = 12
_DATA_KEY_BITS = 256


def derive_key(secret: str, purpose: str) -> bytes:
    """A 256-bit key for one purpose, by HKDF-SHA256 (RFC 5869) from the deployment's secret."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(
        secret.encode()
    )


class _Sealer:
    """AES-256-GCM under one key, whose version stands in the first byte."""

    def __init__(self, version: int, key: bytes) -> None:
        self._version = bytes([version])
        self._aead = AESGCM(key)

    def seal(self, field: str, clear: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return self._version + nonce + self._aead.encrypt(nonce, clear, field.encode())

    def open(self, field: str, sealed: bytes) -> bytes:
        """The clear value.

        Raises:
            ValueError: sealed under a key of another version.
            cryptography.exceptions.InvalidTag: altered, or sealed for another field or key.
        """
        if sealed[:1] != self._version:
            raise ValueError("sealed under a key of another version")
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        return self._aead.decrypt(nonce, body, field.encode())

    def seal_text(self, field: str, clear: str) -> bytes:
        return self.seal(field, clear.encode())

    def open_text(self, field: str, sealed: bytes) -> str:
        return self.open(field, sealed).decode()


class DataKey(_Sealer):
    """Seals one person's data. Values of before there were such keys are opened by the vault."""

    def __init__(self, vault: "Vault", key: bytes) -> None:
        super().__init__(DATA_KEY_VERSION, key)
        self._vault = vault

    def open(self, field: str, sealed: bytes) -> bytes:
        if sealed[:1] == bytes([KEY_VERSION]):
            return self._vault.open(field, sealed)
        return super().open(field, sealed)


class Vault(_Sealer):
    """Seals, opens and indexes personal data and other secrets kept in the database."""

    def __init__(self, secret: str) -> None:
        super().__init__(KEY_VERSION, derive_key(secret, "personal-data/1"))
        self._index_key = derive_key(secret, "blind-index/1")

    def new_data_key(self, owner_id: UUID) -> bytes:
        """A fresh data key for one person, sealed so that it serves nobody else."""
        key = AESGCM.generate_key(_DATA_KEY_BITS)
        return self.seal(_data_key_field(owner_id), key)

    def data_key(self, owner_id: UUID, sealed: bytes) -> DataKey:
        """The person's data key, ready to use.

        Raises:
            ValueError, cryptography.exceptions.InvalidTag: see `open`.
        """
        return DataKey(self, self.open(_data_key_field(owner_id), sealed))

    def index(self, field: str, normalised: str) -> bytes:
        """HMAC-SHA256 of a normalised value: equal values meet, and nobody else can compute it."""
        return hmac.digest(self._index_key, f"{field}:{normalised}".encode(), sha256)


def _data_key_field(owner_id: UUID) -> str:
    return f"data-key:{owner_id.hex}"
