"""Whose stock is set, where, and how a new product is tracked."""

from __future__ import annotations

import pytest

from tests.builders import a_product, a_variant
from worker.catalog.items import Product, Variant
from worker.rules import stocking


@pytest.mark.parametrize(
    ("product", "variants", "tracking"),
    [
        pytest.param(a_product(), [a_variant()], None, id="no stock: as the store makes it"),
        pytest.param(a_product(inventory_level=None), [], None, id="an empty stock is none"),
        pytest.param(a_product(inventory_level=0), [], "product", id="a stock of nothing is one"),
        pytest.param(a_product(inventory_level=3), [a_variant()], "product", id="variants without a stock of theirs"),
        pytest.param(
            a_product(), [a_variant(), a_variant(2, inventory_level=1)], "variant", id="one variant is enough"
        ),
        pytest.param(a_product(inventory_level=3), [a_variant(inventory_level=1)], "variant", id="both"),
        pytest.param(a_product(inventory_tracking="none"), [a_variant(inventory_level=1)], "none", id="what is said"),
        pytest.param(a_product(inventory_tracking=None, inventory_level=1), [], "product", id="said, but empty"),
    ],
)
def test_a_new_product_is_tracked_by_what_carries_stock(
    product: Product, variants: list[Variant], tracking: str | None
) -> None:
    assert stocking.tracking_of_new(product, variants) == tracking


@pytest.mark.parametrize(
    ("item", "tracking", "has_variants", "told"),
    [
        (a_product(inventory_level=3), None, False, True),
        (a_product(inventory_level=3), "variant", False, True),  # its only variant is the product itself
        (a_product(inventory_level=3), "product", True, True),
        (a_product(inventory_level=3), "variant", True, False),  # the store adds its variants up
        (a_product(inventory_level=3), "none", True, False),
        (a_product(), "product", False, False),
        (a_variant(inventory_level=3), "variant", True, True),
        (a_variant(inventory_level=3), "none", True, True),
        (a_variant(inventory_level=3), "product", True, False),
        (a_variant(), "variant", True, False),
    ],
)
def test_stock_is_told_where_the_store_counts_it(
    item: Product | Variant, tracking: str | None, *, has_variants: bool, told: bool
) -> None:
    assert stocking.is_told(item, tracking, has_variants=has_variants) is told


def test_at_the_default_location_stock_goes_with_the_creation() -> None:
    made, variants, follow = stocking.inline(
        a_product(inventory_level=9), [a_variant(1, inventory_level=2), a_variant(2)], location=1
    )
    assert (made.fields["inventory_tracking"], "inventory_level" in made.fields) == ("variant", False)
    assert [one.fields.get("inventory_level") for one in variants] == [2, None]
    assert follow == []


def test_at_another_location_stock_follows_the_creation() -> None:
    product, variant = a_product(inventory_level=9, inventory_tracking="product"), a_variant(1, inventory_level=2)
    made, variants, follow = stocking.inline(product, [variant], location=4)
    assert "inventory_level" not in made.fields
    assert "inventory_level" not in variants[0].fields
    assert follow == [product], "tracked as a whole, its variants have no stock of their own"
    assert stocking.inline_variant(variant, "variant", location=4)[1]
    assert not stocking.inline_variant(variant, "variant", location=1)[1]
