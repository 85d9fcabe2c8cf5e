"""What the source says of items, in the groups that are compared with the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models.vocabulary import ItemKind
from worker.catalog.items import Item, Key
from worker.catalog.store import Relation
from worker.ledger import source_items
from worker.ledger.session import Session
from worker.rules import difference, options
from worker.rules.mapping import Mapped
from worker.steps import reading
from worker.steps.addressing import Addresses
from worker.steps.reading import Trees
from worker.steps.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Told:
    """An item with its groups, and the places ((storefront, category)) where a product stands."""

    item: Item
    groups: Mapping[str, Any]
    places: tuple[tuple[int, int], ...] = ()

    def category_ids(self, linked: Mapping[Key, Relation]) -> list[int]:
        """The store's ids of the categories of its places, as far as they are linked."""
        keys = (Key(ItemKind.CATEGORY, category, storefront) for storefront, category in self.places)
        return [linked[key].store_id for key in keys if key in linked]


def told(
    tools: Toolbox,
    session: Session,
    kind: ItemKind,
    ids: Iterable[int],
    kinds: Mapping[ItemKind, Mapped],
    trees: Trees,
    storefront_id: int = 0,
) -> dict[int, Told]:
    """Source id -> what is said; categories as they stand on that storefront, which shows them all."""
    addresses = Addresses(tools.profile, trees, kinds)
    found = {}
    match kind:
        case ItemKind.CATEGORY:
            places = trees.place(storefront_id).places
            for source_id in ids:
                category = addresses.of_category(reading.category(trees.rows[source_id], kinds))
                found[source_id] = Told(category, difference.category_groups(category, places[source_id][0]))
        case ItemKind.PRODUCT:
            for family in reading.families(session, tools.connector_id, ids):
                assert family.product is not None
                product = addresses.of_product(reading.product(family.product, kinds))
                fit = options.spelled_alike(
                    [reading.variant(row, kinds) for row in family.variants if not row.gone and row.refused is None]
                )
                stands = tuple(place for place in trees.places_of(product) if place[0] not in trees.left_alone)
                groups = difference.product_groups(product, stands, options.of_product(fit))
                found[family.id] = Told(product, groups, stands)
        case ItemKind.VARIANT:
            for row in source_items.rows(session, tools.connector_id, kind, ids):
                variant = reading.variant(row, kinds)
                found[row.source_id] = Told(variant, difference.variant_groups(variant))
    return found
