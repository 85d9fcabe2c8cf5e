"""Every plain field reaches the store as the source says: at creation, after an edit, and never without a change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from models.vocabulary import ItemKind
from tests.playing import Shop, a_catalogue
from worker.catalog.fields import FIELDS, Type

Open = Callable[..., Shop]


@dataclass(frozen=True, slots=True)
class Told:
    """What the source says of a field, twice, and what the store is to hold then."""

    field: str
    first: Any
    held_first: Any
    then: Any
    held_then: Any
    store: str = ""

    @property
    def place(self) -> str:
        """The field's key in the store."""
        return self.store or self.field


def url(path: str) -> dict[str, Any]:
    """A product's address as the store shows it."""
    return {"url": path, "is_customized": True}


def same(field: str, first: Any, then: Any) -> Told:
    """A field that the store holds as the source writes it."""
    return Told(field, first, first, then, then)


SEO = [
    same("page_title", "A title", "Another title"),
    Told("meta_keywords", "cup, blue", ["cup", "blue"], ["mug", "a, b"], ["mug", "a, b"]),
    same("meta_description", "Said to engines", "Said otherwise"),
    same("search_keywords", "cup,blue", "mug,red"),
]
SIZES = [Told(name, "1.2345", 1.2345, 7, 7) for name in ("width", "height", "depth")]
CODES = [
    same("upc", "12345678901234", "4006381333931"),
    same("gtin", "09876543210987", "1"),
    same("mpn", "M-1", "M-2"),
    same("bin_picking_number", "A-12", "B-3"),
]
SHIPPING = [Told("is_free_shipping", "Yes", True, "No", False), Told("fixed_cost_shipping_price", "4.9", 4.9, "0", 0)]
PRICES = [
    Told("price", "10.99999", 11, "10.99994", 10.9999),  # the store keeps four decimals
    Told("cost_price", "5,5", 5.5, "6", 6),
    Told("retail_price", 20, 20, "21.5", 21.5),
    Told("map_price", "9.5", 9.5, "9.75", 9.75),
    Told("sale_price", "8.25", 8.25, "0", 0),  # 0 removes it
]

CATEGORY = [
    same("name", "Cups", "Mugs"),
    same("description", "<p>All cups</p>", "<p>All mugs</p>"),
    Told("is_visible", "si", True, "FALSE", False),
    Told("sort_order", "3", 3, -2, -2),
    *SEO,
    Told(
        "url",
        "all/cups",
        {"path": "/all/cups/", "is_customized": True},
        "/all/mugs/",
        {"path": "/all/mugs/", "is_customized": True},
    ),
    Told("default_product_sort", "Price_Asc", "price_asc", "newest", "newest"),
    same("layout_file", "cups.html", "mugs.html"),
]
PRODUCT = [
    same("name", "Blue cup", "Red mug"),
    same("sku", "CUP-1", "MUG-1"),
    *PRICES,
    Told("weight", "0", 0, "1.5", 1.5),
    same("description", "<p>Blue</p>", "<p>Red</p>"),
    Told("is_visible", "yes", True, "0", False),
    *SIZES,
    *CODES,
    *SHIPPING,
    *SEO,
    Told("url", "cups/blue", url("/cups/blue/"), "mugs/red", url("/mugs/red/"), "custom_url"),
    Told("brand", "Acme", "Acme", "Bodega Ñ", "Bodega Ñ"),
    Told("type", "Physical", "physical", "DIGITAL", "digital"),
    Told("tax_class_id", "1", 1, 2, 2),
    same("product_tax_code", "TC-1", "TC-2"),
    Told("availability", "disabled", "disabled", "PreOrder", "preorder"),
    same("availability_description", "In two weeks", "In three weeks"),
    Told("is_price_hidden", True, True, "no", False),
    Told("price_hidden_label", "Ask us", "Ask us", "", ""),  # none of what can be bought
    Told(
        "preorder_release_date",
        "2027-01-15 08:00:00",
        "2027-01-15T08:00:00+00:00",
        "2027-02-01",
        "2027-02-01T00:00:00+00:00",
    ),
    same("preorder_message", "Soon", "Very soon"),
    Told("is_preorder_only", 1, True, 0, False),
    Told("gift_wrapping_options_type", "List", "list", "LIST", "list"),
    Told("gift_wrapping_options_list", "3,4", [3, 4], "5", [5]),
    Told("condition", "used", "Used", "REFURBISHED", "Refurbished"),
    Told("is_condition_shown", "true", True, "false", False),
    Told("is_featured", "sí", True, "no", False),
    Told("sort_order", 5, 5, "-1", -1),
    Told("order_quantity_minimum", "2", 2, 1, 1),
    Told("order_quantity_maximum", "2.0", 2, "9", 9),
    same("warranty", "Two years", "Three years"),
    Told("open_graph_type", "Food", "food", "tv_show", "tv_show"),
    same("open_graph_title", "Shared cup", "Shared mug"),
    same("open_graph_description", "Look, a cup", "Look, a mug"),
    *(
        Told(f"open_graph_use_{name}", "no", False, "yes", True)
        for name in ("product_name", "meta_description", "image")
    ),
    same("layout_file", "cup.html", "mug.html"),
]
VARIANT = [
    same("sku", "CUP-1-S", "MUG-1-S"),
    *PRICES,
    Told("weight", "0.25", 0.25, "0.5", 0.5),
    *SIZES,
    *CODES,
    *SHIPPING,
    Told("enabled", "no", True, "Yes", False, "purchasing_disabled"),
    same("purchasing_disabled_message", "Not yet", "Ask us"),
]
ALL = {"category": CATEGORY, "product": PRODUCT, "variant": VARIANT}
TABLES = {"category": ("catalogue", 1), "product": ("products", 301), "variant": ("product_formats", 9001)}

