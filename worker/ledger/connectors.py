"""Tenants, connectors, their profiles and credentials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from worker.catalog import profile_faults
from worker.catalog.profile import Profile
from worker.ledger import store_facts, turns
from worker.ledger.session import Session
from worker.ledger.statement import text
from worker.ledger.vault import Vault


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector as a slice needs it."""

    id: int
    tenant_id: int
    name: str
    store_hash: str
    profile: Profile
    enabled: bool
    disabled_reason: str | None
    last_checked_at: datetime | None
    portions: Mapping[str, int] = field(default_factory=dict)
    """What its store was found to take in one call (store_facts.PORTIONS)."""


def next_tenant_id(session: Session) -> int:
    """An id for a tenant to be, so that its row can be written in its own name."""
    return int(session.scalar(text("SELECT nextval(pg_get_serial_sequence('tenant', 'id'))")))


def add_tenant(session: Session, tenant_id: int, *, name: str, weight: float, max_slots: int | None) -> None:
    """Add a tenant and its turn; the session acts for `tenant_id`."""
    session.execute(text("INSERT INTO tenant (id, name) VALUES (:id, :name)"), {"id": tenant_id, "name": name})
    session.execute(
        text("INSERT INTO tenant_turn (tenant_id, name, weight, max_slots) VALUES (:id, :name, :weight, :slots)"),
        {"id": tenant_id, "name": name, "weight": weight, "slots": max_slots},
    )


def add(
    session: Session, tenant_id: int, *, name: str, store_hash: str, profile: Profile, first_check_in: float
) -> int:
    """Add a connector with its turn parked until its first check (seconds from now); its id."""
    connector_id = int(
        session.scalar(
            text(
                "INSERT INTO connector (tenant_id, name, store_hash, profile)"
                " VALUES (:tenant, :name, :store, CAST(:profile AS jsonb)) RETURNING id"
            ),
            {"tenant": tenant_id, "name": name, "store": store_hash, "profile": profile.model_dump_json()},
        )
    )
    session.execute(
        text("INSERT INTO mirror (connector_id, tenant_id) VALUES (:id, :tenant)"),
        {"id": connector_id, "tenant": tenant_id},
    )
    session.execute(
        text("INSERT INTO store_turn (store_hash) VALUES (:store) ON CONFLICT DO NOTHING"), {"store": store_hash}
    )
    session.execute(
        text(
            "INSERT INTO turn (connector_id, tenant_id, name, store_hash, state, not_before)"
            " VALUES (:id, :tenant, :name, :store, 'parked', now() + make_interval(secs => :wait))"
        ),
        {"id": connector_id, "tenant": tenant_id, "name": name, "store": store_hash, "wait": first_check_in},
    )
    return connector_id


def change_profile(session: Session, connector_id: int, profile: Profile) -> None:
    """Keep a new profile; the next run works with it, nothing becomes due by it alone (law 6)."""
    session.execute(
        text("UPDATE connector SET profile = CAST(:profile AS jsonb) WHERE id = :id"),
        {"id": connector_id, "profile": profile.model_dump_json()},
    )


def load(session: Session, connector_id: int) -> Connector | None:
    """The connector; None where the session's tenant has no such one. ProfileUnusable: what is stored is no profile."""
    row = session.execute(
        text(f"SELECT {COLUMNS} FROM connector c WHERE id = :id"),  # noqa: S608 constant
        {"id": connector_id},
    ).one_or_none()
    return None if row is None else of_row(row)


COLUMNS = (
    "c.id, c.tenant_id, c.name, c.store_hash, CAST(c.profile AS text), c.enabled, c.disabled_reason, c.last_checked_at,"
    f" c.store_facts -> '{store_facts.PORTIONS}'"
)
"""SQL: of a connector `c`, what `of_row` is given."""


def of_row(row: Sequence[Any]) -> Connector:
    """The connector of such a row; ProfileUnusable where its profile is none."""
    id_, tenant_id, name, store_hash, kept, enabled, why_not, checked_at, portions = row
    profile = profile_faults.stored(kept)
    return Connector(id_, tenant_id, name, store_hash, profile, enabled, why_not, checked_at, portions or {})


