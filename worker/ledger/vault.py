"""Credentials sealed with AES-GCM under a key ring (law 13)."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12  # bytes; NIST SP 800-38D


class KeyMissing(ValueError):
    """The key ring is empty, malformed, or lacks the key that sealed a credential."""


@dataclass(frozen=True, slots=True, repr=False)
class Vault:
    """Seals and opens credentials; the first key of the ring seals, all of them open."""

    keys: Mapping[str, bytes]

    @staticmethod
    def from_ring(ring: str) -> Vault:
        """The vault of a ring as `CREDENTIAL_KEYS` gives it: `id:base64,id:base64`."""
        keys = {}
        for place, entry in enumerate(filter(None, (part.strip() for part in ring.split(","))), 1):
            key_id, colon, encoded = entry.partition(":")
            # An entry is not quoted: what stands for the id may be a key.
            if not colon:
                raise KeyMissing(f"CREDENTIAL_KEYS: entry {place} is not id:base64")
            try:
                key = base64.b64decode(encoded, validate=True)
            except ValueError as broken:
                raise KeyMissing(f"CREDENTIAL_KEYS: the key of entry {place} is not base64") from broken
            if len(key) != 32:
                raise KeyMissing(f"CREDENTIAL_KEYS: the key of entry {place} has {len(key)} bytes, 32 are needed")
            keys[key_id] = key
        return Vault(keys)

    @property
    def first(self) -> str:
        """The id of the key that seals; KeyMissing where the ring is empty."""
        if not self.keys:
            raise KeyMissing("CREDENTIAL_KEYS is empty: set it to id:base64-of-32-random-bytes")
        return next(iter(self.keys))

    def seal(self, secret: str, *, tenant_id: int, connector_id: int, field: str) -> tuple[str, bytes]:
        """(key id, sealed bytes) of a secret, bound to tenant, connector and field."""
        key_id = self.first
        nonce = os.urandom(_NONCE)
        bound = _bound(tenant_id, connector_id, field)
        return key_id, nonce + AESGCM(self.keys[key_id]).encrypt(nonce, secret.encode(), bound)

    def open(self, key_id: str, sealed: bytes, *, tenant_id: int, connector_id: int, field: str) -> str:
        """The secret; KeyMissing where no key of the ring opens it."""
        if key_id not in self.keys:
            raise KeyMissing(f"CREDENTIAL_KEYS lacks the key '{key_id}', which sealed {field}")
        try:
            opened = AESGCM(self.keys[key_id]).decrypt(
                sealed[:_NONCE], sealed[_NONCE:], _bound(tenant_id, connector_id, field)
            )
        except (InvalidTag, ValueError) as broken:  # ValueError: too short to hold a nonce
            raise KeyMissing(f"the key '{key_id}' does not open {field}: it was sealed for another place") from broken
        return opened.decode()


def _bound(tenant_id: int, connector_id: int, field: str) -> bytes:
    return f"{tenant_id}/{connector_id}/{field}".encode()
