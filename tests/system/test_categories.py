"""Categories: a tree for each storefront, parents first, and what hangs on a category that cannot be sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.playing import Row, Shop, a_catalogue

Open = Callable[..., Shop]


def category(source_id: int, parent: int, name: str, **more: Any) -> Row:
    """A category of the source."""
    return {"ID": source_id, "ID_PARENT": parent, "name": name, "is_visible": "", "description": "", **more}


def product(source_id: int, *categories: int) -> Row:
    """A product that stands in these categories."""
    fields = {"name": f"Product {source_id}", "sku": f"P{source_id}", "price": 1, "weight": 1}
    return {"ID": source_id, "ID_catalogue": list(categories), **fields}


def in_each(categories: Sequence[Row]) -> list[Row]:
    """One product for each category, with its id plus 300: the source exports no empty category."""
    return [product(300 + row["ID"], row["ID"]) for row in categories]


MEN_AND_MORE = [
    category(1, 0, "Root"),
    category(2, 1, "Men"),
    category(3, 1, "Women"),
    category(4, 2, "Shirts"),
    category(5, 3, "Shirts"),
]


def stands_in(shop: Shop, sku: str) -> set[str]:
    """The paths of the categories in which a product stands."""
    paths = {row["category_id"]: path for path, row in shop.categories().items()}
    return {paths[one] for one in shop.products()[sku]["categories"]}


def test_parents_come_first_level_by_level_in_as_few_calls_as_can_be(open_playing: Open) -> None:
    wide = [category(1, 0, "Root"), *(category(n, 1, f"Branch {n}") for n in range(2, 14))]
    wide += [category(n + 20, n, "Leaf") for n in range(2, 14)]
    shop = open_playing(a_catalogue(wide, [product(301, *(row["ID"] for row in wide))]))
    assert shop.run() == "completed"
    expected = {"1 Root", *(f"1 Root/Branch {n}" for n in range(2, 14))}
    assert set(shop.categories()) == expected | {f"1 Root/Branch {n}/Leaf" for n in range(2, 14)}
    # Ten a call where no URL is told: 1, 12 and 12 of them.
    assert shop.writes().count("POST /v3/catalog/trees/categories") == 5


def test_each_storefront_has_its_own_tree_with_its_own_outcomes(open_playing: Open) -> None:
    links = [{"storefront": 1, "root": 2}, {"storefront": 2, "root": 3}]
    shop = open_playing(a_catalogue(MEN_AND_MORE, in_each(MEN_AND_MORE)), profile={"storefronts": links}, storefronts=2)
    shop.run()
    assert set(shop.categories()) == {"1 Men", "1 Men/Shirts", "2 Women", "2 Women/Shirts"}
    links = [{"storefront": 1}, {"storefront": 2, "root": 2}]
    both = open_playing(a_catalogue(MEN_AND_MORE, in_each(MEN_AND_MORE)), profile={"storefronts": links}, storefronts=2)
    both.run()
    assert {"1 Root/Men/Shirts", "2 Men/Shirts"} <= set(both.categories())
    assert stands_in(both, "P304") == {"1 Root/Men/Shirts", "2 Men/Shirts"}
    assert [both.status("category", 4, storefront)[0] for storefront in (1, 2)] == ["created", "created"]
    both.edit("catalogue", 4, name="Blouses")
    both.run()
    assert {"1 Root/Men/Blouses", "2 Men/Blouses"} <= set(both.categories())


def test_a_category_moves_with_all_that_is_below_it(open_playing: Open) -> None:
    shop = open_playing(a_catalogue(MEN_AND_MORE, in_each(MEN_AND_MORE)))
    shop.run()
    before = shop.categories()
    shop.edit("catalogue", 2, ID_PARENT=3, name="For men")
    assert shop.run() == "completed"
    after = shop.categories()
    assert set(after) == {"1 Root", "1 Root/Women", "1 Root/Women/Shirts", "1 Root/Women/For men",
                          "1 Root/Women/For men/Shirts"}  # fmt: skip
    assert after["1 Root/Women/For men/Shirts"]["category_id"] == before["1 Root/Men/Shirts"]["category_id"]
    assert shop.writes() == ["PUT /v3/catalog/trees/categories"]
    shop.edit("catalogue", 2, ID_PARENT=0)
    shop.run()
    assert "1 For men/Shirts" in shop.categories()
    shop.run(refresh=True)
    assert shop.writes() == []


@pytest.mark.parametrize("no", ["no", "False", "0", 0, False])
def test_a_category_is_hidden_and_shown_as_the_source_says(open_playing: Open, no: Any) -> None:
    shop = open_playing(a_catalogue([category(1, 0, "Root", is_visible=no)], [product(301, 1)]))
    shop.run()
    assert shop.categories()["1 Root"]["is_visible"] is False
    shop.edit("catalogue", 1, is_visible="Sí")
    shop.run()
    assert shop.categories()["1 Root"]["is_visible"] is True
    assert shop.status("category", 1)[0] == "updated"
    shop.edit("catalogue", 1, is_visible=no)
    shop.run()
    assert shop.status("category", 1)[0] == "disabled"
    assert shop.categories()["1 Root"]["is_visible"] is False


def test_the_store_takes_eight_levels_and_a_name_of_50_characters(open_playing: Open) -> None:
    deep = [category(n, n - 1, f"Level {n}") for n in range(1, 11)]
    deep += [category(20, 1, "x" * 50), category(21, 1, "x" * 51)]
    shop = open_playing(a_catalogue(deep, [*in_each(deep), product(400, 8, 9)]))
    assert shop.run() == "completed_with_errors"
    assert max(path.count("/") for path in shop.categories()) == 7
    assert f"1 Level 1/{'x' * 50}" in shop.categories()
    assert shop.status("category", 9)[:2] == ("rejected", ["category_too_deep"])
    assert shop.status("category", 10)[:2] == ("rejected", ["category_too_deep"])
    assert shop.status("category", 21)[:2] == ("rejected", ["value_too_long"])
    assert {path.rpartition("/")[2] for path in stands_in(shop, "P400")} == {"Level 8"}
    assert shop.status("product", 400)[:2] == ("created", ["category_missing"])
    assert shop.status("product", 309)[:2] == ("blocked", ["category_missing"])
    # Moved up, it is sent, and its products with it.
    shop.edit("catalogue", 9, ID_PARENT=1)
    assert shop.run() == "completed_with_errors"
    assert {path.rpartition("/")[2] for path in stands_in(shop, "P400")} == {"Level 8", "Level 9"}
    assert "P309" in shop.products()
    assert "1 Level 1/Level 9/Level 10" in shop.categories()


def test_all_that_is_wrong_with_a_category_is_said_at_once(open_playing: Open) -> None:
    deep = [category(n, n - 1, f"Level {n}" if n < 9 else "x" * 51) for n in range(1, 10)]
    shop = open_playing(a_catalogue(deep, in_each(deep)))
    shop.edit("catalogue", 9, description="x" * 70_000, is_visible="perhaps")
    shop.run()
    outcome, codes, _ = shop.status("category", 9)
    assert outcome == "rejected"
    assert sorted(codes) == ["category_too_deep", "unreadable_value", "value_too_long", "value_too_long"]


def test_a_category_that_cannot_be_sent_blocks_its_children_by_name_and_all_heals(open_playing: Open) -> None:
    shop = open_playing(a_catalogue(MEN_AND_MORE, [*in_each(MEN_AND_MORE), product(400, 1, 4)]))
    shop.edit("catalogue", 2, name="")
    assert shop.run() == "completed_with_errors"
    assert set(shop.categories()) == {"1 Root", "1 Root/Women", "1 Root/Women/Shirts"}
    outcome, codes, message = shop.status("category", 4)
    assert (outcome, codes) == ("blocked", ["parent_refused"])
    assert "category 2" in message
    assert stands_in(shop, "P400") == {"1 Root"}
    assert shop.status("product", 400)[:2] == ("created", ["category_missing"])
    assert shop.status("product", 304)[:2] == ("blocked", ["category_missing"])
    shop.edit("catalogue", 2, name="Men")
    assert shop.run() == "completed"
    assert stands_in(shop, "P400") == {"1 Root", "1 Root/Men/Shirts"}
    assert stands_in(shop, "P304") == {"1 Root/Men/Shirts"}


def test_a_store_takes_16_000_categories(open_playing: Open) -> None:
    shop = open_playing(a_catalogue(MEN_AND_MORE, in_each(MEN_AND_MORE)))
    tree = shop.store.trees.get(1)
    assert tree is not None
    for n in range(15_997):
        shop.store.categories.add({**_bare(n), "tree_id": 1, "parent_id": 0})
    shop.store.journal.keep()
    assert shop.run() == "completed_with_errors"
    assert {path for path in shop.categories() if "Others" not in path} == {"1 Root", "1 Root/Men", "1 Root/Women"}
    assert shop.status("category", 4)[:2] == ("rejected", ["too_many_categories"])
    assert shop.writes().count("POST /v3/catalog/trees/categories") == 2


def _bare(number: int) -> Row:
    return {"name": f"Others {number}", "url": {"path": f"/others-{number}/"}, "is_visible": True, "description": ""}
