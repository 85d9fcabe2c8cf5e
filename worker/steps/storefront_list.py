"""Tell the source which storefronts there are.

So that they can be chosen there, item by item. The list is written when it is another one than the last that was
written; what goes wrong with it is said, and tried again by the next run: it is no run's failure.
"""

from __future__ import annotations

from worker.catalog import fingerprint
from worker.catalog.fields import TABLES
from worker.errors import CredentialsRefused, SourceUnreadable, SourceUnwell
from worker.ledger import runs, store_facts
from worker.ledger.session import Session
from worker.rules import storefronts
from worker.saleslayer import choices
from worker.steps.toolbox import Cursor, Save, Step, Toolbox, Write, answered


def is_wanted(tools: Toolbox) -> bool:
    """Whether the profile names a field for the list, and the connector may write into it."""
    return tools.importer is not None and bool(tools.profile.storefront_list.columns())


def write(tools: Toolbox, following: Cursor) -> Step:
    """Write the list if it has changed, and go on with `following`; whether the step goes on."""
    importer = tools.importer
    assert importer is not None
    columns = {TABLES[kind]: column for kind, column in tools.profile.storefront_list.columns().items()}
    with tools.read() as session:
        facts = store_facts.known(session, tools.connector_id)
        listed = storefronts.options(store_facts.storefronts(session, tools.connector_id))
    mark = fingerprint.of([importer.code, columns, list(listed)])
    if mark == facts.get(store_facts.LIST_WRITTEN):
        return not (yield Save(following))
    leaving, write = False, _written(tools, mark)
    try:
        _, leaving = yield from answered(tools, lambda: choices.write(importer, columns, listed))
    except (CredentialsRefused, SourceUnreadable, SourceUnwell) as trouble:
        write = _not_written(tools, f"the list of storefronts was not written into Sales Layer: {trouble}")
    return not ((yield Save(following, write)) or leaving)


def _written(tools: Toolbox, mark: str) -> Write:
    return lambda session: store_facts.learn(session, tools.connector_id, {store_facts.LIST_WRITTEN: mark})


def _not_written(tools: Toolbox, text: str) -> Write:
    def write(session: Session) -> None:
        code = "storefront_list_not_written"
        runs.say(session, tools.tenant_id, tools.run_id, level="warning", code=code, message=text)

    return write
