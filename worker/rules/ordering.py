"""In which order changes are sent.

A wave begins when the one before it is done: what a later one refers to
(parents, category ids, product ids) is then known. Updates go before creations: a name or
SKU that one item gives up is then free for the other. What meets a name that is still taken
is tried once more, in the wave behind its own, and in a circle once more behind that (`again`).
Stock has waves to itself, since the store wants no catalogue writes beside it (API facts §2.4).
"""

from __future__ import annotations

from models.vocabulary import Action, ItemKind

PRODUCTS_UPDATED = 20
PRODUCTS_CREATED = 25
RELABELLED = 28
REBUILT = 29
GIVEN_BACK = 31
VARIANTS_UPDATED = 40
VARIANTS_CREATED = 45
SHOWN = 48
ASSIGNED = 50
RELATED = 52
PRODUCT_METAFIELDS = 54
VARIANT_METAFIELDS = 55
DISABLED_VARIANTS = 60
DISABLED_PRODUCTS = 70
DISABLED_CATEGORIES = 80
STOCKED = 85
PROVEN = 95


def wave(kind: ItemKind, action: Action, level: int = 0) -> int:
    """The wave of a change; categories go level by level, from 1, and a proof of stock again at the end, as level 1."""
    match kind, action:
        case (_, Action.STOCK):
            return STOCKED
        case (_, Action.PROVE):
            return PROVEN if level else GIVEN_BACK
        case (ItemKind.CATEGORY, Action.DISABLE):
            return DISABLED_CATEGORIES
        case (ItemKind.CATEGORY, _):
            return level
        case (ItemKind.PRODUCT, Action.DISABLE):
            return DISABLED_PRODUCTS
        case (ItemKind.PRODUCT, Action.RELABEL):
            return RELABELLED
        case (ItemKind.PRODUCT, Action.REBUILD):
            return REBUILT
        case (ItemKind.PRODUCT, Action.SHOW):
            return SHOWN
        case (ItemKind.PRODUCT, Action.ASSIGN):
            return ASSIGNED
        case (ItemKind.PRODUCT, Action.RELATE):
            return RELATED
        case (ItemKind.PRODUCT, Action.METAFIELDS):
            return PRODUCT_METAFIELDS
        case (ItemKind.VARIANT, Action.METAFIELDS):
            return VARIANT_METAFIELDS
        case (ItemKind.PRODUCT, Action.CREATE):
            return PRODUCTS_CREATED
        case (ItemKind.PRODUCT, _):
            return PRODUCTS_UPDATED
        case (ItemKind.VARIANT, Action.DISABLE):
            return DISABLED_VARIANTS
        case (ItemKind.VARIANT, Action.CREATE):
            return VARIANTS_CREATED
        case _:
            return VARIANTS_UPDATED


def again(wave: int, times: int = 1) -> int:
    """The wave in which a change that met a taken name or SKU is tried for so many times more."""
    return wave + times