APART = {
    "inventory_level", "inventory_warning_level", "inventory_tracking", "images", "image_descriptions", "storefronts",
    "videos", "related_products",
}  # fmt: skip
"""Fields that have tests of their own."""


def test_the_tables_here_hold_every_plain_field() -> None:
    for kind in ItemKind:
        plain = {name for name, field in FIELDS[kind].items() if field.type is not Type.IMAGES} - APART
        assert plain <= {one.field for one in ALL[kind]}, f"{kind}: add a line"


def a_full_catalogue() -> dict[str, Any]:
    """One category, product and variant, with all fields under their own names."""
    first = {kind: {one.field: one.first for one in told} for kind, told in ALL.items()}
    return a_catalogue(
        [{"ID": 1, "ID_PARENT": 0, **first["category"]}],
        [{"ID": 301, "ID_catalogue": 1, **first["product"]}],
        [{"ID": 9001, "ID_products": 301, **first["variant"], "Size": "S"}],
    )


def holds(shop: Shop, kind: str, place: str) -> Any:
    """What the store holds in this place of the only item of the kind."""
    snapshot = shop.snapshot()
    (product,) = snapshot["products"]
    if place == "brand":
        return {row["id"]: row["name"] for row in snapshot["brands"]}[product["brand_id"]]
    (category,) = snapshot["categories"]
    return {"category": category, "product": product, "variant": product["variants"][0]}[kind][place]


def differences(shop: Shop, *, then: bool) -> list[tuple[str, str, Any, Any]]:
    """(kind, field, wanted, held) of each field that the store holds otherwise."""
    found = []
    for kind, told in ALL.items():
        for one in told:
            wanted = one.held_then if then else one.held_first
            held = holds(shop, kind, one.place)
            if held != wanted:
                found.append((kind, one.field, wanted, held))
    return found


def edit_all(shop: Shop) -> None:
    """Every field of every item changes at the source."""
    for kind, told in ALL.items():
        shop.edit(*TABLES[kind], **{one.field: one.then for one in told})


def test_every_field_reaches_the_store_and_follows_the_source(open_playing: Open) -> None:
    shop = open_playing(a_full_catalogue())
    assert shop.run() == "completed"
    assert differences(shop, then=False) == []
    assert not any(entry.unknown_fields for entry in shop.store.log.entries), "the store knows every field that it got"

    assert shop.run(refresh=True) == "completed"
    assert shop.writes() == []

    edit_all(shop)
    assert shop.run() == "completed"
    assert differences(shop, then=True) == []
    assert not any(entry.unknown_fields for entry in shop.store.log.entries)
    # One call a kind: all that changed of an item goes at once.
    assert len(shop.writes()) == 3

    assert shop.run(refresh=True) == "completed"
    assert shop.writes() == []


