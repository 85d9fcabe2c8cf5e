"""What a connector's profile can be tied to: the store's storefronts, and the source's categories."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from models.vocabulary import ItemKind
from worker.bigcommerce import reads
from worker.commands.desk import Desk
from worker.commands.items import shown
from worker.commands.runs import there
from worker.ledger import category_choices
from worker.ledger.category_choices import Choice
from worker.ledger.session import as_tenant


@dataclass(frozen=True, slots=True)
class Storefront:
    """A storefront of the store, and what the profile ties it to."""

    id: int
    name: str
    status: str
    linked: bool
    """Whether the connector feeds it."""
    root: int | None
    """Source id of its root category; None = the full tree, or not linked."""


def storefronts(desk: Desk, tenant_id: int, connector_id: int, *, within: float | None = None) -> list[Storefront]:
    """The store's storefronts, asked just now; no transaction is open meanwhile. WorkerError where it does not say.

    `within`: so many seconds the store has, and a call that is out by then as many again; None: as in a run.
    """
    meet = desk.meet
    if within is not None:
        hurried = desk.settings.model_copy(update={"call_timeout_seconds": within})
        meet = desk.meeting(hurried, desk.vault, desk.broker)
    with as_tenant(desk.engine, tenant_id) as session:
        known = there(session, connector_id)
        neighbours = meet(known, session)
    clock = None if within is None else threading.Timer(within, neighbours.store.stop.set)
    if clock is not None:
        clock.daemon = True
        clock.start()
    try:
        found = reads.channels(neighbours.store)
    finally:
        if clock is not None:
            clock.cancel()
        neighbours.close()
    roots = {link.storefront: link.root for link in known.profile.storefronts}
    if not roots and found:
        # Without a link the first one gets the full tree.
        roots = {min(int(row["id"]) for row in found): None}
    return [
        Storefront(
            int(row["id"]), str(row["name"]), str(row.get("status") or ""), int(row["id"]) in roots,
            roots.get(int(row["id"])),
        )
        for row in found
    ]  # fmt: skip


def categories(
    desk: Desk,
    tenant_id: int,
    connector_id: int,
    *,
    under: int | None = None,
    search: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[Choice]:
    """The source's categories under one (None: the top level), or wherever a name holds the text; as last read."""
    with as_tenant(desk.engine, tenant_id) as session:
        known = there(session, connector_id)
        names = shown(session, connector_id, known.profile).get(ItemKind.CATEGORY)
        return category_choices.choices(
            session,
            connector_id,
            name=None if names is None else names.name,
            under=under,
            search=search,
            after=after,
            limit=limit,
        )
