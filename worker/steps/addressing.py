"""Items with the address that the profile's format gives them, where the source gives none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from models.vocabulary import ItemKind
from worker.catalog import urls
from worker.catalog.items import Category, Product
from worker.catalog.profile import Profile
from worker.rules.mapping import Mapped
from worker.steps import reading
from worker.steps.reading import Trees


@dataclass(frozen=True, slots=True)
class Addresses:
    """Gives addresses; the names of categories are read once, when a format asks for them."""

    profile: Profile
    trees: Trees
    kinds: Mapping[ItemKind, Mapped]
    _names: dict[int, str | None] = field(default_factory=dict)

    def of_category(self, category: Category) -> Category:
        """The category with its address."""
        written = self.profile.category_url
        if written is None or category.fields.get("url"):
            return category
        said = {"categoryname": _text(category, "name"), "parent": self._name(category.parent_id)}
        made = urls.made(ItemKind.CATEGORY, written, said)
        return category if made is None else replace(category, fields={**category.fields, "url": made})

    def of_product(self, product: Product) -> Product:
        """The product with its address; its first category is the one that the source names first."""
        written = self.profile.product_url
        if written is None or product.fields.get("url"):
            return product
        said = {
            "productname": _text(product, "name"),
            "sku": _text(product, "sku"),
            "upc": _text(product, "upc"),
            "category": self._name(next(iter(product.category_ids), None)),
        }
        made = urls.made(ItemKind.PRODUCT, written, said)
        return product if made is None else replace(product, fields={**product.fields, "url": made})

    def _name(self, category_id: int | None) -> str | None:
        if category_id not in self._names and category_id is not None:
            row = self.trees.rows.get(category_id)
            self._names[category_id] = _text(reading.category(row, self.kinds), "name") if row else None
        return self._names.get(category_id) if category_id is not None else None


def _text(item: Category | Product, name: str) -> str | None:
    value = item.fields.get(name)
    return None if value is None else str(value)
