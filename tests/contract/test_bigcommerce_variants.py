"""Variants, options and pictures of the simulated store."""

from typing import Any

import httpx
import pytest

from sandbox.bigcommerce.core import Sandbox
from sandbox.bigcommerce.transport import SandboxTransport

VARIANTS = "/v3/catalog/variants"


class Shop:
    """A store with one product in two sizes, and short ways to it."""

    def __init__(self, **switches: Any) -> None:
        self.sandbox = Sandbox(quota=100_000)
        self.sandbox.open("abc", "t", switches=switches)
        self.client = httpx.Client(
            transport=SandboxTransport(self.sandbox),
            base_url="https://api.bigcommerce.com/stores/abc",
            headers={"X-Auth-Token": "t"},
        )
        self.plain = self._created({"name": "Plain", "sku": "PLAIN"})
        sizes = [{"sku": s, "option_values": [{"option_display_name": "Size", "label": s}]} for s in ("S", "M")]
        self.product = self._created({"name": "Shirt", "sku": "SHIRT", "variants": sizes})
        self.small, self.medium = self.product["variants"]
        self.option_id = self.small["option_values"][0]["option_id"]
        self.url = f"/v3/catalog/products/{self.product['id']}"
        self.option = f"{self.url}/options/{self.option_id}"

    def _created(self, fields: dict[str, Any]) -> dict[str, Any]:
        answer = self.client.post("/v3/catalog/products", json={"type": "physical", "weight": 1, "price": 9, **fields})
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def held(self) -> dict[str, Any]:
        """The product as the store holds it."""
        product: dict[str, Any] = self.sandbox.snapshot("abc")["products"][1]
        return product

    def a_value(self, label: str) -> dict[str, Any]:
        """A new value of the option, as a variant names it."""
        answer = self.client.post(f"{self.option}/values", json={"label": label, "sort_order": 9})
        assert answer.status_code == 200, answer.text
        return {"option_id": self.option_id, "id": answer.json()["data"]["id"]}


def refusal(answer: httpx.Response) -> tuple[int, str, int | None]:
    body = answer.json()
    return answer.status_code, body["title"], body.get("code")


def test_a_variant_is_created_with_a_value_of_every_option() -> None:
    shop = Shop()
    value = shop.a_value("L")
    answer = shop.client.post(f"{shop.url}/variants", json={"sku": "L", "option_values": [value], "price": 12})
    assert answer.status_code == 200
    assert answer.json()["data"]["calculated_price"] == 12
    assert [variant["sku"] for variant in shop.held()["variants"]] == ["S", "M", "L"]


def test_a_variant_that_clashes_is_refused_with_its_code() -> None:
    shop = Shop()
    url, large = f"{shop.url}/variants", shop.a_value("L")
    foreign = {"option_id": large["option_id"], "id": 1}
    for body, expected in (
        ({"sku": "shirt", "option_values": [large]}, (409, "Sku shirt is not unique", 22003)),
        ({"sku": "", "option_values": [large]}, (422, "Variant sku cannot be empty", 22004)),
        ({"sku": "L", "option_values": []}, (422, "Invalid field(s): option_values", None)),
        ({"sku": "L", "option_values": [foreign]}, (422, "Invalid field(s): option_values", None)),
        (
            {"sku": "L", "option_values": [{k: shop.small["option_values"][0][k] for k in ("id", "option_id")}]},
            (409, "Variant with the same option values set exists", 22010),
        ),
    ):
        assert refusal(shop.client.post(url, json=body)) == expected


def test_option_values_of_an_existing_variant_stay_as_they_are() -> None:
    shop = Shop()
    body = {"option_values": [shop.a_value("L")], "price": 3}
    shop.client.put(f"{shop.url}/variants/{shop.small['id']}", json=body)
    small = shop.held()["variants"][0]
    assert (small["price"], small["option_values"][0]["label"]) == (3, "S")


def test_the_base_variant_is_the_product_under_another_id() -> None:
    shop = Shop()
    base = shop.plain["base_variant_id"]
    body = [{"id": base, "sku": "PLAIN-2", "price": 4}]
    assert shop.client.put(VARIANTS, json=body).status_code == 200
    plain = shop.sandbox.snapshot("abc")["products"][0]
    assert (plain["sku"], plain["price"], plain["variants"][0]["sku"]) == ("PLAIN-2", 4, "PLAIN-2")


