"""Items, columns and relations to think about, each with what matters said and the rest made up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.vocabulary import ItemKind
from worker.catalog.columns import Column, Columns
from worker.catalog.items import Category, Image, Option, OptionValue, Product, Variant
from worker.catalog.profile import Profile
from worker.catalog.store import Candidate, StoreRow
from worker.catalog.values import Value

RING = "k1:" + "A" * 43 + "="
"""A ring with one key of 32 bytes."""


def a_category(
    source_id: int = 11, parent_id: int | None = None, *, image: str | None = None, **fields: Value
) -> Category:
    """A category with a name; more fields by name."""
    images = (Image("p1", image),) if image else ()
    return Category(source_id, parent_id, {"name": f"Category {source_id}", **fields}, images)


def a_product(
    source_id: int = 301,
    *,
    categories: tuple[int, ...] = (11,),
    images: tuple[str, ...] = (),
    custom_fields: tuple[tuple[str, str], ...] = (),
    **fields: Value,
) -> Product:
    """A product that is fit to be sent; a field given as None is there and empty."""
    fit: dict[str, Value] = {"name": f"Product {source_id}", "sku": f"P-{source_id}", "price": "10", "weight": "1"}
    pictures = tuple(Image(f"p{place}", url) for place, url in enumerate(images))
    return Product(source_id, categories, fit | fields, pictures, custom_fields)


def a_variant(
    source_id: int = 1,
    *,
    product: int = 301,
    options: Mapping[str, str] | None = None,
    image: str | None = None,
    **fields: Value,
) -> Variant:
    """A variant that is fit to be sent; option values as the source writes them without colours."""
    chosen = {"Size": "S"} if options is None else options
    values = tuple(OptionValue(option, label) for option, label in chosen.items())
    images = (Image("p1", image),) if image else ()
    return Variant(source_id, product, {"sku": f"V-{source_id}", **fields}, values, images)


def a_coloured_variant(source_id: int, label: str, *colors: str, option: str = "Colour") -> Variant:
    """A variant with one option value and its swatch colours."""
    return Variant(source_id, 301, {"sku": f"V-{source_id}"}, (OptionValue(option, label, colors),))


def an_option(name: str = "Size", *labels: str, shown_as: str = "dropdown") -> Option:
    """An option with values without colours."""
    return Option(name, shown_as, tuple((label, ()) for label in labels))


def a_candidate(store_id: int, *, sku: bool = False, name: bool = False) -> Candidate:
    """A free store item that shares the SKU or the name."""
    return Candidate(store_id, same_sku=sku, same_name=name, name=f"Item {store_id}")


def a_store_row(kind: ItemKind, **fields: Any) -> StoreRow:
    """An item of the store that holds these fields."""
    return StoreRow(kind, 900, None, None, None, None, fields, "")


def a_column(name: str, kind: str = "string", *, base: str | None = None, language: str | None = None) -> Column:
    """A column of the source, in one language or in none."""
    return Column(name, base or name, kind, language)


def the_columns(
    kind: ItemKind, *columns: Column | str, default: str | None = None, languages: tuple[str, ...] = ()
) -> Columns:
    """The columns of one kind; a plain name is a text column without language."""
    made = tuple(one if isinstance(one, Column) else a_column(one) for one in columns)
    return Columns({kind: made}, default, languages)


def a_profile(**settings: Any) -> Profile:
    """A profile; what is not said is as by default."""
    return Profile.model_validate(settings)
