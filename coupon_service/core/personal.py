"""Personal data at rest: AES-256-GCM, and a keyed blind index to look it up by.

Layout of a sealed value: key version (1 byte), nonce (12), ciphertext and tag. The field's name is
bound as associated data, so a sealed phone cannot be moved into the ID number's column.
"""

import hmac
import os
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_VERSION = 1
_NONCE_BYTES = 12


def derive_key(secret: str, purpose: str) -> bytes:
    """A 256-bit key for one purpose, by HKDF-SHA256 (RFC 5869) from the deployment's secret."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(
        secret.encode()
    )


class Vault:
    """Seals, opens and indexes personal data and other secrets kept in the database."""

    def __init__(self, secret: str) -> None:
        self._aead = AESGCM(derive_key(secret, "personal-data/1"))
        self._index_key = derive_key(secret, "blind-index/1")

    def seal(self, field: str, clear: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return bytes([KEY_VERSION]) + nonce + self._aead.encrypt(nonce, clear, field.encode())

    def open(self, field: str, sealed: bytes) -> bytes:
        """The clear value.

        Raises:
            ValueError: an unknown key version.
            cryptography.exceptions.InvalidTag: altered, or sealed for another field or key.
        """
        if sealed[:1] != bytes([KEY_VERSION]):
            raise ValueError("sealed under an unknown key version")
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        return self._aead.decrypt(nonce, body, field.encode())

    def seal_text(self, field: str, clear: str) -> bytes:
        return self.seal(field, clear.encode())

    def open_text(self, field: str, sealed: bytes) -> str:
        return self.open(field, sealed).decode()

    def index(self, field: str, normalised: str) -> bytes:
        """HMAC-SHA256 of a normalised value: equal values meet, and nobody else can compute it."""
        return hmac.digest(self._index_key, f"{field}:{normalised}".encode(), sha256)
