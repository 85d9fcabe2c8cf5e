"""Keys to the HTTP API: random, shown once, kept as hashes, scoped, rotated and revoked.

A key is looked up before it is known whose it is, so the role scheduler reads them; what a tenant does with its own
keys goes through the tenant's own transaction, and row-level security.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.vocabulary import Scope
from worker.ledger.session import Session
from worker.ledger.statement import text

PREFIX = "slbc"
"""So that a key that was left lying about is recognised for what it is."""
EXPIRED_DAYS = 90
"""So long a key that has expired is still listed, for whoever wonders why it opens nothing."""
_WRITTEN = re.compile(rf"{PREFIX}_([0-9a-f]{{16}})_([\w-]{{43}})", re.ASCII)
_COLUMNS = "id, tenant_id, name, scope, created_at, last_used_at, expires_at"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret; `tenant_id` None = an operator's; what has expired opens nothing."""

    id: str
    tenant_id: int | None
    name: str
    scope: Scope
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


def add(
    session: Session, *, tenant_id: int | None, name: str, scope: Scope, expires_in: float | None = None
) -> tuple[ApiKey, str]:
    """A new key, and its text, which is told this once; `expires_in` seconds, None = never."""
    at = session.scalar(text("SELECT now() + make_interval(secs => CAST(:seconds AS float8))"), {"seconds": expires_in})
    return _insert(session, tenant_id, name, scope, at)


def _insert(
    session: Session, tenant_id: int | None, name: str, scope: Scope, expires_at: datetime | None
) -> tuple[ApiKey, str]:
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    row = session.execute(
        text(
            "INSERT INTO api_key (id, tenant_id, name, scope, secret_hash, expires_at)"  # noqa: S608 constant
            f" VALUES (:id, :tenant, :name, :scope, :hash, :expires) RETURNING {_COLUMNS}"
        ),
        {
            "id": key_id,
            "tenant": tenant_id,
            "name": name,
            "scope": scope.value,
            "hash": _hash(secret),
            "expires": expires_at,
        },
    ).one()
    return _key(row), f"{PREFIX}_{key_id}_{secret}"


def recognise(session: Session, written: str) -> ApiKey | None:
    """The key that this text is, if it opens anything; as scheduler. Its use is noted, once a minute at most."""
    parts = _WRITTEN.fullmatch(written)
    if parts is None:
        return None
    row = session.execute(
        text(
            f"SELECT {_COLUMNS}, secret_hash,"  # noqa: S608
            " last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS stale"
            " FROM api_key WHERE id = :id AND (expires_at IS NULL OR expires_at > now())"
        ),
        {"id": parts[1]},
    ).one_or_none()
    if row is None or not hmac.compare_digest(row.secret_hash, _hash(parts[2])):
        return None
    if row.stale:
        session.execute(text("UPDATE api_key SET last_used_at = now() WHERE id = :id"), {"id": row.id})
    return _key(row)


def opens(session: Session, key_id: str) -> bool:
    """Whether the key that was recognised still opens anything; as scheduler."""
    found = session.scalar(
        text("SELECT true FROM api_key WHERE id = :id AND (expires_at IS NULL OR expires_at > now())"), {"id": key_id}
    )
    return found is not None


def listed(session: Session, *, tenant_id: int | None) -> list[ApiKey]:
    """The keys of the tenant, those included that have expired; None = the operators' (as scheduler)."""
    rows = session.execute(
        text(
            f"SELECT {_COLUMNS} FROM api_key WHERE tenant_id IS NOT DISTINCT FROM CAST(:tenant AS bigint)"  # noqa: S608
            " ORDER BY created_at, id"
        ),
        {"tenant": tenant_id},
    )
    return [_key(row) for row in rows]


def rotate(session: Session, key_id: str, *, tenant_id: int | None, overlap: float) -> tuple[ApiKey, str] | None:
    """A new key of the same name, scope and end; the old one opens for `overlap` more seconds. None: no such key."""
    known = {"id": key_id, "tenant": tenant_id}
    old = session.execute(
        text(
            "SELECT name, scope, expires_at FROM api_key"
            " WHERE id = :id AND tenant_id IS NOT DISTINCT FROM CAST(:tenant AS bigint)"
            " AND (expires_at IS NULL OR expires_at > now()) FOR UPDATE"
        ),
        known,
    ).one_or_none()
    if old is None:
        return None
    session.execute(
        text(
            "UPDATE api_key SET expires_at = least(expires_at, now() + make_interval(secs => :overlap)) WHERE id = :id"
        ),
        known | {"overlap": overlap},
    )
    return _insert(session, tenant_id, old.name, Scope(old.scope), old.expires_at)


def revoke(session: Session, key_id: str, *, tenant_id: int | None) -> bool:
    """From now on the key opens nothing, for good; False: there is no such key."""
    gone = session.execute(
        text(
            "DELETE FROM api_key WHERE id = :id AND tenant_id IS NOT DISTINCT FROM CAST(:tenant AS bigint) RETURNING id"
        ),
        {"id": key_id, "tenant": tenant_id},
    )
    return gone.first() is not None


def prune(session: Session) -> int:
    """Delete the keys that expired long ago, of all tenants and the operators'; how many. As scheduler."""
    gone = session.execute(
        text("DELETE FROM api_key WHERE expires_at < now() - make_interval(days => :days) RETURNING id"),
        {"days": EXPIRED_DAYS},
    )
    return len(gone.all())


def _hash(secret: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: Any) -> ApiKey:
    return ApiKey(row.id, row.tenant_id, row.name, Scope(row.scope), row.created_at, row.last_used_at, row.expires_at)
