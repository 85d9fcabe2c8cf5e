"""What is to be done in the store: one change of one item.

Changes live beside the things they change, so that the planner and the
sender share them without knowing each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

import msgspec

from models.vocabulary import Action, ItemKind, Outcome
from worker.catalog.items import Category, Key, Metafield, Option, Product, Variant

Fingerprints = dict[str, str]
"""Field group -> fingerprint of the value that the change sends."""


@dataclass(frozen=True, slots=True)
class CreateCategory:
    """A category that the storefront's tree lacks."""

    source_id: int
    storefront_id: int
    level: int
    parent_id: int | None
    category: Category
    fingerprints: Fingerprints
    what: Literal["create_category"] = "create_category"


@dataclass(frozen=True, slots=True)
class UpdateCategory:
    """Groups of a linked category that differ."""

    source_id: int
    storefront_id: int
    level: int
    parent_id: int | None
    category: Category
    groups: frozenset[str]
    fingerprints: Fingerprints
    outcome: Outcome = Outcome.UPDATED
    what: Literal["update_category"] = "update_category"


@dataclass(frozen=True, slots=True)
class CreateProduct:
    """A product that the store lacks, with all its variants: one call."""

    source_id: int
    product: Product
    variants: tuple[Variant, ...]
    options: tuple[Option, ...]
    places: tuple[tuple[int, int], ...]
    """(storefront, category) where it stands"""
    fingerprints: Fingerprints
    variant_fingerprints: dict[int, Fingerprints] = field(default_factory=dict)
    without: tuple[int, ...] = ()
    """Categories that cannot be sent: it goes without them, and is told of them when they can."""
    what: Literal["create_product"] = "create_product"


@dataclass(frozen=True, slots=True)
class UpdateProduct:
    """Groups of a linked product that differ."""

    source_id: int
    product: Product
    places: tuple[tuple[int, int], ...]
    groups: frozenset[str]
    fingerprints: Fingerprints
    outcome: Outcome = Outcome.UPDATED
    without: tuple[int, ...] = ()
    left_alone: tuple[int, ...] = ()
    """Storefronts whose categories it keeps, whichever they are: nothing is synchronised there."""
    tries_pictures_again: bool = False
    """Pictures that the store refused are sent once more (a forced refresh)."""
    what: Literal["update_product"] = "update_product"


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """Options of a product that are shown as something else than an inline creation makes of them."""

    source_id: int
    options: tuple[Option, ...]
    fingerprint: str
    what: Literal["show_options"] = "show_options"


@dataclass(frozen=True, slots=True)
class AssignStorefronts:
    """The storefronts on which a product sells."""

    source_id: int
    storefronts: tuple[int, ...]
    fingerprint: str
    left_alone: tuple[int, ...] = ()
    """Those of the storefronts where it stays as it is: nothing is synchronised there."""
    what: Literal["assign_storefronts"] = "assign_storefronts"


@dataclass(frozen=True, slots=True)
class RelateProducts:
    """The products that are related to a product, by SKU or source id; none = the store's automatic list."""

    source_id: int
    references: tuple[str, ...]
    fingerprint: str
    what: Literal["relate_products"] = "relate_products"


@dataclass(frozen=True, slots=True)
class PutMetafields:
    """All the metafields that an item is to have; what else of ours it has goes."""

    kind: ItemKind
    source_id: int
    metafields: tuple[Metafield, ...]
    fingerprint: str
    what: Literal["put_metafields"] = "put_metafields"


@dataclass(frozen=True, slots=True)
class CreateVariant:
    """A variant that its product in the store lacks."""

    source_id: int
    product_id: int
    variant: Variant
    options: tuple[Option, ...]
    fingerprints: Fingerprints
    what: Literal["create_variant"] = "create_variant"


@dataclass(frozen=True, slots=True)
class UpdateVariant:
    """Groups of a linked variant that differ."""

    source_id: int
    product_id: int
    variant: Variant
    groups: frozenset[str]
    fingerprints: Fingerprints
    outcome: Outcome = Outcome.UPDATED
    what: Literal["update_variant"] = "update_variant"


@dataclass(frozen=True, slots=True)
class Relabel:
    """An option value that is called otherwise now, for all the variants that have it."""

    option: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class RelabelOptions:
    """Option values of a product that keep their variants under a new label."""

    source_id: int
    relabels: tuple[Relabel, ...]
    fingerprints: dict[int, str]
    """Variant -> fingerprint of its options under the new labels."""
    what: Literal["relabel_options"] = "relabel_options"