def test_a_batch_of_variants_updates_and_creates() -> None:
    shop = Shop()
    body = [
        {"id": shop.small["id"], "price": 5},
        {"product_id": shop.product["id"], "sku": "L", "option_values": [shop.a_value("L")]},
    ]
    answer = shop.client.put(VARIANTS, json=body)
    assert answer.status_code == 200
    assert [row["sku"] for row in answer.json()["data"]] == ["S", "L"]


@pytest.mark.parametrize(("indexed", "field"), [(False, "sku"), (True, "1.sku")])
def test_a_refused_batch_changes_nothing(indexed: bool, field: str) -> None:
    shop = Shop(indexed_batch_errors=indexed)
    before = shop.sandbox.snapshot("abc")
    answer = shop.client.put(
        VARIANTS, json=[{"id": shop.small["id"], "price": 5}, {"id": shop.medium["id"], "sku": "s"}]
    )
    assert answer.status_code == 422
    assert [list(error["errors"]) for error in answer.json()["batch_errors"]] == [[field]]
    assert shop.sandbox.snapshot("abc") == before


def test_a_batch_knows_no_null_and_no_more_than_fifty() -> None:
    shop = Shop()
    assert shop.client.put(VARIANTS, json=[{"id": shop.small["id"], "price": None}]).status_code == 422
    assert shop.client.put(f"{shop.url}/variants/{shop.small['id']}", json={"price": None}).status_code == 200
    answer = shop.client.put(VARIANTS, json=[{"id": shop.small["id"]}] * 51)
    assert answer.status_code == 413


def test_an_option_becomes_a_swatch_when_every_value_has_its_colors() -> None:
    shop = Shop()
    first, second = (variant["option_values"][0]["id"] for variant in (shop.small, shop.medium))
    half = {"type": "swatch", "option_values": [{"id": first, "value_data": {"colors": ["#FF0000"]}}]}
    assert shop.client.put(shop.option, json=half).status_code == 422
    assert shop.held()["options"][0]["type"] == "rectangles"
    for data, status in (
        ({"colors": ["red"]}, 422),
        ({"colors": ["#00FF00"] * 4}, 422),
        ({"colors": ["#00ff00"]}, 200),
    ):
        whole = {**half, "option_values": [*half["option_values"], {"id": second, "value_data": data}]}
        assert shop.client.put(shop.option, json=whole).status_code == status
    assert shop.held()["variants"][1]["option_values"][0]["value_data"] == {"colors": ["#00ff00"]}
    assert shop.client.put(f"{shop.option}/values/{first}", json={"is_default": True}).status_code == 422


@pytest.mark.parametrize(("removed", "labels"), [(True, ["S", "XL", "M"]), (False, ["S", "XL", "M", "L"])])
def test_values_left_out_of_an_option_are_removed_only_when_unused(removed: bool, labels: list[str]) -> None:
    shop = Shop(omitted_values_removed=removed)
    shop.a_value("L")
    listed = [{"id": shop.small["option_values"][0]["id"]}, {"id": shop.a_value("XL")["id"], "sort_order": 0}]
    assert shop.client.put(shop.option, json={"option_values": listed}).status_code == 200
    assert [value["label"] for value in shop.held()["options"][0]["option_values"]] == labels


def test_a_renamed_value_keeps_its_variants() -> None:
    shop = Shop()
    value = shop.small["option_values"][0]["id"]
    assert shop.client.put(f"{shop.option}/values/{value}", json={"label": "M"}).status_code == 422
    assert shop.client.put(f"{shop.option}/values/{value}", json={"label": "Small"}).status_code == 200
    small = shop.held()["variants"][0]
    assert (small["id"], small["option_values"][0]["label"]) == (shop.small["id"], "Small")


def test_deleting_a_value_in_use_deletes_its_variants_or_is_refused() -> None:
    shop, strict = Shop(), Shop(value_delete_removes_variants=False)
    value = shop.small["option_values"][0]["id"]
    assert shop.client.delete(f"{shop.option}/values/{value}").status_code == 204
    assert [variant["sku"] for variant in shop.held()["variants"]] == ["M"]
    assert strict.client.delete(f"{strict.option}/values/{value}").status_code == 422
    assert len(strict.held()["variants"]) == 2


def test_an_option_name_is_used_once_on_a_product() -> None:
    shop = Shop()
    body = {"display_name": "size", "type": "dropdown", "option_values": [{"label": "1", "sort_order": 0}]}
    answer = shop.client.post(f"{shop.url}/options", json=body)
    assert refusal(answer) == (422, "The display name size has already been used on this product.", None)
    assert shop.client.post(f"{shop.url}/options", json={**body, "display_name": "Fit"}).status_code == 200
    # From now on a variant needs both options.
    missing = {"sku": "L", "option_values": [shop.a_value("L")]}
    assert shop.client.post(f"{shop.url}/variants", json=missing).status_code == 422


