"""Pictures: ours as the source says, others' as they are, and no upload that is not needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from sandbox.bigcommerce import images as store_images
from sandbox.stage.stage import SECRET
from tests.playing import Row, Shop, a_catalogue, photo

Open = Callable[..., Shop]
POST, PUT, DELETE = (
    "POST /v3/catalog/products/{id}/images",
    "PUT /v3/catalog/products/{id}/images/{id}",
    "DELETE /v3/catalog/products/{id}/images/{id}",
)


def catalogue(*names: str, descriptions: Any = "", category: Any = (), variant: Any = ()) -> dict[str, Any]:
    """A category, a product and a variant with these pictures."""
    product = {"ID": 301, "ID_catalogue": 1, "name": "Cup", "sku": "CUP", "price": 1, "weight": 1}
    of_variant = {"sku": "CUP-S", "Size": "S", "price": 1, "image": [photo(one) for one in variant]}
    return a_catalogue(
        [{"ID": 1, "ID_PARENT": 0, "name": "Cups", "description": "", "image": [photo(one) for one in category]}],
        [product | {"product_image": [photo(one) for one in names], "image_descriptions": descriptions}],
        [{"ID": 9001, "ID_products": 301, **of_variant}],
    )


def address(name: str) -> str:
    """The URL of a picture."""
    return str(photo(name)[2])


def images(shop: Shop) -> list[Row]:
    """The product's pictures in the order in which shoppers see them."""
    return sorted(shop.products()["CUP"]["images"], key=lambda one: (one["sort_order"], one["id"]))


def shown(shop: Shop) -> list[str]:
    """The names of the product's pictures, in order; the thumbnail bears a star."""
    return [one["image_file"].removesuffix(".jpg") + ("*" if one["is_thumbnail"] else "") for one in images(shop)]


def picture(shop: Shop, name: str) -> Row:
    """The picture of this name."""
    return next(one for one in images(shop) if one["image_file"] == f"{name}.jpg")


@pytest.fixture
def shop(open_playing: Open) -> Shop:
    made = open_playing(catalogue("a", "b", "c"))
    assert made.run() == "completed"
    assert made.writes().count("POST /v3/catalog/products") == 1
    assert POST not in made.writes(), "pictures of a new product go with it"
    assert shown(made) == ["a*", "b", "c"]
    return made


def remove_by_hand(shop: Shop, name: str) -> None:
    """A merchant removes a picture in the store."""
    row = shop.store.images.get(picture(shop, name)["id"])
    assert row is not None
    shop.store.images.remove(row)


def edit(shop: Shop, *names: str, **more: Any) -> None:
    """The product has these pictures at the source now."""
    shop.edit("products", 301, product_image=[photo(one) for one in names], **more)


@pytest.mark.parametrize(
    ("names", "order", "calls"),
    [
        pytest.param(["a", "b", "c", "d"], ["a*", "b", "c", "d"], {POST: 1}, id="one more at the end is one call"),
        pytest.param(["a", "c"], ["a*", "c"], {DELETE: 1}, id="one less is one call"),
        pytest.param(["b", "c"], ["b*", "c"], {PUT: 1, DELETE: 1}, id="the first goes, and the next is the thumbnail"),
        pytest.param(["b", "a", "c"], ["b*", "a", "c"], {PUT: 3}, id="moved without an upload"),
        pytest.param(["c", "b", "a"], ["c*", "b", "a"], {PUT: 3}, id="turned around without an upload"),
        pytest.param(["d", "a", "b", "c"], ["d*", "a", "b", "c"], {POST: 1, PUT: 3}, id="a new one in front"),
        pytest.param([], [], {DELETE: 3}, id="none are left"),
        pytest.param(["a", "b", "c"], ["a*", "b", "c"], {}, id="unchanged"),
    ],
)
def test_pictures_follow_the_source_in_as_few_calls_as_can_be(
    shop: Shop, names: list[str], order: list[str], calls: Mapping[str, int]
) -> None:
    ids = {one["image_file"]: one["id"] for one in images(shop)}
    edit(shop, *names, price=2)
    shop.run()
    assert shown(shop) == order
    made = [one for one in shop.writes() if "/images" in one]
    assert {one: made.count(one) for one in set(made)} == calls
    assert all(ids.get(one["image_file"], one["id"]) == one["id"] for one in images(shop)), "no upload of what is there"
    shop.run(refresh=True)
    assert shop.writes() == []


