"""A change knows its item and what it does, and survives being kept."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from models.vocabulary import Action, ItemKind, Outcome
from tests.builders import a_category, a_coloured_variant, a_product, a_variant, an_option
from worker.catalog import changes
from worker.catalog.changes import (
    AssignStorefronts,
    Change,
    CreateCategory,
    CreateProduct,
    CreateVariant,
    Disable,
    ProveStock,
    PutMetafields,
    RebuildVariants,
    Relabel,
    RelabelOptions,
    RelateProducts,
    SetStock,
    ShowOptions,
    UpdateCategory,
    UpdateProduct,
    UpdateVariant,
)
from worker.catalog.fields import Group
from worker.catalog.items import Key, Metafield

OPTIONS = (an_option("Size", "S", "M"),)
PRODUCT = a_product(
    301, images=("https://x/a.jpg",), custom_fields=(("Paper", "Cotton"),), is_visible=False, inventory_level=0,
    meta_keywords=["a", "b"], description=None,
)  # fmt: skip
CREATE_PRODUCT = CreateProduct(
    301, PRODUCT, (a_variant(1), a_coloured_variant(2, "Red", "#FF0000")), OPTIONS, ((1, 11), (2, 11)),
    {"text": "aa"}, {1: {"price": "bb"}},
)  # fmt: skip

TABLE: list[tuple[Change, Key, Action]] = [
    # Categories are told apart by storefront.
    (CreateCategory(11, 2, 1, None, a_category(11), {"text": "aa"}), Key(ItemKind.CATEGORY, 11, 2), Action.CREATE),
    (
        UpdateCategory(12, 1, 2, 11, a_category(12, 11, image="https://x/c.jpg"), frozenset({"text"}), {"text": "aa"}),
        Key(ItemKind.CATEGORY, 12, 1),
        Action.UPDATE,
    ),
    # Products and variants are not: they are one each in the store.
    (CREATE_PRODUCT, Key(ItemKind.PRODUCT, 301), Action.CREATE),
    (
        UpdateProduct(301, PRODUCT, ((1, 11),), frozenset({"price", "text"}), {"price": "cc"}, Outcome.DISABLED),
        Key(ItemKind.PRODUCT, 301),
        Action.UPDATE,
    ),
    # What belongs to a product and is sent apart is about the product.
    (ShowOptions(301, OPTIONS, "dd"), Key(ItemKind.PRODUCT, 301), Action.SHOW),
    (AssignStorefronts(301, (1, 2), "ee"), Key(ItemKind.PRODUCT, 301), Action.ASSIGN),
    (RelateProducts(301, ("P-302", "303"), "ff"), Key(ItemKind.PRODUCT, 301), Action.RELATE),
    # Metafields are a product's or a variant's.
    (
        PutMetafields(ItemKind.VARIANT, 1, (Metafield("saleslayer", "colour", "Red", "app_only"),), "ff"),
        Key(ItemKind.VARIANT, 1),
        Action.METAFIELDS,
    ),
    (RelabelOptions(301, (Relabel("Size", "S", "Small"),), {1: "gg"}), Key(ItemKind.PRODUCT, 301), Action.RELABEL),
    (
        RebuildVariants(
            301,
            (a_variant(1),),
            {1: 601},
            {2: 602},
            OPTIONS,
            {1: {"options": "hh"}},
            sends_stock=False,
            kept={601: {"sku": "V"}},
        ),
        Key(ItemKind.PRODUCT, 301),
        Action.REBUILD,
    ),
    (CreateVariant(1, 301, a_variant(1), OPTIONS, {}), Key(ItemKind.VARIANT, 1), Action.CREATE),
    (
        UpdateVariant(1, 301, a_variant(1, enabled=False), frozenset({"stock"}), {"stock": "ff"}),
        Key(ItemKind.VARIANT, 1),
        Action.UPDATE,
    ),
    # Stock is that of a product or of a variant; the proof of a rebuilt one's follows its rebuild.
    (SetStock(ItemKind.PRODUCT, 301, 7, 1, "ii", "variant", "P"), Key(ItemKind.PRODUCT, 301), Action.STOCK),
    (SetStock(ItemKind.VARIANT, 1, 7, 2, "ii"), Key(ItemKind.VARIANT, 1), Action.STOCK),
    (ProveStock(1, 301, ((1, 7), (2, 3)), "2 metafields"), Key(ItemKind.VARIANT, 1), Action.PROVE),
    # A disabled item keeps its kind, and a category its storefront.
    (Disable(ItemKind.CATEGORY, 11, 2), Key(ItemKind.CATEGORY, 11, 2), Action.DISABLE),
    (Disable(ItemKind.VARIANT, 1), Key(ItemKind.VARIANT, 1), Action.DISABLE),
]


def test_the_table_holds_every_sort_of_change() -> None:
    assert {type(change) for change, _, _ in TABLE} == set(get_args(Change))


@pytest.mark.parametrize(("change", "key", "action"), TABLE, ids=[type(row[0]).__name__ for row in TABLE])
def test_a_change_knows_its_item_and_what_it_does(change: Change, key: Key, action: Action) -> None:
    assert (changes.key(change), changes.action(change)) == (key, action)


def as_postgres_gives_it(kept: str) -> str:
    """A jsonb column gives back what was written with names in another order and other blanks."""
    return json.dumps(json.loads(kept), sort_keys=True, ensure_ascii=False)


@pytest.mark.parametrize("change", [row[0] for row in TABLE], ids=lambda change: type(change).__name__)
def test_a_change_comes_back_from_json_as_it_was(change: Change) -> None:
    assert changes.from_json(as_postgres_gives_it(changes.to_json(change))) == change


def test_values_keep_their_types_on_the_way() -> None:
    back = changes.from_json(as_postgres_gives_it(changes.to_json(CREATE_PRODUCT)))
    assert isinstance(back, CreateProduct)
    kept = back.product.fields
    assert kept["is_visible"] is False
    assert (type(kept["inventory_level"]), type(kept["price"])) == (int, str)
    assert list(back.variant_fingerprints) == [1]


def test_groups_may_be_words_or_their_texts() -> None:
    change = UpdateVariant(1, 301, a_variant(1), frozenset({Group.VISIBILITY, "price"}), {Group.PRICE: "aa"})
    kept = changes.to_json(change)
    assert sorted(json.loads(kept)["groups"]) == ["price", "visibility"]
    assert changes.from_json(kept) == change


def test_a_change_of_an_unknown_sort_is_refused() -> None:
    with pytest.raises(ValueError, match="delete_product"):
        changes.from_json('{"what": "delete_product", "source_id": 1}')


def test_a_change_that_lacks_a_part_is_refused() -> None:
    with pytest.raises(ValueError, match="storefronts"):
        changes.from_json('{"what": "assign_storefronts", "source_id": 1, "fingerprint": "f"}')
