"""Categories, trees, brands, assignments and metafields of the simulated store."""

from typing import Any

import httpx
import pytest

from sandbox.bigcommerce.core import Sandbox
from sandbox.bigcommerce.transport import SandboxTransport

CATEGORIES = "/v3/catalog/trees/categories"


class Shop:
    """An empty store with two storefronts and a tree each."""

    def __init__(self, **switches: Any) -> None:
        self.now = 1_700_000_000.0
        self.sandbox = Sandbox(clock=lambda: self.now, quota=100_000)
        self.sandbox.open(
            "abc", "t", switches=switches, channels=[{"id": 2, "name": "Second"}], trees=[{"id": 2, "channels": [2]}]
        )
        self.client = httpx.Client(
            transport=SandboxTransport(self.sandbox),
            base_url="https://api.bigcommerce.com/stores/abc",
            headers={"X-Auth-Token": "t"},
        )

    def post(self, *items: dict[str, Any]) -> httpx.Response:
        """The categories, asked for in one call."""
        return self.client.post(CATEGORIES, json=list(items))

    def a_category(self, name: str, **fields: Any) -> int:
        """The id of a new category."""
        answer = self.post({"name": name, **({"tree_id": 1} if "parent_id" not in fields else {}), **fields})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["data"][0]["category_id"])

    def a_product(self, name: str) -> int:
        """The id of a new product."""
        body = {"name": name, "type": "physical", "weight": 1, "price": 1}
        return int(self.client.post("/v3/catalog/products", json=body).json()["data"]["id"])

    def names(self) -> list[str]:
        """The names of all categories."""
        return [row["name"] for row in self.sandbox.snapshot("abc")["categories"]]


def test_categories_of_several_trees_are_created_in_one_call() -> None:
    shop = Shop()
    men = shop.a_category("Men")
    answer = shop.post({"name": "Shirts", "parent_id": men}, {"name": "Men", "tree_id": 2})
    assert answer.status_code == 201
    rows = answer.json()["data"]
    assert [(row["tree_id"], row["parent_id"]) for row in rows] == [(1, men), (2, 0)]
    assert [row["url"]["path"] for row in rows] == ["/men/shirts/", "/men-1/"]
    assert answer.json()["meta"] == {"total": 2, "success": 2, "failed": 0}


def test_a_wrong_type_refuses_the_whole_call_and_names_the_item() -> None:
    shop = Shop()
    answer = shop.post({"name": "A", "tree_id": 1}, {"name": "B", "tree_id": 1, "meta_keywords": "x"})
    assert answer.status_code == 422
    assert answer.json()["title"] == "JSON data is missing or invalid"
    assert answer.json()["errors"] == {"1.meta_keywords": "error.expected.jsarray"}
    assert shop.names() == []


def test_some_items_may_fail_while_the_others_are_created() -> None:
    shop = Shop()
    shop.a_category("Men")
    answer = shop.post({"name": "men", "tree_id": 1}, {"name": "Women", "tree_id": 1}, {"name": "X", "parent_id": 999})
    assert answer.status_code == 207
    body = answer.json()
    assert [row["name"] for row in body["data"]] == ["Women"]
    assert set(body["errors"]["errors"]) == {"0.name", "2.parent_id"}
    assert body["meta"] == {"total": 3, "success": 1, "failed": 2}


def test_when_all_items_fail_the_error_lies_inside_errors() -> None:
    shop = Shop()
    shop.a_category("Men")
    answer = shop.post({"name": "Men", "tree_id": 1})
    assert answer.status_code == 422
    assert answer.json()["errors"]["errors"] == {
        "0.name": "A category with the name Men already exists under this parent"
    }


def test_more_than_ten_categories_need_their_urls_unless_the_bug_is_off() -> None:
    many = [{"name": f"C{n}", "tree_id": 1} for n in range(11)]
    answer = Shop().post(*many)
    assert answer.status_code == 422
    assert answer.json()["errors"]["1.url"] == "Url is required and can't be empty"
    assert Shop().post(*({**item, "url": {"path": f"/c{n}/"}} for n, item in enumerate(many))).status_code == 201
    assert Shop(bulk_category_url_bug=False).post(*many).status_code == 201


def test_the_ninth_level_is_too_deep() -> None:
    shop = Shop()
    parent = shop.a_category("L1")
    for level in range(2, 9):
        parent = shop.a_category(f"L{level}", parent_id=parent)
    answer = shop.post({"name": "L9", "parent_id": parent})
    assert answer.status_code == 422
    assert "8 levels" in answer.text


def test_an_update_answers_without_rows() -> None:
    shop = Shop()
    men = shop.a_category("Men")
    answer = shop.client.put(CATEGORIES, json=[{"category_id": men, "name": "Man", "is_visible": False}])
    assert (answer.status_code, set(answer.json())) == (200, {"meta"})
    row = shop.sandbox.snapshot("abc")["categories"][0]
    assert (row["name"], row["is_visible"]) == ("Man", False)
    mixed = shop.client.put(CATEGORIES, json=[{"category_id": men, "sort_order": 3}, {"category_id": 999}])
    assert (mixed.status_code, set(mixed.json())) == (207, {"errors", "meta"})


def test_a_category_does_not_move_below_itself() -> None:
    shop = Shop()
    men = shop.a_category("Men")
    shirts = shop.a_category("Shirts", parent_id=men)
    answer = shop.client.put(CATEGORIES, json=[{"category_id": men, "parent_id": shirts}])
    assert answer.status_code == 422