def test_a_picture_with_another_url_under_its_id_is_replaced(shop: Shop) -> None:
    before = picture(shop, "b")["id"]
    shop.edit("products", 301, product_image=[photo("a"), photo("new", source_id="img-b"), photo("c")])
    shop.run()
    assert shown(shop) == ["a*", "new", "c"]
    assert picture(shop, "new")["id"] != before


def test_a_cell_marked_as_unchanged_keeps_the_pictures_and_an_empty_one_removes_ours(shop: Shop) -> None:
    product = shop.store.products.get(shop.products()["CUP"]["id"])
    assert product is not None
    store_images.add(shop.store, product, {"image_url": address("others"), "sort_order": 9})
    shop.edit("products", 301, product_image=["U"], price=3)
    shop.run()
    assert shown(shop) == ["a*", "b", "c", "others"]
    edit(shop)
    shop.run()
    assert [one.rstrip("*") for one in shown(shop)] == ["others"]


def test_descriptions_are_sent_and_changed_without_an_upload(open_playing: Open) -> None:
    shop = open_playing(catalogue("a", "b", descriptions=["Front", "Back, in blue"]))
    shop.run()
    assert [one["description"] for one in images(shop)] == ["Front", "Back, in blue"]
    shop.edit("products", 301, image_descriptions=["Front", "Back"])
    shop.run()
    assert [one for one in shop.writes() if "/images" in one] == [PUT]
    assert [one["description"] for one in images(shop)] == ["Front", "Back"]
    shop.edit("products", 301, image_descriptions="A cup", product_image=[photo("a"), photo("b"), photo("c")])
    shop.run()
    assert [one["description"] for one in images(shop)] == ["A cup"] * 3
    shop.edit("products", 301, image_descriptions="")
    shop.run()
    assert [one["description"] for one in images(shop)] == [""] * 3
    assert POST not in shop.writes()


LONG = "https://media.test/" + "x" * 300 + ".jpg"


def test_a_picture_that_is_refused_does_not_fail_its_product_its_variant_or_its_category(open_playing: Open) -> None:
    bad = {"refused_images": ["re:/bad"]}
    shop = open_playing(catalogue("a", "bad1", "c", category=["bad2"], variant=["bad3"]), switches=bad)
    shop.edit("products", 301, product_image=[photo("a"), photo("bad1"), photo(LONG, source_id="long"), photo("c")])
    assert shop.run() == "completed"
    assert shown(shop) == ["a*", "c"]
    assert shop.variants()["CUP-S"]["image_url"] == ""
    assert set(shop.categories()) == {"1 Cups"}
    outcome, codes, message = shop.status("product", 301)
    assert (outcome, codes) == ("created", ["image_refused", "image_refused"])
    assert "img-bad1" in message
    assert "has 323 characters, the store takes 255" in message
    for kind, source_id in (("variant", 9001), ("category", 1)):
        assert shop.status(kind, source_id)[:2] == ("created", ["image_refused"])


