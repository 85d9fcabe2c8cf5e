"""An item that is encoded, stored and decoded is what was said; and after an update too."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from models.vocabulary import ItemKind
from tests.property.strategies import BRANDS, categories, products, stored, variants
from worker.bigcommerce import decode, encode
from worker.catalog import fingerprint
from worker.catalog.fields import FIELDS, Group
from worker.catalog.items import Category, Product, Variant
from worker.catalog.profile import Switches
from worker.rules import difference, holding

ALL = Switches(overwrite_stock=True, overwrite_prices=True)
APART = {
    Group.IMAGES,
    Group.CUSTOM_FIELDS,
    Group.BULK_PRICING,
    Group.VIDEOS,
    Group.STOREFRONTS,
    Group.OPTIONS,
    Group.CATEGORIES,
}
"""Groups of a product that go their own ways, not by its base fields."""
made_up_slowly = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def agree(same: dict[str, str], said: dict[str, object], *, but: Collection[str] = ()) -> None:
    """All groups coincide, with the fingerprints of what was said."""
    expected = {str(group): fingerprint.of(value) for group, value in said.items() if group not in but}
    assert same.items() >= expected.items()


@made_up_slowly
@given(products, variants)
def test_a_new_product_coincides_with_what_was_said(product: Product, variant: Variant) -> None:
    said = difference.product_groups(product, ((1, 11),), ())
    body = encode.new_product(product, [variant] if variant.options else [], category_ids=(5, 6))
    own, *others = decode.product({"id": 501, "channels": [1], **stored(body)}, BRANDS)
    agree(holding.coinciding(product, said, own, category_ids=(5, 6)), said, but={Group.OPTIONS})
    for row in others:
        of_variant = difference.variant_groups(variant)
        agree(holding.coinciding(variant, of_variant, row), of_variant)


@made_up_slowly
@given(categories)
def test_a_new_category_coincides_with_what_was_said(category: Category) -> None:
    said = difference.category_groups(category, None)
    body = encode.new_category(category, tree_id=3, parent_store_id=0)
    row = decode.category({"category_id": 71, "parent_id": 0, **stored(body)})
    agree(holding.coinciding(category, said, row), said)


@made_up_slowly
@given(products, products)
def test_what_differs_is_sent_and_then_coincides(before: Product, now: Product) -> None:
    sent = fingerprint.of_groups(difference.product_groups(before, (), ()))
    said = difference.product_groups(now, (), ())
    groups = difference.changed(said, sent, ALL)
    store = stored(encode.new_product(before, [], category_ids=()))
    store = stored(encode.changed_product(now, groups, category_ids=None), store)
    (row,) = decode.product({"id": 501, **store}, BRANDS)
    agree(holding.coinciding(now, said, row), said, but=APART)


@made_up_slowly
@given(variants, variants)
def test_what_differs_of_a_variant_is_sent_and_then_coincides(before: Variant, now: Variant) -> None:
    now = replace(now, options=before.options)
    said = difference.variant_groups(now)
    groups = difference.changed(said, fingerprint.of_groups(difference.variant_groups(before)), ALL)
    store = stored(encode.new_variant(before))
    row = decode.variant({"id": 601, **stored(encode.changed_variant(now, groups), store)}, 501)
    agree(holding.coinciding(now, said, row), said)


@made_up_slowly
@given(products)
def test_an_update_of_all_groups_touches_no_field_that_was_not_said(product: Product) -> None:
    body = encode.changed_product(product, set(Group), category_ids=None)
    of_store = {field.store: name for name, field in FIELDS[ItemKind.PRODUCT].items()} | {"brand_id": "brand"}
    assert {of_store[name] for name in body} <= product.fields.keys()
