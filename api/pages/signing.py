"""Links, views and form tokens, signed with keys that are derived from the key ring.

The signing keys are derived from CREDENTIAL_KEYS, so there is no further secret to keep: the first one signs, all of
them verify, and a link outlives the turning of the ring.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import BadSignature, Signer, TimestampSigner, URLSafeTimedSerializer

from worker.ledger.vault import Vault

May = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class View:
    """Who looks, at what, and whether they may act."""

    name: str
    may: May
    tenant_id: int | None
    """None = an operator, who looks at all."""
    connector_id: int | None
    """The one connector that is looked at; None = an operator."""

    @property
    def who(self) -> str:
        """As the journal names them."""
        return f"{self.name} (pages)"

    @property
    def is_operator(self) -> bool:
        """Whether all connectors are open to them."""
        return self.connector_id is None


class NotOurs(Exception):
    """What was shown is not signed by us, or is too old."""


class Seals:
    """Signs and verifies with the keys of one ring; KeyMissing where the ring is empty."""

    def __init__(self, vault: Vault) -> None:
        first = vault.first
        derived = {key_id: _derived(key) for key_id, key in vault.keys.items()}
        # itsdangerous signs with the last of its keys.
        self._keys = [*(key for key_id, key in derived.items() if key_id != first), derived[first]]

    def link(self, view: View) -> str:
        """The view as a text that opens the pages."""
        return self._written("link", view)

    def opened(self, link: str, *, within: float) -> View:
        """The view that a link of ours opens; NotOurs where it is none, or older than so many seconds."""
        return self._read("link", link, within)

    def ticket(self, view: View) -> str:
        """The view as a text for a cookie."""
        return self._written("view", view)

    def seen(self, ticket: str, *, within: float) -> View:
        """The view of a cookie; NotOurs where it is none of ours, or older than so many seconds."""
        return self._read("view", ticket, within)

    def token(self, ticket: str) -> str:
        """What forms carry, so that nobody else's page can send them: it fits this cookie alone."""
        return self._form().get_signature(hashlib.sha256(ticket.encode()).hexdigest()).decode()

    def fits(self, token: str, ticket: str) -> bool:
        """Whether the form was made for who has this cookie."""
        return self._form().verify_signature(hashlib.sha256(ticket.encode()).hexdigest().encode(), token.encode())

    def notice(self, word: str, token: str) -> str:
        """The word as an address carries it, for who has this token, and for nobody else."""
        return self._notices(token).sign(word).decode()

    def noticed(self, notice: str, token: str, *, within: float) -> str | None:
        """The word of the notice; None where it is not ours, not for who has this token, or older than that."""
        try:
            return self._notices(token).unsign(notice, max_age=int(within)).decode()
        except BadSignature:
            return None

    def _notices(self, token: str) -> TimestampSigner:
        return TimestampSigner(self._keys, salt=f"pages.notice.{token}", digest_method=hashlib.sha256)

    def _form(self) -> Signer:
        return Signer(self._keys, salt="pages.form", digest_method=hashlib.sha256)

    def _serializer(self, what: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._keys, salt=f"pages.{what}", signer_kwargs={"digest_method": hashlib.sha256})

    def _written(self, what: str, view: View) -> str:
        told: dict[str, Any] = {"n": view.name, "m": view.may, "t": view.tenant_id, "c": view.connector_id}
        return str(self._serializer(what).dumps(told))

    def _read(self, what: str, text: str, within: float) -> View:
        try:
            told = self._serializer(what).loads(text, max_age=int(within))
        except BadSignature as trouble:
            raise NotOurs from trouble
        return View(told["n"], told["m"], told["t"], told["c"])


def _derived(key: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"saleslayer-bigcommerce pages").derive(key)