def test_a_changed_url_of_a_product_leaves_a_redirect(open_playing: Open) -> None:
    shop = open_playing(a_full_catalogue())
    shop.run()
    assert shop.snapshot()["redirects"] == {}
    shop.edit("products", 301, url="cups/very-blue")
    shop.run()
    (product,) = shop.snapshot()["products"]
    assert product["custom_url"]["url"] == "/cups/very-blue/"
    assert shop.snapshot()["redirects"] == {"/cups/blue/": product["id"]}


def test_a_brand_is_found_by_name_or_named_by_its_number_without_a_call_of_its_own(open_playing: Open) -> None:
    products = [
        {"ID": 300 + n, "ID_catalogue": 1, "name": f"Cup {n}", "sku": f"C{n}", "price": 1, "weight": 1, "brand": brand}
        for n, brand in enumerate(["Acme", "ACME", "35"])
    ]
    shop = open_playing(a_catalogue([{"ID": 1, "ID_PARENT": 0, "name": "Cups"}], products))
    shop.store.brands.add({"name": "Given", "page_title": ""})
    shop.run()
    named = {row["id"]: row["name"] for row in shop.snapshot()["brands"]}
    brands = {sku: named[row["brand_id"]] for sku, row in shop.products().items()}
    assert brands == {"C0": "Acme", "C1": "Acme", "C2": "Given"}
    assert set(shop.writes()) == {
        "POST /v3/catalog/trees/categories",
        "POST /v3/catalog/products",
        "PUT /v3/catalog/products/channel-assignments",
    }


def test_an_empty_sale_price_is_left_alone_and_a_zero_removes_it(open_playing: Open) -> None:
    shop = open_playing(a_full_catalogue())
    shop.run()
    shop.edit("products", 301, sale_price="", price="12")
    shop.edit("product_formats", 9001, sale_price=None, price="12")
    shop.run()
    assert [holds(shop, kind, "price") for kind in ("product", "variant")] == [12, 12]
    assert [holds(shop, kind, "sale_price") for kind in ("product", "variant")] == [8.25, 8.25]
    shop.edit("products", 301, sale_price="0")
    shop.edit("product_formats", 9001, sale_price=0)
    shop.run()
    assert [holds(shop, kind, "sale_price") for kind in ("product", "variant")] == [0, 0]


def test_a_value_beyond_the_limits_costs_its_field_and_the_store_keeps_what_it_has(open_playing: Open) -> None:
    shop = open_playing(a_full_catalogue())
    shop.run()
    shop.edit("products", 301, warranty="x" * 65_536, upc="123456789012345", cost_price="-1", url="чашка", price="30")
    shop.edit("product_formats", 9001, gtin="1" * 15)
    shop.edit("catalogue", 1, search_keywords="x" * 256, description="<p>New</p>")
    assert shop.run() == "completed"
    assert holds(shop, "product", "price") == 30
    assert holds(shop, "product", "warranty") == "Two years"
    assert holds(shop, "product", "upc") == "12345678901234"
    assert holds(shop, "product", "cost_price") == 5.5
    assert holds(shop, "product", "custom_url") == url("/cups/blue/")
    assert holds(shop, "variant", "gtin") == "09876543210987"
    assert holds(shop, "category", "description") == "<p>New</p>"
    outcome, codes, message = shop.status("product", 301)
    assert outcome == "updated"
    assert sorted(codes) == ["url_unusable", "value_negative", "value_too_long", "value_too_long"]
    assert "warranty has 65536 characters" in message
    assert shop.status("variant", 9001)[:2] == ("updated", ["value_too_long"])
    assert shop.status("category", 1)[:2] == ("updated", ["value_too_long"])
    # It is said as long as it is so, without a call; and no more when it is mended.
    assert shop.run(refresh=True) == "completed"
    assert shop.writes() == []
    outcome, codes, _ = shop.status("product", 301)
    assert (outcome, len(codes)) == ("unchanged", 4)
    shop.edit("products", 301, warranty="A year", upc="1", cost_price="1", url="cups/blue")
    shop.run()
    assert shop.status("product", 301) == ("updated", [], "")
    assert holds(shop, "product", "warranty") == "A year"


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        pytest.param("is_featured", "perhaps", "unreadable_value", id="a flag in no known spelling"),
        pytest.param("condition", "mint", "unreadable_value", id="no such choice"),
        pytest.param("gift_wrapping_options_list", "3, blue", "unreadable_value", id="ids that are none"),
        pytest.param("preorder_release_date", "soon", "unreadable_value", id="no date"),
        pytest.param("availability", "available", "needs_availability", id="a price hidden of what can be bought"),
        pytest.param("order_quantity_minimum", "3", "quantities_differ", id="the least above the most"),
        pytest.param("gift_wrapping_options_type", "any", "gift_wrapping_differs", id="ids without the type list"),
    ],
)
def test_a_value_that_makes_no_sense_is_told_and_the_product_is_created_without_it(
    open_playing: Open, column: str, value: str, code: str
) -> None:
    shop = open_playing(a_full_catalogue())
    shop.edit("products", 301, **{column: value})
    assert shop.run() == "completed"
    outcome, codes, _ = shop.status("product", 301)
    assert outcome == "created"
    assert code in codes