def test_a_refused_picture_is_tried_again_when_the_source_changes_it_or_by_a_forced_refresh(open_playing: Open) -> None:
    shop = open_playing(
        catalogue("a", "bad1", category=["bad2"], variant=["bad3"]), switches={"refused_images": ["re:/bad"]}
    )
    shop.run()
    # Another change of the items does not try them again, and does not hide that they are lacking.
    shop.edit("products", 301, price=2)
    shop.edit("product_formats", 9001, price=2)
    shop.edit("catalogue", 1, description="All cups")
    assert shop.run() == "completed"
    assert len(shop.writes()) == 3
    for kind, source_id in (("product", 301), ("variant", 9001), ("category", 1)):
        assert shop.status(kind, source_id)[:2] == ("updated", ["image_refused"])
    # Nor does another picture of the product.
    edit(shop, "a", "bad1", "c")
    shop.run()
    assert [one for one in shop.writes() if "/images" in one] == [POST]
    assert shown(shop) == ["a*", "c"]
    assert shop.status("product", 301)[:2] == ("updated", ["image_refused"])
    # A forced refresh does: still refused, then taken.
    shop.run(refresh=True)
    assert shop.status("product", 301)[:2] == ("updated", ["image_refused"])
    assert len(shop.writes()) >= 3
    shop.switch(refused_images=["re:/bad2"])
    shop.run(refresh=True)
    assert shown(shop) == ["a*", "bad1", "c"]
    assert shop.variants()["CUP-S"]["image_url"] == address("bad3")
    assert shop.status("product", 301)[:2] == ("updated", [])
    assert shop.status("variant", 9001)[:2] == ("updated", [])
    # And so does a new URL at the source.
    shop.edit("catalogue", 1, image=[photo("good", source_id="img-bad2")])
    shop.run()
    assert shop.categories()["1 Cups"]["image_url"] == address("good")
    assert shop.status("category", 1)[:2] == ("updated", [])
    shop.run(refresh=True)
    assert shop.writes() == []


def test_a_picture_that_a_refused_one_was_to_replace_stays(shop: Shop) -> None:
    shop.switch(refused_images=["re:/bad"])
    shop.edit("products", 301, product_image=[photo("a"), photo("bad", source_id="img-b"), photo("c")])
    shop.run()
    assert shown(shop) == ["a*", "b", "c"]
    assert shop.status("product", 301)[:2] == ("updated", ["image_refused"])
    edit(shop, "a", "b", "c", price=4)
    shop.run()
    assert shown(shop) == ["a*", "b", "c"]
    assert shop.status("product", 301)[:2] == ("updated", [])
    assert POST not in shop.writes()


def test_a_picture_whose_new_url_is_too_long_stays_as_it_is(open_playing: Open) -> None:
    shop = open_playing(catalogue("a", "b", category=["c"], variant=["v"]))
    shop.run()
    shop.edit("products", 301, product_image=[photo("a"), photo(LONG, source_id="img-b")], price=3)
    shop.edit("catalogue", 1, image=[photo(LONG)])
    shop.edit("product_formats", 9001, image=[photo(LONG)])
    assert shop.run() == "completed"
    assert shown(shop) == ["a*", "b"]
    assert shop.categories()["1 Cups"]["image_url"] == address("c")
    assert shop.variants()["CUP-S"]["image_url"] == address("v")
    for kind, source_id in (("product", 301), ("category", 1), ("variant", 9001)):
        assert shop.status(kind, source_id)[1] == ["image_refused"]
    edit(shop, "a")
    shop.run()
    assert shown(shop) == ["a*"]


@pytest.mark.parametrize("removable", [True, False], ids=["an empty URL removes it", "an empty URL is refused"])
def test_pictures_of_variants_and_categories_follow_the_source(open_playing: Open, removable: bool) -> None:
    shop = open_playing(catalogue(category=["c1"], variant=["v1"]), switches={"blank_image_removes": removable})
    shop.run()
    assert shop.categories()["1 Cups"]["image_url"] == address("c1")
    assert shop.variants()["CUP-S"]["image_url"] == address("v1")
    shop.edit("catalogue", 1, image=[photo("c2")])
    shop.edit("product_formats", 9001, image=[photo("v2")])
    shop.run()
    assert len(shop.writes()) == 2
    assert shop.categories()["1 Cups"]["image_url"] == address("c2")
    assert shop.variants()["CUP-S"]["image_url"] == address("v2")
    shop.edit("catalogue", 1, image=[])
    shop.edit("product_formats", 9001, image=[], price=7)
    assert shop.run() == "completed"
    assert shop.categories()["1 Cups"]["image_url"] == ""
    variant = shop.variants()["CUP-S"]
    assert variant["price"] == 7
    assert variant["image_url"] == ("" if removable else address("v2"))
    assert shop.status("variant", 9001)[:2] == ("updated", [] if removable else ["image_refused"])
    shop.run(refresh=True)
    assert shop.writes() == []