@dataclass(frozen=True, slots=True)
class RebuildVariants:
    """Variants of a product that cannot keep their option values: made anew, with all that is not ours.

    `kept` is None until the old variants have been read whole; it is committed before any is deleted (law 3).
    """

    source_id: int
    variants: tuple[Variant, ...]
    old_ids: dict[int, int]
    """Variant -> its store id before."""
    dropped: dict[int, int]
    """Variants that are gone at the source and do not fit the new options -> their store ids."""
    options: tuple[Option, ...]
    fingerprints: dict[int, Fingerprints]
    sends_stock: bool
    """Whether the source's stock is sent; else the stock that the store had is written back."""
    sends_prices: bool = True
    """Whether the source's prices are sent; else those that the store had are."""
    groups: dict[int, frozenset[str]] = field(default_factory=dict)
    """Variant -> the groups that changed beside its options: what is empty in them is not kept."""
    keeps_stock: bool = True
    """Whether the variants have a stock of their own: not where the product is tracked as a whole."""
    location: int = 1
    """Where the source's stock belongs."""
    kept: dict[int, dict[str, Any]] | None = None
    what: Literal["rebuild_variants"] = "rebuild_variants"


@dataclass(frozen=True, slots=True)
class Disable:
    """A linked item that is gone at the source: hidden, or not purchasable any more."""

    kind: ItemKind
    source_id: int
    storefront_id: int = 0
    what: Literal["disable"] = "disable"


@dataclass(frozen=True, slots=True)
class SetStock:
    """How many there are of a linked product or variant, at one location of the store."""

    kind: ItemKind
    source_id: int
    quantity: int
    location: int
    fingerprint: str
    tracking: str | None = None
    """How the product is tracked in the store, where that is known: none, product or variant."""
    sku: str | None = None
    """What it is called by where it is a product whose only variant is tracked."""
    what: Literal["set_stock"] = "set_stock"


@dataclass(frozen=True, slots=True)
class ProveStock:
    """The stock that a rebuilt variant had, given back and read until it agrees; and its prices in price lists."""

    source_id: int
    product_id: int
    stock: tuple[tuple[int, int], ...]
    """(location, quantity)"""
    kept: str
    """What else was kept, in words."""
    settings: tuple[tuple[int, dict[str, Any]], ...] = ()
    """(location, what was set there)"""
    prices: tuple[tuple[int, dict[str, Any]], ...] = ()
    """(price list, record)"""
    words: str = ""
    """The store's, where it did not take all of what the source says."""
    lost: str = ""
    """Idem, where it did not take back what the variant had."""
    is_last: bool = False
    """Whether the store is waited for now: it was given back, and could not be read yet."""
    what: Literal["prove_stock"] = "prove_stock"


Change = (
    CreateCategory
    | UpdateCategory
    | CreateProduct
    | UpdateProduct
    | ShowOptions
    | AssignStorefronts
    | RelateProducts
    | PutMetafields
    | CreateVariant
    | UpdateVariant
    | RelabelOptions
    | RebuildVariants
    | SetStock
    | ProveStock
    | Disable
)


class _Kept(msgspec.Struct):
    """Of what is kept, what it is."""

    what: str


_KEPT = msgspec.json.Decoder(_Kept)
_AS_IT_IS: dict[str, msgspec.json.Decoder[Change]] = {
    str(part.default): msgspec.json.Decoder(one)
    for one in get_args(Change)
    for part in fields(one)
    if part.name == "what"
}


def to_json(change: Change) -> str:
    """The change as it is kept while it is pending."""
    return msgspec.json.encode(change).decode()


def from_json(kept: str) -> Change:
    """The change that `to_json` kept; ValueError where it is none."""
    what = _KEPT.decode(kept).what
    if what not in _AS_IT_IS:
        raise ValueError(f"nobody knows a change that is called {what}")
    return _AS_IT_IS[what].decode(kept)


def key(change: Change) -> Key:
    """The item that the change is about."""
    match change:
        case CreateCategory() | UpdateCategory():
            return Key(ItemKind.CATEGORY, change.source_id, change.storefront_id)
        case (
            CreateProduct()
            | UpdateProduct()
            | ShowOptions()
            | AssignStorefronts()
            | RelateProducts()
            | RelabelOptions()
            | RebuildVariants()
        ):
            return Key(ItemKind.PRODUCT, change.source_id)
        case CreateVariant() | UpdateVariant() | ProveStock():
            return Key(ItemKind.VARIANT, change.source_id)
        case PutMetafields() | SetStock():
            return Key(change.kind, change.source_id)
        case Disable():
            return Key(change.kind, change.source_id, change.storefront_id)


def action(change: Change) -> Action:
    """What the change does."""
    match change:
        case CreateCategory() | CreateProduct() | CreateVariant():
            return Action.CREATE
        case UpdateCategory() | UpdateProduct() | UpdateVariant():
            return Action.UPDATE
        case ShowOptions():
            return Action.SHOW
        case AssignStorefronts():
            return Action.ASSIGN
        case RelateProducts():
            return Action.RELATE
        case PutMetafields():
            return Action.METAFIELDS
        case RelabelOptions():
            return Action.RELABEL
        case RebuildVariants():
            return Action.REBUILD
        case SetStock():
            return Action.STOCK
        case ProveStock():
            return Action.PROVE
        case Disable():
            return Action.DISABLE