def test_the_last_variant_leaves_a_base_variant_behind() -> None:
    shop = Shop()
    for variant in (shop.small, shop.medium):
        assert shop.client.delete(f"{shop.url}/variants/{variant['id']}").status_code == 204
    assert [variant["sku"] for variant in shop.held()["variants"]] == ["SHIRT"]
    assert shop.held()["base_variant_id"] == shop.held()["variants"][0]["id"]


def test_the_base_variant_gives_way_to_the_first_real_one() -> None:
    shop = Shop()
    url = f"/v3/catalog/products/{shop.plain['id']}"
    body = {"display_name": "Size", "type": "dropdown", "option_values": [{"label": "S", "sort_order": 0}]}
    option = shop.client.post(f"{url}/options", json=body).json()["data"]
    chosen = {"option_id": option["id"], "id": option["option_values"][0]["id"]}
    assert shop.client.post(f"{url}/variants", json={"sku": "PS", "option_values": [chosen]}).status_code == 200
    plain = shop.sandbox.snapshot("abc")["products"][0]
    assert ([variant["sku"] for variant in plain["variants"]], plain["base_variant_id"]) == (["PS"], None)


def test_pictures_are_added_one_by_one_and_a_lost_one_is_a_400() -> None:
    shop = Shop(refused_images=["https://x.example/lost.jpg"])
    url = f"{shop.url}/images"
    assert shop.client.get(url).status_code == 204
    assert shop.client.post(url, json={"image_url": "https://x.example/lost.jpg"}).status_code == 400
    assert shop.client.post(url, json={"image_url": "https://x.example/a.pdf"}).status_code == 422
    first = shop.client.post(url, json={"image_url": "https://x.example/a.jpg"}).json()["data"]
    second = shop.client.post(url, json={"image_url": "https://x.example/a.jpg", "is_thumbnail": True}).json()["data"]
    assert first["id"] != second["id"]
    assert [image["is_thumbnail"] for image in shop.held()["images"]] == [False, True]
    assert shop.client.delete(f"{url}/{second['id']}").status_code == 204
    assert [image["is_thumbnail"] for image in shop.held()["images"]] == [True]


def test_stock_is_set_by_the_id_that_it_is_tracked_by() -> None:
    shop = Shop()
    url = "/v3/inventory/adjustments/absolute"
    shop.client.put(shop.url, json={"inventory_tracking": "variant"})
    shop.client.put(f"/v3/catalog/products/{shop.plain['id']}", json={"inventory_tracking": "product"})
    good = [
        {"location_id": 1, "variant_id": shop.small["id"], "quantity": 7},
        {"location_id": 1, "sku": "m", "quantity": 8},
        {"location_id": 1, "product_id": shop.plain["id"], "quantity": 9},
    ]
    answer = shop.client.put(url, json={"reason": "sync", "items": good})
    assert (answer.status_code, list(answer.json())) == (200, ["transaction_id"])
    assert [variant["inventory_level"] for variant in shop.held()["variants"]] == [7, 8]
    bad = {"location_id": 1, "variant_id": shop.plain["base_variant_id"], "quantity": 1}
    answer = shop.client.put(url, json={"items": [good[0] | {"quantity": 1}, bad]})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "tracked by product, please update stock by product id" in answer.json()["title"]
    assert shop.held()["variants"][0]["inventory_level"] == 7
    below = {"items": [{"location_id": 1, "sku": "m", "quantity": -9}]}
    assert shop.client.post("/v3/inventory/adjustments/relative", json=below).status_code == 422
    items = shop.client.get("/v3/inventory/items", params={"variant_id:in": shop.small["id"]}).json()["data"]
    assert items[0]["locations"][0]["total_inventory_onhand"] == 7


@pytest.mark.parametrize("removes", [True, False])
def test_an_empty_picture_url_takes_a_variant_s_picture_away_or_is_refused(removes: bool) -> None:
    shop = Shop(blank_image_removes=removes)
    one = {"id": shop.small["id"], "image_url": "https://x.example/s.jpg"}
    assert shop.client.put(VARIANTS, json=[one]).status_code == 200
    answer = shop.client.put(VARIANTS, json=[{**one, "image_url": ""}])
    assert answer.status_code == (200 if removes else 422)
    assert shop.held()["variants"][0]["image_url"] == ("" if removes else "https://x.example/s.jpg")