def test_a_refused_picture_does_not_fail_the_update_of_a_category_beside_others(open_playing: Open) -> None:
    rows = [
        {"ID": n, "ID_PARENT": 0, "name": f"Cups {n}", "description": "Old", "image": [photo(f"c{n}")]}
        for n in (1, 2, 3)
    ]
    product = {"ID": 301, "ID_catalogue": [1, 2, 3], "name": "Cup", "sku": "CUP", "price": 1, "weight": 1}
    shop = open_playing(a_catalogue(rows, [product]))
    shop.run()
    shop.switch(refused_images=["re:/bad"])
    for n in (1, 2, 3):
        shop.edit("catalogue", n, description="New", image=[photo("bad" if n == 2 else f"d{n}")])
    assert shop.run() == "completed"
    held = shop.categories()
    assert {row["description"] for row in held.values()} == {"New"}
    assert [held[f"1 Cups {n}"]["image_url"] for n in (1, 2, 3)] == [address("d1"), address("c2"), address("d3")]
    assert shop.status("category", 2)[:2] == ("updated", ["image_refused"])
    assert shop.status("category", 3)[:2] == ("updated", [])


def test_a_variant_that_is_added_goes_without_a_refused_picture(shop: Shop) -> None:
    shop.switch(refused_images=["re:/bad"])
    row = {"ID": 9002, "ID_products": 301, "sku": "CUP-M", "Size": "M", "image": [photo("bad")]}
    shop.stage.sources.add(shop.cast.code, "product_formats", row)
    assert shop.run() == "completed"
    assert shop.variants()["CUP-M"]["image_url"] == ""
    assert shop.status("variant", 9002)[:2] == ("created", ["image_refused"])


def test_a_picture_that_was_removed_in_the_store_stays_removed_until_a_forced_refresh(shop: Shop) -> None:
    remove_by_hand(shop, "b")
    shop.edit("products", 301, price=5)
    shop.run()
    assert shown(shop) == ["a*", "c"], "an edit in the store is left, like other edits there"
    shop.run(refresh=True)
    assert shown(shop) == ["a*", "b", "c"]
    assert "parts_restored" in [code for code, _ in shop.messages()]
    shop.run(refresh=True)
    assert shop.writes() == []


def test_a_removed_picture_that_the_source_moves_is_made_again(shop: Shop) -> None:
    remove_by_hand(shop, "b")
    edit(shop, "a", "c", "b")
    assert shop.run() == "completed"
    assert shown(shop) == ["a*", "c", "b"]


def test_pictures_that_are_mapped_no_more_are_left_in_the_store(open_playing: Open) -> None:
    told = catalogue("a", "b", category=["c"], variant=["v"])
    shop = open_playing(told)
    shop.run()
    for table, name in (("catalogue", "image"), ("products", "product_image"), ("product_formats", "image")):
        place = [next(iter(one)) if isinstance(one, dict) else one for one in told["data_schema"][table]].index(name)
        told["data_schema"][table].pop(place)
        told["data_schema_info"][table].pop(name)
        for row in told["data"][table]:
            row.pop(place)
    told["data"]["products"][0][-3] = "2"
    shop.stage.sources.put_connector(shop.cast.code, secret=SECRET, catalogue=told)
    assert shop.run(refresh=True) == "completed"
    assert shown(shop) == ["a*", "b"]
    assert shop.categories()["1 Cups"]["image_url"] == address("c")
    assert shop.variants()["CUP-S"]["image_url"] == address("v")
    assert not any("image" in one for one in shop.writes())


def test_what_a_follow_up_says_stands_beside_what_the_product_goes_without(open_playing: Open) -> None:
    told = catalogue("bad")
    told["data"]["product_formats"][0][4] = "Red#FF0000"
    shop = open_playing(told, switches={"refused_images": ["re:/bad"]})
    shop.stage.wrap = RefusesOptions
    shop.run()
    outcome, codes, message = shop.status("product", 301)
    assert (outcome, sorted(codes)) == ("created", ["image_refused", "option_refused"])
    assert "img-bad" in message


class RefusesOptions(httpx.BaseTransport):
    """A store that refuses every display of an option."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT" and "/options/" in request.url.path:
            return httpx.Response(422, json={"status": 422, "title": "No", "errors": {}}, request=request)
        return self._inner.handle_request(request)
