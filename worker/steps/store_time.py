"""The store's time zone, in which a date without one is meant.

Only a preorder date needs it, so it is asked for where one is mapped; an API account that lacks the scope for it
costs the time zone and a message, not the run (the original's §16).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.vocabulary import ItemKind
from worker.bigcommerce import reads
from worker.catalog.fields import FIELDS, Type
from worker.errors import ScopeMissing
from worker.ledger import mirror, runs, store_facts
from worker.ledger.session import Session
from worker.steps import reading
from worker.steps.toolbox import Cursor, Save, Step, Toolbox, Write, answered


def is_wanted(tools: Toolbox) -> bool:
    """Whether a field of the profile's mapping holds a date."""
    with tools.read() as session:
        kinds = reading.mapped(tools, session)
    return any(FIELDS[kind][name].type is Type.DATE for kind in ItemKind for name in kinds[kind].fields)


def learn(tools: Toolbox, following: Cursor) -> Step:
    """Ask the store for its time zone, and go on with `following`; whether the step goes on."""
    leaving, write = False, _unknown(tools)
    try:
        told, leaving = yield from answered(tools, lambda: reads.store_info(tools.store))
        write = _known(tools, told.get("timezone") or {})
    except ScopeMissing:
        pass
    return not ((yield Save(following, write)) or leaving)


def _known(tools: Toolbox, told: Mapping[str, Any]) -> Write:
    zone = [str(told.get("name") or ""), int(told.get("raw_offset") or 0)]

    def write(session: Session) -> None:
        if store_facts.known(session, tools.connector_id).get(store_facts.TIME_ZONE, ["", 0]) != zone:
            # What was read by another clock is read again.
            mirror.look_at_all(session, tools.connector_id)
        store_facts.learn(session, tools.connector_id, {store_facts.TIME_ZONE: zone})

    return write


def _unknown(tools: Toolbox) -> Write:
    def write(session: Session) -> None:
        runs.say(
            session,
            tools.tenant_id,
            tools.run_id,
            level="warning",
            code="store_time_unknown",
            message="the store's API account lacks the scope Information & Settings, so the time zone of the store"
            " is not known; dates without one are read in the zone that was last known, else in UTC",
        )

    return write
