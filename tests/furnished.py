"""A tenant with some of everything, for whoever walks through all operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text

from models.vocabulary import Deed, Scope
from worker.ledger import api_keys, events, journal, webhooks
from worker.ledger.session import as_tenant
from worker.ledger.vault import Vault

OUTCOMES = (("created", None), ("failed", "name_taken"), ("unchanged", None), ("blocked", "parent_blocked"))


@dataclass(frozen=True, slots=True)
class Furnished:
    """A tenant's things."""

    tenant_id: int
    connector_id: int
    run_id: int
    key_id: str
    webhook_id: int
    delivery_id: int
    item_id: int = 301

    @property
    def ids(self) -> dict[str, Any]:
        """What stands in the places of a path."""
        return {
            "tenant_id": self.tenant_id,
            "connector_id": self.connector_id,
            "run_id": self.run_id,
            "key_id": self.key_id,
            "webhook_id": self.webhook_id,
            "delivery_id": self.delivery_id,
            "kind": "product",
            "source_id": self.item_id,
        }


def furnish(
    engine: Engine, a_connector: Callable[..., Any], a_row: Callable[..., int], vault: Vault, *, tenant: str
) -> Furnished:
    """A tenant with a connector that has runs, messages, slices, items with trouble, a journal, a key, a webhook."""
    made = a_connector(f"{tenant}-shop", tenant=tenant, store_hash=f"{tenant}store")
    of = {"connector_id": made.id}
    run = a_row(made.tenant_id, "run", **of, state="completed_with_errors", trigger="request", calls=7)
    a_row(made.tenant_id, "run_message", run_id=run, level="warning", code="drift", text=f"{tenant} says this")
    a_row(made.tenant_id, "run_counter", run_id=run, kind="product", storefront_id=0, figure="created", count=1)
    a_row(made.tenant_id, "slice_log", **of, epoch=1, run_id=run, worker="w1", ended_why="work_done", calls=7)
    for number, (outcome, code) in enumerate(OUTCOMES, 301):
        item = {**of, "kind": "product", "source_id": number}
        cells = {"product_name": f"{tenant} shirt {number}", "REF": f"{tenant}-{number}"}
        a_row(made.tenant_id, "source_item", **item, cells=cells, name_key=cells["product_name"], raw_hash="x")
        a_row(made.tenant_id, "item_status", **item, storefront_id=0, run_id=run, outcome=outcome, code=code,
              message=f"{tenant} {outcome}", problems=[])  # fmt: skip
    a_row(
        made.tenant_id, "source_item", **of, kind="category", source_id=11, cells={"section_name": tenant}, raw_hash="x"
    )
    with as_tenant(engine, made.tenant_id) as session:
        journal.write(session, made.tenant_id, made.id, who=f"{tenant} person", what=Deed.ADDED)
        key, _ = api_keys.add(session, tenant_id=made.tenant_id, name=f"{tenant} key", scope=Scope.READ)
        webhook, _ = webhooks.add(session, vault, made.tenant_id, url=f"https://{tenant}.example.com/")
        delivery = events.ping(session, webhook.id)
    assert delivery is not None
    return Furnished(made.tenant_id, made.id, run, key.id, webhook.id, delivery)


def everything(engine: Engine, tenant_id: int, *, but: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """Table -> all rows of it that the tenant has, as texts."""
    with as_tenant(engine, tenant_id) as session:
        tables = session.scalars(
            text(
                "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'"
                " AND column_name = 'tenant_id' ORDER BY 1"
            )
        ).all()
        return {
            one: list(
                session.scalars(
                    text(f'SELECT t::text FROM "{one}" t WHERE tenant_id = :id ORDER BY 1'),  # noqa: S608 a test's own
                    {"id": tenant_id},
                )
            )
            for one in tables
            if one not in but
        }
