"""Secrets sealed anew under the first key of the ring, so that an older key can leave it.

A portion is locked, opened, sealed and written in one transaction: a secret that somebody replaces meanwhile is not
overwritten by the older one.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.ledger import webhooks
from worker.ledger.session import Session
from worker.ledger.statement import text
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


def webhook_secrets(session: Session, vault: Vault, tenant_id: int) -> Portion:
    """Seal all the secrets of the tenant's webhooks anew that another key than the first has sealed.

    The secret before a rotation counts while it signs, and is dropped after.
    """
    session.execute(
        text("UPDATE webhook SET old_key_id = NULL, old_sealed = NULL WHERE old_until <= now() AND old_key_id <> :key"),
        {"key": vault.first},
    )
    rows = session.execute(
        text(
            "SELECT id, key_id, sealed, old_key_id, old_sealed FROM webhook"
            " WHERE key_id <> :key OR old_key_id <> :key ORDER BY id FOR UPDATE"
        ),
        {"key": vault.first},
    ).all()
    sealed, refused = 0, []
    for row in rows:
        for place, key_id, kept in (("", row.key_id, row.sealed), ("old_", row.old_key_id, row.old_sealed)):
            if key_id in {None, vault.first}:
                continue
            try:
                secret = webhooks.unseal(vault, tenant_id, row.id, key_id, kept)
            except KeyMissing as trouble:
                which = ", its secret before the last" if place else ""
                refused.append(f"webhook {row.id} of tenant {tenant_id}{which}: {trouble}")
                continue
            new_id, new = webhooks.seal(vault, tenant_id, row.id, secret)
            session.execute(
                text(f"UPDATE webhook SET {place}key_id = :key, {place}sealed = :sealed WHERE id = :id"),  # noqa: S608
                {"key": new_id, "sealed": new, "id": row.id},
            )
            sealed += 1
    return Portion(sealed, tuple(refused), None)
