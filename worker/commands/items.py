"""Items as somebody looks for them; what is asked of one of them is in `item`."""

from __future__ import annotations

from collections.abc import Mapping

from models.vocabulary import ItemKind
from worker.catalog.profile import Profile
from worker.ledger import mirror
from worker.ledger.item_register import Shown
from worker.ledger.session import Session
from worker.rules import mapping


def shown(session: Session, connector_id: int, profile: Profile) -> Mapping[ItemKind, Shown]:
    """Where the mirror holds names and SKUs, by the profile's mapping; empty before the source was read."""
    columns = mirror.state(session, connector_id).columns
    if columns is None:
        return {}
    mapped = mapping.settle(profile, columns)[0]
    return {kind: Shown(one.fields.get("name"), one.fields.get("sku")) for kind, one in mapped.items()}