def test_a_deleted_category_takes_its_branch_along_and_leaves_the_products() -> None:
    shop = Shop(category_delete_lag=3)
    men = shop.a_category("Men")
    shirts, product = shop.a_category("Shirts", parent_id=men), shop.a_product("P")
    pairs = [{"product_id": product, "category_id": shirts}]
    assert shop.client.put("/v3/catalog/products/category-assignments", json=pairs).status_code == 204
    assert shop.client.delete(CATEGORIES).status_code == 422
    assert shop.client.delete(CATEGORIES, params={"category_id:in": men}).status_code == 202
    assert shop.names() == ["Men", "Shirts"]
    shop.now += 3
    assert shop.names() == []
    assert shop.sandbox.snapshot("abc")["products"][0]["categories"] == []


def test_the_whole_tree_is_read_nested_and_one_call_at_a_time() -> None:
    shop = Shop()
    men = shop.a_category("Men")
    shop.a_category("Shirts", parent_id=men)
    nested = shop.client.get("/v3/catalog/trees/1/categories").json()["data"]
    assert nested[0]["children"][0]["path"] == [men]
    shop.sandbox.store("abc").configure(latency=2)
    slow = httpx.Client(
        transport=SandboxTransport(shop.sandbox, sleep=lambda _: None),
        base_url=shop.client.base_url,
        headers=shop.client.headers,
    )
    assert slow.get("/v3/catalog/trees/1/categories").status_code == 200
    # By the clock the first answer is still on its way.
    assert slow.get("/v3/catalog/trees/1/categories").status_code == 429
    shop.now += 2
    assert slow.get("/v3/catalog/trees/1/categories").status_code == 200


def test_a_tree_belongs_to_one_channel_that_has_none_yet() -> None:
    shop = Shop()
    url = "/v3/catalog/trees"
    assert shop.client.put(url, json=[{"name": "T", "channels": [1]}]).status_code == 422
    shop.sandbox.store("abc").configure(channels=[{"id": 3, "name": "Third"}])
    answer = shop.client.put(url, json=[{"name": "T", "channels": [3]}])
    assert (answer.status_code, answer.json()["data"][0]["channels"]) == (200, [3])
    assert [row["id"] for row in shop.client.get(url, params={"channel_id:in": 3}).json()["data"]] == [3]
    assert shop.client.put(url, json=[{"id": 3, "name": "New", "channels": [3]}]).status_code == 422


@pytest.mark.parametrize("kind", ["channel", "category"])
def test_assignments_are_added_listed_and_removed(kind: str) -> None:
    shop = Shop(auto_assign=False)
    product, url = shop.a_product("P"), f"/v3/catalog/products/{kind}-assignments"
    other = 2 if kind == "channel" else shop.a_category("Men")
    pair = {"product_id": product, f"{kind}_id": other}
    assert shop.client.put(url, json=[pair, pair]).status_code == 204
    assert shop.client.get(url, params={"product_id:in": product}).json()["data"] == [pair]
    answer = shop.client.put(url, json=[{**pair, f"{kind}_id": 999}])
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [f"0.{kind}_id"])
    assert shop.client.delete(url).status_code == 422
    assert shop.client.delete(url, params={f"{kind}_id:in": 999}).status_code == 204
    assert shop.client.delete(url, params={"product_id:in": product}).status_code == 204
    assert shop.client.get(url).json()["data"] == []


def test_a_brand_has_its_name_for_itself() -> None:
    shop = Shop()
    url = "/v3/catalog/brands"
    brand = shop.client.post(url, json={"name": "Acme"}).json()["data"]
    assert shop.client.post(url, json={"name": "ACME"}).status_code == 409
    assert shop.client.put(f"{url}/{brand['id']}", json={"page_title": "The Acme"}).status_code == 200
    assert shop.client.delete(url).status_code == 422
    assert shop.client.delete(f"{url}/{brand['id']}").status_code == 204
    assert shop.client.get(f"{url}/{brand['id']}").status_code == 404


def test_a_batch_of_metafields_is_saved_in_part_with_a_422() -> None:
    shop = Shop()
    product, url = shop.a_product("P"), "/v3/catalog/products/metafields"
    item = {"resource_id": product, "permission_set": "app_only", "namespace": "saleslayer", "key": "id", "value": "1"}
    assert shop.client.post(url, json=[item]).status_code == 200
    answer = shop.client.post(url, json=[item, {**item, "key": "other"}])
    body = answer.json()
    assert (answer.status_code, len(body["data"]), len(body["errors"])) == (422, 1, 1)
    assert body["meta"] == {"total": 2, "success": 1, "failed": 1}
    single = {name: value for name, value in item.items() if name != "resource_id"}
    assert shop.client.post(f"/v3/catalog/products/{product}/metafields", json=single).status_code == 409
    found = shop.client.get(url, params={"namespace": "saleslayer", "key": "id"}).json()["data"]
    assert [row["resource_id"] for row in found] == [product]
    assert shop.client.request("DELETE", url, json=[row["id"] for row in found]).status_code == 200


def test_the_picture_of_a_category_is_taken_away_by_the_old_endpoint() -> None:
    shop = Shop()
    men = shop.a_category("Men", image_url="https://x.example/men.jpg")
    assert shop.client.delete(f"/v3/catalog/categories/{men}/image").status_code == 204
    assert shop.sandbox.snapshot("abc")["categories"][0]["image_url"] == ""
    assert shop.client.delete("/v3/catalog/categories/99/image").status_code == 404
