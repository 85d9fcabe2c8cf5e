"""What differs between what the source says and what was last sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builders import a_category, a_product, a_variant, an_option
from worker.catalog import fingerprint
from worker.catalog.bulk_pricing import BulkRule
from worker.catalog.items import Category, Product, Variant
from worker.catalog.profile import Switches
from worker.rules import difference

ALL = Switches(overwrite_stock=True, overwrite_prices=True)
PLACES = ((1, 11), (2, 11))


def of_product(product: Product, places: tuple[tuple[int, int], ...] = PLACES, *sizes: str) -> dict[str, Any]:
    return difference.product_groups(product, places, (an_option("Size", *sizes),) if sizes else ())


def changed(before: dict[str, Any], now: dict[str, Any], switches: Switches = ALL) -> set[str]:
    return set(difference.changed(now, fingerprint.of_groups(before), switches))


FULL = a_product(
    images=("https://x/a.jpg", "https://x/b.jpg"), custom_fields=(("Paper", "Cotton"), ("Ink", "Red")), url="a",
    brand="Acme", inventory_level=3, is_visible=True, meta_description="m", description="d",
)  # fmt: skip


def full(**fields: Any) -> Product:
    return Product(FULL.source_id, FULL.category_ids, {**FULL.fields, **fields}, FULL.images, FULL.custom_fields)


def test_an_equal_item_has_no_difference() -> None:
    assert changed(of_product(FULL), of_product(full())) == set()


@pytest.mark.parametrize(
    ("now", "groups"),
    [
        pytest.param(of_product(full(price="11")), {"price"}, id="a price change sends a price"),
        pytest.param(of_product(full(inventory_level=4)), {"stock"}, id="stock"),
        pytest.param(of_product(full(inventory_tracking="variant")), {"tracking"}, id="tracking is not stock"),
        pytest.param(of_product(full(inventory_warning_level=2)), {"tracking"}, id="nor is the level to warn at"),
        pytest.param(of_product(full(name="B")), {"text"}, id="name"),
        pytest.param(of_product(full(description=None)), {"text"}, id="a field that became empty"),
        pytest.param(of_product(full(is_visible=False)), {"visibility"}, id="visibility"),
        pytest.param(of_product(full(weight="2")), {"shipping"}, id="weight"),
        pytest.param(of_product(full(sku="B")), {"identity"}, id="SKU"),
        pytest.param(of_product(full(meta_description="n")), {"seo"}, id="SEO"),
        pytest.param(of_product(full(url="b")), {"url"}, id="URL"),
        pytest.param(of_product(full(brand="Other")), {"brand"}, id="brand"),
        pytest.param(of_product(full(price="11", name="B")), {"price", "text"}, id="two groups"),
        pytest.param(of_product(full(warranty="2 years")), {"selling"}, id="a field that is newly mapped"),
        pytest.param(of_product(FULL, ((1, 11),)), {"categories", "storefronts"}, id="one storefront less"),
        pytest.param(of_product(FULL, ((1, 11), (2, 12))), {"categories"}, id="another category on a storefront"),
        pytest.param(of_product(FULL, ((2, 11), (1, 11))), set(), id="the order of places is no matter"),
        pytest.param(of_product(FULL, PLACES, "S"), {"options"}, id="an option"),
    ],
)
def test_a_difference_is_found_in_its_own_group(now: dict[str, Any], groups: set[str]) -> None:
    assert changed(of_product(FULL), now) == groups


def test_the_order_of_pictures_is_a_difference_that_of_custom_fields_is_none() -> None:
    turned = Product(FULL.source_id, FULL.category_ids, FULL.fields, FULL.images[::-1], FULL.custom_fields[::-1])
    assert changed(of_product(FULL), of_product(turned)) == {"images"}


def test_the_order_of_an_option_s_values_is_a_difference() -> None:
    assert changed(of_product(FULL, PLACES, "S", "M"), of_product(FULL, PLACES, "M", "S")) == {"options"}


def test_a_field_that_is_no_longer_mapped_is_no_difference() -> None:
    bare = Product(301, (11,), {name: value for name, value in FULL.fields.items() if name != "brand"}, FULL.images,
                   FULL.custom_fields)  # fmt: skip
    assert changed(of_product(FULL), of_product(bare)) == set()


def test_everything_differs_from_nothing() -> None:
    unsaid = {"bulk_pricing", "videos", "metafields", "remarks"}
    assert changed({}, of_product(FULL)) == set(of_product(FULL)) - unsaid
    full = replace(FULL, bulk_rules=(BulkRule(2, 0, "fixed", "1"),), videos=("dQw4w9WgXcQ",))
    assert changed({}, of_product(full)) == set(of_product(full)) - {"metafields", "remarks"}


def test_bulk_pricing_rules_are_prices_that_may_not_be_overwritten() -> None:
    ruled = replace(FULL, bulk_rules=(BulkRule(2, 0, "fixed", "1"),))
    switches = Switches(overwrite_prices=False)
    assert difference.changed(of_product(ruled), fingerprint.of_groups(of_product(FULL)), switches) == frozenset()


def test_a_part_that_was_sent_and_is_not_said_any_more_is_a_difference() -> None:
    full = replace(FULL, videos=("dQw4w9WgXcQ",), related=("P-1",))
    assert changed(of_product(full), of_product(replace(full, videos=(), related=()))) == {"videos", "related"}
    # No column says: the store's list is left alone.
    assert changed(of_product(full), of_product(replace(full, related=None))) == set()


@pytest.mark.parametrize(
    ("switches", "groups"),
    [
        (Switches(overwrite_stock=True, overwrite_prices=True), {"price", "stock", "text"}),
        (Switches(overwrite_stock=False, overwrite_prices=True), {"price", "text"}),  # stock only at creation
        (Switches(overwrite_stock=True, overwrite_prices=False), {"stock", "text"}),  # prices only at creation
        (Switches(overwrite_stock=False, overwrite_prices=False), {"text"}),
    ],
)
def test_stock_and_prices_are_overwritten_only_where_the_profile_says_so(switches: Switches, groups: set[str]) -> None:
    now = of_product(full(price="11", inventory_level=9, name="B"))
    assert changed(of_product(FULL), now, switches) == groups


@pytest.mark.parametrize(
    ("now", "parent", "groups"),
    [
        (a_category(11, 5, image="https://x/a.jpg"), 5, set()),
        (a_category(11, 5, image="https://x/a.jpg"), None, {"categories"}),  # it has moved to the top
        (a_category(11, 5, image="https://x/b.jpg"), 5, {"images"}),
        (a_category(11, 5), 5, {"images"}),  # it has lost its picture
        (a_category(11, 5, image="https://x/a.jpg", name="B"), 5, {"text"}),
    ],
)
def test_a_category_differs_by_its_place_picture_and_fields(
    now: Category, parent: int | None, groups: set[str]
) -> None:
    before = difference.category_groups(a_category(11, 5, image="https://x/a.jpg"), 5)
    assert changed(before, difference.category_groups(now, parent)) == groups


def test_a_category_s_place_is_that_in_the_storefront_s_tree() -> None:
    assert difference.category_groups(a_category(11, 5), None)["categories"] is None


@pytest.mark.parametrize(
    ("now", "groups"),
    [
        (a_variant(options={"Colour": "Red", "Size": "S"}, price="1"), set()),  # the order of options is no matter
        (a_variant(options={"Size": "M", "Colour": "Red"}, price="1"), {"options"}),
        (a_variant(options={"Size": "S", "Colour": "Red"}, price="2"), {"price"}),
        (a_variant(options={"Size": "S", "Colour": "Red"}, price="1", image="https://x/a.jpg"), {"images"}),
    ],
)
def test_a_variant_differs_by_its_options_picture_and_fields(now: Variant, groups: set[str]) -> None:
    before = difference.variant_groups(a_variant(options={"Size": "S", "Colour": "Red"}, price="1"))
    assert changed(before, difference.variant_groups(now)) == groups


def test_only_the_first_picture_of_a_variant_counts() -> None:
    one = a_product(images=("https://x/a.jpg",)).images
    two = a_product(images=("https://x/a.jpg", "https://x/b.jpg")).images
    first, second = (Variant(1, 301, {}, (), images) for images in (one, two))
    assert difference.variant_groups(first) == difference.variant_groups(second)
    assert of_product(a_product(images=("https://x/a.jpg",))) != of_product(
        a_product(images=("https://x/a.jpg", "https://x/b.jpg"))
    ), "of a product all count"


def test_pictures_that_are_not_mapped_are_left_as_they_are() -> None:
    assert "images" not in of_product(replace(a_product(), pictured=False))
    assert "images" not in difference.variant_groups(replace(a_variant(), pictured=False))
    assert "images" not in difference.category_groups(replace(a_category(), pictured=False), None)


def test_a_forced_refresh_tries_refused_pictures_again() -> None:
    said: dict[str, Any] = {"images": []}
    parts = {"refused_images": {"p1": ["https://x/a.jpg", "no"]}}
    none = frozenset[str]()
    assert difference.with_refused_pictures(none, said, parts, forced=True) == {"images"}
    assert difference.with_refused_pictures(none, said, parts, forced=False) == none
    assert difference.with_refused_pictures(none, said, {}, forced=True) == none
    assert difference.with_refused_pictures(none, {}, parts, forced=True) == none, "they are not mapped any more"