def test_all_that_is_wrong_with_an_item_is_said_at_once(open_playing: Open) -> None:
    extras = {f"extra_{n}": "x" for n in range(201)}
    bad = {
        "ID": 301, "ID_catalogue": 1, "REF": "C", "name": "x" * 251, "price": "", "weight": "", "cost_price": "-1",
        "is_visible": "perhaps", "warranty": "x" * 65_536, "product_image": [photo_beyond()],
    }  # fmt: skip
    shop = open_playing(
        a_catalogue(
            [{"ID": 1, "ID_PARENT": 0, "name": "x" * 51, "sort_order": "first", "description": "x" * 65_536}],
            [bad | extras],
            [{"ID": 9001, "ID_products": 301, "sku": "", "price": "cheap", "Size": "x" * 256}],
        )
    )
    assert shop.run() == "completed_with_errors"
    outcome, codes, message = shop.status("product", 301)
    assert outcome == "rejected"
    assert sorted(codes) == [
        "image_refused", "no_valid_price", "no_valid_weight", "too_many_custom_fields", "unreadable_value",
        "value_negative", "value_too_long", "value_too_long",
    ]  # fmt: skip
    assert all(part in message for part in ("name has 251", "cost_price is -1", "201 custom fields", "'perhaps'"))
    assert sorted(shop.status("variant", 9001)[1]) == ["no_sku", "unreadable_value", "value_too_long"]
    assert sorted(shop.status("category", 1)[1]) == ["unreadable_value", "value_too_long", "value_too_long"]
    assert shop.writes() == []


def photo_beyond() -> list[str]:
    """A picture whose URL is too long."""
    return ["M", "img-1", "https://media.test/" + "x" * 300]


def test_a_url_that_is_taken_does_not_fail_its_product_or_its_category(open_playing: Open) -> None:
    products = [
        {"ID": n, "ID_catalogue": 1, "name": f"Cup {n}", "sku": f"C{n}", "price": 1, "weight": 1, "url": "cups/one"}
        for n in (301, 302)
    ]
    shop = open_playing(a_catalogue([{"ID": 1, "ID_PARENT": 0, "name": "Cups", "url": "cups"}], products))
    assert shop.run() == "completed"
    held = [row["custom_url"]["url"] for row in shop.products().values()]
    assert "/cups/one/" in held
    assert len(set(held)) == 2
    codes = [shop.status("product", one)[1] for one in (301, 302)]
    assert sorted(codes) == [[], ["url_refused"]]
    shop.run(refresh=True)
    assert shop.writes() == []
    shop.edit("catalogue", 1, url="cups/one")
    assert shop.run() == "completed"
    assert shop.categories()["1 Cups"]["url"]["path"] == "/cups/"
    assert shop.status("category", 1)[:2] == ("updated", ["url_refused"])
