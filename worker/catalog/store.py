"""Items of the store, and which source items they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.vocabulary import ItemKind
from worker.catalog.items import Key

DEFAULT_LOCATION = 1
"""The location whose stock the catalogue's own field is (API facts §3.9)."""


@dataclass(frozen=True, slots=True)
class StoreRow:
    """A category, product or variant of the store, in the shape of `bigcommerce/decode.py`."""

    kind: ItemKind
    store_id: int
    parent_id: int | None
    """The product of a variant; the parent of a category (0 = root of its tree)."""
    tree_id: int | None
    name_key: str | None
    sku_key: str | None
    fields: Mapping[str, Any]
    hash: str
    read_as: str | None = None
    """The hash of the raw row that it and its variants were read from; of products alone."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A free store item that shares the SKU or the name with a source item."""

    store_id: int
    same_sku: bool
    same_name: bool
    name: str = ""
    sku: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """A source item and its store item, per storefront.

    `parts`: store ids of what hangs on the item and is ours: `images` (source image id -> [store id, url, place,
    description]), `refused_images` (source image id -> [url, reason]; see `catalog/pictures.py`),
    `custom_fields` ([name, value, store id]), `options` (name -> {id, values: label -> id}), `storefronts` (ids),
    `bulk_rules` ([minimum, maximum, type, amount, store id]), `videos` ([video id, store id]), `related` ({ids,
    missing: references}), `metafields` ([namespace, key, store id, hash of what was sent]).
    """

    key: Key
    store_id: int
    parent_store_id: int | None = None
    created_here: bool = False
    enabled: bool = True
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """Field group -> fingerprint of what was last sent."""
    parts: Mapping[str, Any] = field(default_factory=dict)
