"""Which source column becomes which field, custom field or option."""

from __future__ import annotations

from typing import Any

import pytest

from models.vocabulary import ItemKind
from tests.builders import a_column, a_profile, the_columns
from worker.catalog.columns import Column, Columns
from worker.catalog.fields import FIELDS
from worker.rules import mapping
from worker.rules.mapping import Mapped

CATEGORY, PRODUCT, VARIANT = ItemKind


def settled(columns: Columns, kind: ItemKind, **settings: Any) -> Mapped:
    """The mapping of one kind, where nothing is wrong with it."""
    found, faults = mapping.settle(a_profile(**settings), columns)
    assert faults == []
    return found[kind]


def faults_of(columns: Columns, **settings: Any) -> list[str]:
    return mapping.settle(a_profile(**settings), columns)[1]


@pytest.mark.parametrize(
    ("kind", "column", "field"),
    [
        (PRODUCT, "price", "price"),  # named like the field
        (PRODUCT, "product_price", "price"),  # with the table's prefix
        (PRODUCT, "Product_Price", "price"),  # in any case
        (PRODUCT, "product_stock", "inventory_level"),  # by another name of the field
        (PRODUCT, "product_tax_code", "product_tax_code"),  # a field whose own name begins like the prefix
        (PRODUCT, "REF", "sku"),
        (VARIANT, "REF", "sku"),
        (VARIANT, "format_price", "price"),
        (VARIANT, "variant_purchasable", "enabled"),
        (CATEGORY, "section_name", "name"),
        (CATEGORY, "catalogue_visible", "is_visible"),
    ],
)
def test_a_column_named_like_a_field_maps_to_it(kind: ItemKind, column: str, field: str) -> None:
    assert settled(the_columns(kind, column), kind).fields == {field: column}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in ItemKind for name in FIELDS[kind]])
def test_every_field_is_found_with_and_without_the_prefix_of_its_table(kind: ItemKind, name: str) -> None:
    prefix = {CATEGORY: "section_", PRODUCT: "product_", VARIANT: "format_"}[kind]
    holds = "image" if name == "images" else "string"
    for column in (name, prefix + name):
        assert settled(the_columns(kind, a_column(column, holds)), kind).fields.get(name) == column


def test_the_profile_s_wish_beats_a_column_of_that_name() -> None:
    found = settled(the_columns(PRODUCT, "price", "pvp"), PRODUCT, mapping={"product": {"price": "pvp"}})
    assert found.fields == {"price": "pvp"}
    assert found.extras == (("price", "price"),), "the column that was not chosen is one of the others"


def test_a_column_that_is_wished_for_one_field_is_no_other() -> None:
    found = settled(the_columns(PRODUCT, "name", "title"), PRODUCT, mapping={"product": {"mpn": "name"}})
    assert found.fields == {"mpn": "name", "name": "title"}


def test_a_field_s_own_name_beats_its_other_names() -> None:
    assert settled(the_columns(PRODUCT, "REF", "sku"), PRODUCT).fields["sku"] == "sku"


def test_the_reference_is_never_a_custom_field() -> None:
    assert settled(the_columns(PRODUCT, "REF", "sku"), PRODUCT).extras == ()


def test_the_other_columns_of_products_are_custom_fields() -> None:
    columns = the_columns(PRODUCT, "name", "Paper", a_column("Weight_g", "numeric"))
    assert settled(columns, PRODUCT).extras == (("Paper", "Paper"), ("Weight_g", "Weight_g"))


def test_the_other_columns_of_variants_are_options() -> None:
    assert settled(the_columns(VARIANT, "REF", "Size"), VARIANT).extras == (("Size", "Size"),)


def test_the_other_columns_of_categories_are_nothing() -> None:
    assert settled(the_columns(CATEGORY, "section_name", "Season"), CATEGORY).extras == ()


