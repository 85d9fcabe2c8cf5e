"""Which items one answer holds.

| asked for                        | `M`                                               | `D`                     |
| -------------------------------- | ------------------------------------------------- | ----------------------- |
| everything (`refresh`)           | every exported item                               | none                    |
| changes (`update`), since T      | exported, and changed at or after T               | left the export since T |
| and with `same_parent_variants`  | the other variants of the products concerned      |                         |
| and with `parents_category_tree` | the categories above changed products, categories |                         |

Without `add_empty_categories` a category without products counts as not exported. (API facts §2.2, §7, §11.5)
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox.saleslayer.catalogue import Catalogue
from sandbox.saleslayer.tables import CATEGORIES, PRODUCTS, VARIANTS, Item, Table


@dataclass(frozen=True, slots=True)
class Wish:
    """What kind of answer is to be selected."""

    since: int | None
    siblings: bool
    upper_tree: bool
    empty_categories: bool


@dataclass(slots=True)
class Selected:
    """The items of one table that an answer holds, and the ids that it says are gone."""

    modified: list[Item] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)


def select(catalogue: Catalogue, wish: Wish) -> dict[str, Selected]:
    """The items of an answer, by table, in the order of the tables."""
    if wish.since is None:
        return {
            name: Selected([item for item in table.items.values() if _leaves(table, item, wish) is None])
            for name, table in catalogue.tables.items()
        }
    chosen = {name: _changed(table, wish, wish.since) for name, table in catalogue.tables.items()}
    if wish.siblings and VARIANTS in chosen:
        _add_siblings(catalogue, wish, chosen[VARIANTS])
    if wish.upper_tree and CATEGORIES in chosen:
        _add_upper_tree(catalogue, wish, chosen)
    return chosen


def _leaves(table: Table, item: Item, wish: Wish) -> int | None:
    """Since when the answer does not hold the item; None if it does hold it."""
    if not item.exported:
        return item.left_at or 0
    if table.name == CATEGORIES and not wish.empty_categories and not item.occupied:
        return item.occupied_since
    return None


def _changed(table: Table, wish: Wish, since: int) -> Selected:
    found = Selected()
    for item in table.items.values():
        left = _leaves(table, item, wish)
        if left is not None:
            if left >= since:
                found.gone.append(item.id)
        # Equal counts as changed: an answer's second may still have been going on (API facts §11.5).
        elif changed_at(item, wish) >= since:
            found.modified.append(item)
    return found


def changed_at(item: Item, wish: Wish) -> int:
    """When the item last changed for this kind of answer; a category that is no longer empty counts as new."""
    return item.modified_at if wish.empty_categories else max(item.modified_at, item.occupied_since)


def _exported(table: Table, ids: set[int], wish: Wish) -> Iterator[Item]:
    """The items that the answer may hold, in the table's own order."""
    if ids:
        yield from (item for item in table.items.values() if item.id in ids and _leaves(table, item, wish) is None)


def _add_siblings(catalogue: Catalogue, wish: Wish, variants: Selected) -> None:
    table = catalogue.tables[VARIANTS]
    touched = [*variants.modified, *(table.items[one] for one in variants.gone)]
    products = {parent for item in touched for parent in table.parents(item)}
    families = {item.id for product in products for item in catalogue.children(PRODUCTS, product)}
    orphans = {item.id for item in variants.modified}
    variants.modified = list(_exported(table, families | orphans, wish))


def _add_upper_tree(catalogue: Catalogue, wish: Wish, chosen: dict[str, Selected]) -> None:
    categories = chosen[CATEGORIES]
    below = [item.id for item in categories.modified]
    if PRODUCTS in chosen:
        products = catalogue.tables[PRODUCTS]
        below += [one for item in chosen[PRODUCTS].modified for one in products.parents(item)]
    categories.modified = list(_exported(catalogue.tables[CATEGORIES], catalogue.upper_tree(below), wish))
