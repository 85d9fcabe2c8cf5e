"""Secrets sealed anew under the first key of the ring, so that an older key can leave it.

A portion is locked, opened, sealed and written in one transaction: a secret that somebody replaces meanwhile is not
overwritten by the older one.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from worker.ledger.vault import KeyMissing, Vault


@dataclass(frozen=True, slots=True)
class Portion:
    """What became of some secrets; `last` is where the next portion begins, None = that was all."""

    sealed: int
    refused: tuple[str, ...]
    """Those that no key of the ring opens, each with its reason."""
    last: tuple[int, str] | None


def credentials(session: Session, vault: Vault, tenant_id: int, *, after: tuple[int, str], limit: int) -> Portion:
    """Seal so many credentials of the tenant anew that another key than the first has sealed."""
    rows = session.execute(
        text(
            "SELECT connector_id, field, key_id, sealed FROM credential WHERE key_id <> :key"
            " AND (connector_id, field) > (:connector, :field) ORDER BY connector_id, field LIMIT :limit FOR UPDATE"
        ),
        {"key": vault.first, "connector": after[0], "field": after[1], "limit": limit},
    ).all()
    sealed, refused = 0, []
    for connector_id, field, key_id, kept in rows:
        try:
            secret = vault.open(key_id, bytes(kept), tenant_id=tenant_id, connector_id=connector_id, field=field)
        except KeyMissing as trouble:
            refused.append(f"connector {connector_id}: {trouble}")
            continue
        new_id, new = vault.seal(secret, tenant_id=tenant_id, connector_id=connector_id, field=field)
        session.execute(
            text("UPDATE credential SET key_id = :key, sealed = :sealed WHERE connector_id = :id AND field = :field"),
            {"key": new_id, "sealed": new, "id": connector_id, "field": field},
        )
        sealed += 1
    last = (rows[-1].connector_id, rows[-1].field) if len(rows) == limit else None
    return Portion(sealed, tuple(refused), last)