@pytest.mark.parametrize("holds", ["image", "file", "key", "multi-key"])
def test_pictures_files_and_keys_are_no_custom_fields_by_themselves(holds: str) -> None:
    assert settled(the_columns(PRODUCT, a_column("other", holds)), PRODUCT).extras == ()


@pytest.mark.parametrize("join", ["ID_PARENT", "ID_catalogue", "ID_products"])
def test_columns_that_say_where_an_item_hangs_are_neither_field_nor_extra(join: str) -> None:
    assert settled(the_columns(VARIANT, join), VARIANT) == Mapped({}, ())


@pytest.mark.parametrize(
    ("kind", "wish"), [(PRODUCT, {"custom_fields": ["Paper", "name"]}), (VARIANT, {"options": ["Paper", "name"]})]
)
def test_only_the_extras_that_the_profile_names_in_its_order(kind: ItemKind, wish: dict[str, Any]) -> None:
    found = settled(the_columns(kind, "name", "Size", "Paper"), kind, **wish)
    assert found.extras == (("Paper", "Paper"), ("name", "name"))


def test_an_empty_list_of_extras_means_none() -> None:
    assert settled(the_columns(VARIANT, "Size"), VARIANT, options=[]).extras == ()


def test_an_extra_that_is_named_twice_stands_once() -> None:
    columns = the_columns(VARIANT, a_column("Size_en", base="Size", language="en"), default="en", languages=("en",))
    assert settled(columns, VARIANT, options=["Size", "Size_en"]).extras == (("Size_en", "Size"),)


NAME_EN = a_column("name_en", base="name", language="en")
NAME_ES = a_column("name_es", base="name", language="es")


@pytest.mark.parametrize(
    ("language", "default", "languages", "column"),
    [
        ("es", "en", ("en", "es"), "name_es"),  # the profile's language
        (None, "es", ("en", "es"), "name_es"),  # else the source's default
        (None, "fr", ("en", "es"), "name_en"),  # else the first that it exports
    ],
)
def test_texts_are_taken_in_one_language(
    language: str | None, default: str, languages: tuple[str, ...], column: str
) -> None:
    columns = the_columns(PRODUCT, NAME_EN, NAME_ES, default=default, languages=languages)
    found = settled(columns, PRODUCT, language=language)
    assert found.fields == {"name": column}
    assert found.extras == (), "the other language is nothing"


@pytest.mark.parametrize("wish", [None, "fr"])
def test_a_default_language_that_is_forced_is_taken_though_it_is_none_of_the_languages(wish: str | None) -> None:
    french = a_column("name_fr", base="name", language="fr")
    columns = the_columns(PRODUCT, NAME_EN, french, default="fr", languages=("en", "es"))
    assert settled(columns, PRODUCT, language=wish).fields == {"name": "name_fr"}


REGIONAL = (
    a_column("name_en-us", base="name", language="en-us"),
    a_column("name_en-gb", base="name", language="en-gb"),
    a_column("name_en", base="name", language="en"),
)


@pytest.mark.parametrize("language", ["en-us", "en-gb", "en"])
def test_a_regional_language_is_not_the_language_of_its_first_part(language: str) -> None:
    columns = the_columns(PRODUCT, *REGIONAL, default="en", languages=("en", "en-gb", "en-us"))
    assert settled(columns, PRODUCT, language=language).fields == {"name": f"name_{language}"}


def test_a_column_without_language_belongs_to_all_whatever_its_name_ends_in() -> None:
    columns = the_columns(PRODUCT, a_column("cut_en"), NAME_EN, NAME_ES, default="es", languages=("es", "en"))
    found = settled(columns, PRODUCT)
    assert found.fields == {"name": "name_es"}
    assert found.extras == (("cut_en", "cut_en"),), "`cut_en` is a name, not `cut` in English"


def test_a_column_whose_name_says_nothing_of_its_language_is_taken_by_what_the_source_says() -> None:
    spanish = a_column("field_17", base="product_name", language="es")
    english = a_column("field_18", base="product_name", language="en")
    columns = the_columns(PRODUCT, english, spanish, default="es", languages=("en", "es"))
    assert settled(columns, PRODUCT).fields == {"name": "field_17"}


