"""Products of the simulated store: created whole, refused in the documented words."""

from typing import Any

import httpx
import pytest

from sandbox.bigcommerce.core import Sandbox
from sandbox.bigcommerce.transport import SandboxTransport

PRODUCTS = "/v3/catalog/products"


def a_store(**settings: Any) -> tuple[Sandbox, httpx.Client]:
    sandbox = Sandbox(quota=100_000)
    sandbox.open("abc", "secret", **settings)
    client = httpx.Client(
        transport=SandboxTransport(sandbox),
        base_url="https://api.bigcommerce.com/stores/abc",
        headers={"X-Auth-Token": "secret"},
    )
    return sandbox, client


def a_product(**fields: Any) -> dict[str, Any]:
    return {"name": "Shirt", "type": "physical", "weight": 1, "price": 10, **fields}


def a_variant(sku: str, **labels: str) -> dict[str, Any]:
    values = [{"option_display_name": name, "label": label} for name, label in labels.items()]
    return {"sku": sku, "option_values": values}


def created(client: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = client.post(PRODUCTS, json=a_product(**fields))
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def test_a_product_is_created_whole_in_one_call() -> None:
    sandbox, client = a_store()
    product = created(
        client,
        sku="S",
        price=10.99999,
        brand_name="Acme",
        images=[{"image_url": "https://pictures.example/a.jpg"}, {"image_url": "https://pictures.example/b"}],
        custom_fields=[{"name": "Fit", "value": "Slim"}, {"name": "Fit", "value": "Long"}],
        bulk_pricing_rules=[{"quantity_min": 10, "quantity_max": 0, "type": "percent", "amount": 5}],
        variants=[a_variant("S-R", Size="S", Color="Red"), a_variant("S-B", Size="S", Color="Blue")],
    )
    assert product["price"] == 11
    assert product["base_variant_id"] is None
    assert [[v["label"] for v in variant["option_values"]] for variant in product["variants"]] == [
        ["S", "Red"],
        ["S", "Blue"],
    ]
    assert [image["is_thumbnail"] for image in product["images"]] == [True, False]
    assert "source_url" not in product["images"][0]
    held = sandbox.snapshot("abc")["products"][0]
    assert [image["source_url"] for image in held["images"]] == [
        "https://pictures.example/a.jpg",
        "https://pictures.example/b",
    ]
    assert held["channels"] == [1]
    assert [option["type"] for option in held["options"]] == ["rectangles", "rectangles"]
    assert sandbox.snapshot("abc")["brands"][0]["name"] == "Acme"


REFUSED = [
    # (what is sent beside a product named Shirt with the SKU S-1, status, title, field)
    (a_product(name="shirt"), 409, "The product name is a duplicate", "name"),
    (a_product(name="Other", sku="s-1"), 409, "The product sku is a duplicate", "sku"),
    (a_product(name="Other", variants=[a_variant("s-1", Size="S")]), 409, "Sku s-1 is not unique", "sku"),
    (a_product(name="Other", variants=[a_variant("", Size="S")]), 422, "Variant sku cannot be empty", "sku"),
    (a_product(name="Other", price="10"), 422, "JSON data is missing or invalid", "price"),
    (a_product(name="Other", weight=True), 422, "JSON data is missing or invalid", "weight"),
    (a_product(name="Other", price=-1), 422, "JSON data is missing or invalid", "price"),
    (a_product(name="N" * 251), 422, "JSON data is missing or invalid", "name"),
    (a_product(name="Other", categories=3), 422, "JSON data is missing or invalid", "categories"),
    (a_product(name="Other", categories=[999]), 409, "The category 999 does not exist", "categories"),
    (a_product(name="Other", brand_id=999), 409, "The brand 999 does not exist", "brand_id"),
    (a_product(name="Other", custom_url={"url": "/SHIRT"}), 409, "The product custom_url is a duplicate", "custom_url"),
    (a_product(name="Other", images=[{"image_url": "ftp://x/a.jpg"}]), 422, "The field 'image_url' is invalid.",
     "image_url"),
    (a_product(name="Other", images=[{"image_url": "https://x/" + "a" * 250}]), 422,
     "The field 'image_url' is invalid.", "image_url"),
    (a_product(name="Other", images=[{"image_url": "https://broken.example/a.jpg"}]), 422,
     "The field 'image_url' is invalid.", "image_url"),
    (a_product(name="Other", variants=[a_variant("A", Size="S"), a_variant("B", Color="Red")]), 422,
     "Invalid field(s): option_values", "option_values"),
    (a_product(name="Other", variants=[a_variant("A", Size="S"), a_variant("B", Size="S")]), 409,
     "Variant with the same option values set exists", "option_values"),
    (a_product(name="Other", related_products=[999]), 422, "The related product 999 does not exist",
     "related_products"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "title", "field"), REFUSED)
def test_what_the_real_store_refuses_is_refused_and_leaves_no_trace(
    body: dict[str, Any], status: int, title: str, field: str
) -> None:
    sandbox, client = a_store(switches={"refused_images": [r"re:^https://broken\.example/"]})
    created(client, sku="S-1")
    before = sandbox.snapshot("abc")
    answer = client.post(PRODUCTS, json={"brand_name": "New", **body} if "brand_id" not in body else body)
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert field in answer.json()["errors"]
    assert sandbox.snapshot("abc") == before


def test_missing_fields_are_named_all_at_once() -> None:
    _, client = a_store()
    answer = client.post(PRODUCTS, json={"name": "Shirt"})
    assert answer.status_code == 422
    assert answer.json()["title"] == "Missing Required Fields"
    assert answer.json()["errors"] == {
        "price": "Please provide a price.",
        "type": "Please provide a type.",
        "weight": "Please provide a weight.",
    }


def test_a_field_that_nobody_knows_is_ignored_and_noted() -> None:
    sandbox, client = a_store()
    created(client, is_visble=False)
    assert sandbox.store("abc").log.counters()["unknown_fields"] == ["is_visble"]


def test_an_update_changes_only_what_is_sent_and_only_then_moves_the_date() -> None:
    now = [1_700_000_000.0]
    sandbox = Sandbox(clock=lambda: now[0], quota=1000)
    client = httpx.Client(
        transport=SandboxTransport(sandbox),
        base_url="https://api.bigcommerce.com/stores/abc",
        headers={"X-Auth-Token": "t"},
    )
    product = created(client, sku="S", description="Blue")
    url = f"{PRODUCTS}/{product['id']}"
    now[0] += 60
    same = client.put(url, json={"price": 10, "sku": "S"}).json()["data"]
    assert same["date_modified"] == product["date_modified"]
    changed = client.put(url, json={"price": 12}).json()["data"]
    assert changed["date_modified"] > product["date_modified"]
    assert (changed["price"], changed["description"], changed["sku"]) == (12, "Blue", "S")
    assert changed["variants"][0]["price"] == 12


def test_a_taken_url_is_left_unsaved_by_an_update_and_the_rest_is_saved() -> None:
    _, client = a_store()
    created(client)
    other = created(client, name="Other")
    answer = client.put(f"{PRODUCTS}/{other['id']}", json={"price": 5, "custom_url": {"url": "/shirt/"}})
    assert answer.status_code == 207
    assert "custom_url" in answer.json()["errors"]
    assert (answer.json()["data"]["price"], answer.json()["data"]["custom_url"]["url"]) == (5, "/other/")


def test_a_generated_url_gets_a_number_when_it_is_taken() -> None:
    _, client = a_store()
    assert created(client)["custom_url"]["url"] == "/shirt/"
    assert created(client, name="Shirt!")["custom_url"]["url"] == "/shirt-1/"


def test_categories_of_an_update_replace_the_whole_set() -> None:
    sandbox, client = a_store()
    client.post("/v3/catalog/trees/categories", json=[{"name": n, "tree_id": 1} for n in "AB"])
    first, second = (row["category_id"] for row in sandbox.snapshot("abc")["categories"])
    product = created(client, categories=[first])
    client.put(f"{PRODUCTS}/{product['id']}", json={"categories": [second]})
    assert sandbox.snapshot("abc")["products"][0]["categories"] == [second]


def test_a_batch_is_all_or_nothing_and_does_not_say_which_item_was_wrong() -> None:
    sandbox, client = a_store()
    one, two = created(client, name="One"), created(client, name="Two")
    body = [{"id": one["id"], "price": 99}, {"id": two["id"], "name": "ONE"}]
    answer = client.put(PRODUCTS, json=body)
    assert (answer.status_code, answer.json()["errors"]) == (409, {"name": "The product name is a duplicate"})
    assert [product["price"] for product in sandbox.snapshot("abc")["products"]] == [10, 10]
    assert client.put(PRODUCTS, json=[{"name": "x"}]).json()["title"] == "Missing Required Fields"


def test_more_than_ten_products_in_a_batch_are_too_many() -> None:
    _, client = a_store()
    answer = client.put(PRODUCTS, json=[{"id": 1}] * 11)
    assert answer.status_code == 413
    assert answer.json()["title"].endswith("The maximum items allowed in the array is 10.")


def test_custom_fields_of_an_update_are_added_and_a_pair_twice_is_refused() -> None:
    _, client = a_store()
    product = created(client, custom_fields=[{"name": "Fit", "value": "Slim"}])
    url = f"{PRODUCTS}/{product['id']}"
    more = client.put(url, json={"custom_fields": [{"name": "Fit", "value": "Long"}]}).json()["data"]
    assert [field["value"] for field in more["custom_fields"]] == ["Slim", "Long"]
    answer = client.put(url, json={"custom_fields": [{"name": "Fit", "value": "Slim"}]})
    assert answer.status_code == 422
    assert "already exists" in answer.json()["title"]


@pytest.mark.parametrize(("removed", "left"), [(False, [2, 10]), (True, [10])])
def test_what_a_list_of_an_update_leaves_out_stays_or_goes(*, removed: bool, left: list[int]) -> None:
    _, client = a_store(switches={"omitted_parts_removed": removed})
    low = {"quantity_min": 2, "quantity_max": 9, "type": "price", "amount": 1}
    product = created(client, bulk_pricing_rules=[low])
    body = {"bulk_pricing_rules": [{**low, "quantity_min": 10, "quantity_max": 0}]}
    there = client.put(f"{PRODUCTS}/{product['id']}", json=body).json()["data"]["bulk_pricing_rules"]
    assert [rule["quantity_min"] for rule in there] == left


def test_deleting_takes_a_filter_and_removes_all_that_is_theirs() -> None:
    sandbox, client = a_store()
    product = created(client, variants=[a_variant("A", Size="S")], images=[{"image_url": "https://x.example/a"}])
    assert client.delete(PRODUCTS).status_code == 422
    assert client.delete(PRODUCTS, params={"id:in": str(product["id"])}).status_code == 204
    assert sandbox.snapshot("abc")["products"] == []
    assert sandbox.snapshot("abc")["inventory"] == []
    created(client, sku="A")


def test_the_bare_answer_leaves_the_variants_out() -> None:
    _, client = a_store(switches={"bare_product_answer": True})
    assert "variants" not in created(client)


def test_numbers_and_bodies_beyond_json_are_refused() -> None:
    _, client = a_store()
    answer = client.post(PRODUCTS, content=b'{"price": NaN}', headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert client.post(PRODUCTS, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_changed_url_leaves_a_redirect_where_it_is_asked_for() -> None:
    sandbox, client = a_store()
    product = created(client)
    one = f"{PRODUCTS}/{product['id']}"
    client.put(one, json={"custom_url": {"url": "/second/"}})
    assert sandbox.snapshot("abc")["redirects"] == {}
    client.put(one, json={"custom_url": {"url": "/third/", "create_redirect": True}})
    client.put(one, json={"custom_url": {"url": "/third/", "create_redirect": True}})
    assert sandbox.snapshot("abc")["redirects"] == {"/second/": product["id"]}
