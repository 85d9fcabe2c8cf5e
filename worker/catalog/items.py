"""Categories, products and variants as the source means them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.vocabulary import ItemKind
from worker.catalog.bulk_pricing import BulkRule
from worker.catalog.calls import Sent
from worker.catalog.values import Value


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an item; `code` stands in docs/errors.md."""

    code: str
    text: str
    field: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """The problem as it is kept in an item's status."""
        return {"code": self.code, "text": self.text, "field": self.field}


@dataclass(frozen=True, slots=True)
class Image:
    """A picture at the source; nobody but the store fetches it."""

    source_id: str
    url: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Metafield:
    """A note on an item for whoever reads the store's API; its name is namespace and key together."""

    namespace: str
    key: str
    value: str
    permission_set: str


@dataclass(frozen=True, slots=True)
class OptionValue:
    """What a variant is in one option, with the colours of a swatch (`#RRGGBB`, up to three)."""

    option: str
    label: str
    colors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """The storefronts that an item names in its storefront field, and the words that name none."""

    ids: tuple[int, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Category:
    """A category of the source; `parent_id` is None at the root."""

    source_id: int
    parent_id: int | None
    fields: Mapping[str, Value]
    images: tuple[Image, ...] = ()
    storefronts: Named | None = None
    """None: no storefront field is mapped, or the row does not carry it."""
    remarks: tuple[Problem, ...] = ()
    """What it goes without, and why."""
    pictured: bool = True
    """Whether its pictures are mapped; else the store keeps those that it has."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of the source, with the option values that tell it from its siblings."""

    source_id: int
    product_id: int
    fields: Mapping[str, Value]
    options: tuple[OptionValue, ...] = ()
    images: tuple[Image, ...] = ()
    metafields: tuple[Metafield, ...] = ()
    remarks: tuple[Problem, ...] = ()
    """What it goes without, and why."""
    pictured: bool = True


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the source with the categories it stands in."""

    source_id: int
    category_ids: tuple[int, ...]
    fields: Mapping[str, Value]
    images: tuple[Image, ...] = ()
    custom_fields: tuple[tuple[str, str], ...] = ()
    bulk_rules: tuple[BulkRule, ...] = ()
    videos: tuple[str, ...] | None = None
    """Ids of YouTube videos; None = no column says, so the store's are left alone."""
    related: tuple[str, ...] | None = None
    """SKUs or source ids of products; None = no column says, so the store's list is left alone."""
    metafields: tuple[Metafield, ...] = ()
    remarks: tuple[Problem, ...] = ()
    """What it goes without, and why."""
    pictured: bool = True
    storefronts: Named | None = None
    spared: tuple[str, ...] = ()
    """Pictures whose URL cannot be sent: what the store has of them stays."""


Item = Category | Product | Variant


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a product with its values in order; `type` is the store's name for the display."""

    name: str
    type: str
    values: tuple[tuple[str, tuple[str, ...]], ...]
    """(label, colours)"""


@dataclass(frozen=True, slots=True)
class Read:
    """An item read from its cells, and all that is wrong with it."""

    item: Item
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """Which item, and on which storefront (0 where the kind is not told apart by storefront)."""

    kind: ItemKind
    source_id: int
    storefront_id: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of an item: its outcome and why, and the store's own words."""

    key: Key
    outcome: str
    code: str | None = None
    message: str | None = None
    problems: tuple[Problem, ...] = field(default_factory=tuple)
    answer: str | None = None
    sent: tuple[Sent, ...] = ()
    """By which changes it was sent; none where nothing was sent of it."""

    @classmethod
    def of(cls, key: Key, outcome: str, *problems: Problem, answer: str | None = None) -> Settled:
        """The outcome with these problems: the first gives the code, all of them the message."""
        message = "; ".join(one.text for one in problems) or None
        return cls(key, outcome, problems[0].code if problems else None, message, problems, answer)