def test_a_wish_may_name_a_column_with_or_without_its_language() -> None:
    columns = the_columns(PRODUCT, NAME_EN, default="en", languages=("en",))
    for wish in ("name", "name_en"):
        assert settled(columns, PRODUCT, mapping={"product": {"mpn": wish}}).fields["mpn"] == "name_en"


def test_an_extra_is_shown_under_its_name_without_language() -> None:
    columns = the_columns(VARIANT, a_column("Size_es", base="Size", language="es"), default="es", languages=("es",))
    assert settled(columns, VARIANT).extras == (("Size_es", "Size"),)


PHOTO = a_column("photo", "image")


@pytest.mark.parametrize(
    ("columns", "settings", "fault"),
    [
        pytest.param(
            the_columns(PRODUCT, NAME_EN, languages=("en",)), {"language": "fr"},
            "the source exports no language 'fr'; it exports en", id="a language that is not exported",
        ),
        pytest.param(
            the_columns(PRODUCT, "name"), {"mapping": {"product": {"price": "pvp"}}},
            "product.price is mapped to 'pvp', which the source does not export", id="a column that is not exported",
        ),
        pytest.param(
            the_columns(PRODUCT, PHOTO), {"mapping": {"product": {"price": "photo"}}},
            "product.price is mapped to 'photo', which holds images", id="a picture as a price",
        ),
        pytest.param(
            the_columns(PRODUCT, "pvp"), {"mapping": {"product": {"images": "pvp"}}},
            "product.images is mapped to 'pvp', which holds no pictures but string", id="a text as a picture",
        ),
        pytest.param(
            the_columns(PRODUCT, a_column("is_new", "boolean")), {"mapping": {"product": {"price": "is_new"}}},
            "product.price is mapped to 'is_new', which is of the type boolean and cannot be read as a number",
            id="yes or no as a price",
        ),
        pytest.param(
            the_columns(PRODUCT, a_column("pvp", "numeric")), {"mapping": {"product": {"condition": "pvp"}}},
            "product.condition is mapped to 'pvp', which is of the type numeric and cannot be read as one of the"
            " field's values",
            id="a price as a condition",
        ),
        pytest.param(
            the_columns(PRODUCT, PHOTO), {"custom_fields": ["photo"]},
            "the custom field 'photo' holds images", id="a picture as a custom field",
        ),
        pytest.param(
            the_columns(PRODUCT, "name"), {"custom_fields": ["Paper"]},
            "the custom field 'Paper' is not exported by the source", id="a custom field that is not exported",
        ),
        pytest.param(
            the_columns(VARIANT, "name"), {"options": ["Size"]},
            "the option 'Size' is not exported by the source", id="an option that is not exported",
        ),
    ],
)  # fmt: skip
def test_each_fault_is_a_sentence(columns: Columns, settings: dict[str, Any], fault: str) -> None:
    assert faults_of(columns, **settings) == [fault]


def test_all_faults_are_told_at_once() -> None:
    wrong = faults_of(
        the_columns(PRODUCT, "name", a_column("is_new", "boolean"), languages=("en", "es")),
        language="fr",
        custom_fields=["Paper", "Weight"],
        options=["Size"],
        mapping={"product": {"price": "is_new", "weight": "kg"}, "variant": {"sku": "x"}, "category": {"name": "y"}},
    )
    assert len(wrong) == 8


@pytest.mark.parametrize(
    ("column", "field"),
    [
        (a_column("price", "image"), "price"),
        (a_column("images", "string"), "images"),
        (a_column("price", "boolean"), "price"),
        (a_column("preorder_release_date", "numeric"), "preorder_release_date"),
    ],
)
def test_a_column_that_does_not_fit_is_not_taken_by_its_name(column: Column, field: str) -> None:
    assert field not in settled(the_columns(PRODUCT, column), PRODUCT).fields