def known_by(session: Session, connector_id: int) -> tuple[str, str] | None:
    """(name, store hash) of the connector, whatever its profile is like; None where the tenant has no such one."""
    row = session.execute(
        text("SELECT name, store_hash FROM connector WHERE id = :id"), {"id": connector_id}
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def disable(session: Session, connector_id: int, reason: str) -> None:
    """Switch the connector off until somebody has acted and enables it; a slice under way stops."""
    turns.ask_to_stop(session, connector_id)
    session.execute(
        text("UPDATE connector SET enabled = false, disabled_reason = :reason WHERE id = :id"),
        {"id": connector_id, "reason": reason},
    )


def enable(session: Session, connector_id: int) -> None:
    """Switch the connector on again."""
    session.execute(
        text("UPDATE connector SET enabled = true, disabled_reason = NULL WHERE id = :id"), {"id": connector_id}
    )


def checked(session: Session, connector_id: int) -> None:
    """The source has just been asked for changes."""
    session.execute(text("UPDATE connector SET last_checked_at = now() WHERE id = :id"), {"id": connector_id})


def keep_credentials(
    session: Session, vault: Vault, *, tenant_id: int, connector_id: int, secrets: Mapping[str, str]
) -> None:
    """Seal and keep the secrets (field -> secret); those that are there already are replaced."""
    for name, secret in secrets.items():
        key_id, sealed = vault.seal(secret, tenant_id=tenant_id, connector_id=connector_id, field=name)
        session.execute(
            text(
                "INSERT INTO credential (connector_id, field, tenant_id, key_id, sealed)"
                " VALUES (:connector, :field, :tenant, :key_id, :sealed)"
                " ON CONFLICT (connector_id, field) DO UPDATE SET key_id = excluded.key_id, sealed = excluded.sealed"
            ),
            {"connector": connector_id, "field": name, "tenant": tenant_id, "key_id": key_id, "sealed": sealed},
        )


def drop_credentials(session: Session, connector_id: int, *, of: str, but: Iterable[str]) -> None:
    """Forget the credentials whose field begins with `of` and is not among these."""
    session.execute(
        text("DELETE FROM credential WHERE connector_id = :id AND starts_with(field, :of) AND field <> ALL(:kept)"),
        {"id": connector_id, "of": of, "kept": list(but)},
    )


def open_credentials(session: Session, vault: Vault, *, tenant_id: int, connector_id: int) -> dict[str, str]:
    """The connector's secrets in the clear; they go to the clients and nowhere else."""
    rows = session.execute(
        text("SELECT field, key_id, sealed FROM credential WHERE connector_id = :id"), {"id": connector_id}
    )
    return {
        row.field: vault.open(
            row.key_id, bytes(row.sealed), tenant_id=tenant_id, connector_id=connector_id, field=row.field
        )
        for row in rows
    }


def keep_storefronts(session: Session, tenant_id: int, connector_id: int, found: Sequence[Mapping[str, Any]]) -> None:
    """Keep the storefronts that the connector feeds, as just read: id, name, tree id, root id."""
    session.execute(text("DELETE FROM storefront WHERE connector_id = :id"), {"id": connector_id})
    for one in found:
        session.execute(
            text(
                "INSERT INTO storefront (connector_id, storefront_id, tenant_id, name, tree_id, root_id)"
                " VALUES (:connector, :storefront, :tenant, :name, :tree, :root)"
            ),
            {
                "connector": connector_id,
                "tenant": tenant_id,
                "storefront": one["storefront_id"],
                "name": one["name"],
                "tree": one["tree_id"],
                "root": one["root_id"],
            },
        )


@dataclass(frozen=True, slots=True)
class Storefront:
    """A storefront that the connector feeds."""

    storefront_id: int
    name: str
    tree_id: int
    root_id: int | None


def storefronts(session: Session, connector_id: int) -> list[Storefront]:
    """The storefronts that the connector feeds, as last read in the store."""
    rows = session.execute(
        text(
            "SELECT storefront_id, name, tree_id, root_id FROM storefront WHERE connector_id = :id"
            " ORDER BY storefront_id"
        ),
        {"id": connector_id},
    )
    return [Storefront(*row) for row in rows]


def find(session: Session, *, tenant: str | None, connector: str) -> list[tuple[int, int, str, str]]:
    """(tenant id, connector id, tenant name, connector name) of connectors by name or id; as scheduler."""
    rows = session.execute(
        text(
            "SELECT t.tenant_id, u.connector_id, t.name, u.name FROM turn u JOIN tenant_turn t USING (tenant_id)"
            " WHERE (CAST(:tenant AS text) IS NULL OR t.name = :tenant)"
            " AND (u.name = :connector OR CAST(u.connector_id AS text) = :connector)"
            " ORDER BY u.connector_id"
        ),
        {"tenant": tenant, "connector": connector},
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def find_tenant(session: Session, name: str) -> int | None:
    """The id of the tenant of this name; as scheduler."""
    found = session.scalar(text("SELECT tenant_id FROM tenant_turn WHERE name = :name"), {"name": name})
    return None if found is None else int(found)
