"""Reading the simulated store: filters, pages, includes."""

from typing import Any

import httpx
import pytest

from sandbox.bigcommerce.core import Sandbox
from sandbox.bigcommerce.transport import SandboxTransport

PRODUCTS = "/v3/catalog/products"


@pytest.fixture(name="client")
def _client() -> httpx.Client:
    sandbox = Sandbox(quota=100_000)
    client = httpx.Client(
        transport=SandboxTransport(sandbox),
        base_url="https://api.bigcommerce.com/stores/abc",
        headers={"X-Auth-Token": "t"},
    )
    for n in range(30):
        body = {"name": f"P{n}", "type": "physical", "weight": 1, "price": n, "sku": f"SKU{n}", "is_visible": n > 4}
        assert client.post(PRODUCTS, json=body).status_code == 200
    body = {
        "name": "With variants", "type": "physical", "weight": 1, "price": 1, "sku": "BASE", "brand_name": "Acme",
        "variants": [{"sku": "V1", "option_values": [{"option_display_name": "Size", "label": "S"}]}],
    }  # fmt: skip
    assert client.post(PRODUCTS, json=body).status_code == 200
    return client


def names(client: httpx.Client, path: str = PRODUCTS, **query: Any) -> list[str]:
    answer = client.get(path, params={"limit": 250, **query})
    assert answer.status_code == 200, answer.text
    return [row.get("name") or row["sku"] for row in answer.json()["data"]]


FOUND = [
    ({"sku": "sku7"}, ["P7"]),
    ({"sku:in": "SKU7,sku9,NONE"}, ["P7", "P9"]),
    # A variant's SKU is not found by the product filter (API facts §7).
    ({"sku": "V1"}, []),
    ({"name": "p7"}, ["P7"]),
    ({"name:like": "variants"}, ["With variants"]),
    ({"id": 113}, ["P1"]),
    ({"id:in": "112,113"}, ["P0", "P1"]),
    ({"id:greater": 140}, ["P29", "With variants"]),
    ({"price:min": 28}, ["P28", "P29"]),
    ({"brand_id": 35}, ["With variants"]),
    ({"is_visible": "false"}, ["P0", "P1", "P2", "P3", "P4"]),
    ({"channel_id:in": 1, "id:max": 112}, ["P0"]),
    ({"channel_id:in": 2}, []),
    ({"keyword": "SKU29"}, ["P29"]),
    ({"date_modified:min": "2099-01-01T00:00:00Z"}, []),
    ({"id:max": 113, "sort": "name", "direction": "desc"}, ["P1", "P0"]),
]


@pytest.mark.parametrize(("query", "expected"), FOUND)
def test_products_are_found_by_their_filters(client: httpx.Client, query: dict[str, Any], expected: list[str]) -> None:
    assert names(client, **query) == expected


REFUSED = [
    ({"foo": 1}, "The filter(s): foo are not valid filter parameter(s)."),
    ({"limit": 251}, "The limit must be between 1 and 250."),
    ({"limit": 0}, "The limit must be between 1 and 250."),
    ({"page": 0}, "The page must be 1 or more."),
    ({"id:in": "1,x"}, "The filter id:in has an invalid value: 1,x"),
    ({"price:min": "a lot"}, "The filter price:min has an invalid value: a lot"),
    # A plus sign that was not percent-encoded is a space.
    ({"date_modified:min": "2026-01-01 1"}, "The filter date_modified:min has an invalid value: 2026-01-01 1"),
    ({"include": "everything"}, "The include(s): everything are not valid."),
    ({"include_fields": "variants"}, "The include_fields: variants are not valid."),
]  # fmt: skip


@pytest.mark.parametrize(("query", "title"), REFUSED)
def test_a_query_that_cannot_be_meant_is_refused(client: httpx.Client, query: dict[str, Any], title: str) -> None:
    answer = client.get(PRODUCTS, params=query)
    assert (answer.status_code, answer.json()["title"]) == (422, title)


def test_pages_carry_their_place_and_their_links(client: httpx.Client) -> None:
    answer = client.get(PRODUCTS, params={"limit": 10, "page": 2}).json()
    pagination = answer["meta"]["pagination"]
    assert [row["name"] for row in answer["data"]] == [f"P{n}" for n in range(10, 20)]
    assert (pagination["total"], pagination["count"], pagination["total_pages"]) == (31, 10, 4)
    assert pagination["links"]["next"] == "?page=3&limit=10"
    assert "next" not in client.get(PRODUCTS, params={"limit": 10, "page": 4}).json()["meta"]["pagination"]["links"]


def test_options_make_pages_of_ten_whatever_the_limit_says(client: httpx.Client) -> None:
    answer = client.get(PRODUCTS, params={"limit": 250, "include": "options"}).json()
    assert len(answer["data"]) == answer["meta"]["pagination"]["per_page"] == 10
    assert len(client.get(PRODUCTS, params={"limit": 250, "include": "variants"}).json()["data"]) == 31


def test_variants_inside_a_listing_carry_option_and_value_ids(client: httpx.Client) -> None:
    row = client.get(PRODUCTS, params={"name": "With variants", "include": "variants,channels,images"}).json()["data"][
        0
    ]
    value = row["variants"][0]["option_values"][0]
    assert (value["label"], value["option_display_name"]) == ("S", "Size")
    assert {"id", "option_id"} <= set(value)
    assert (row["channels"], row["images"]) == ([1], [])


def test_include_fields_leave_the_id(client: httpx.Client) -> None:
    row = client.get(PRODUCTS, params={"sku": "SKU3", "include_fields": "date_modified"}).json()["data"][0]
    assert set(row) == {"id", "date_modified"}


def test_variants_are_found_across_products(client: httpx.Client) -> None:
    assert names(client, "/v3/catalog/variants", sku="v1") == ["V1"]
    # The base variant of a plain product answers to the product's SKU.
    assert names(client, "/v3/catalog/variants", sku="SKU3") == ["SKU3"]
    assert names(client, "/v3/catalog/variants", **{"product_id:in": "112,142"}) == ["SKU0", "V1"]


def test_a_new_product_may_not_be_found_by_its_sku_at_once() -> None:
    now = [1_700_000_000.0]
    sandbox = Sandbox(clock=lambda: now[0], switches={"filter_lag": 5})
    client = httpx.Client(
        transport=SandboxTransport(sandbox),
        base_url="https://api.bigcommerce.com/stores/abc",
        headers={"X-Auth-Token": "t"},
    )
    client.post(PRODUCTS, json={"name": "P", "type": "physical", "weight": 1, "price": 1, "sku": "S"})
    assert names(client, sku="S") == []
    assert names(client) == ["P"]
    now[0] += 5
    assert names(client, sku="S") == ["P"]


INFORMATION = [
    ("/v2/store", lambda body: body["plan_level"] == "Standard" and body["default_site_id"] == 1000),
    ("/v2/time", lambda body: isinstance(body["time"], int)),
    ("/v2/currencies", lambda body: body[0]["is_default"]),
    ("/v2/tax_classes", lambda body: body[0]["id"] == 0),
    ("/v3/settings/store/units-of-measurement", lambda body: body["data"]["weight_measurement"] == "KGS"),
    ("/v3/settings/store/locale", lambda body: "default_shopper_language" in body["data"]),
    ("/v3/channels?type:in=storefront&available=true", lambda body: [row["id"] for row in body["data"]] == [1]),
    ("/v3/channels/1/site", lambda body: body["data"]["id"] == 1000),
    ("/v3/sites", lambda body: body["data"][0]["channel_id"] == 1),
    ("/v3/catalog/summary", lambda body: body["data"]["variant_count"] == 31),
]


@pytest.mark.parametrize(("path", "holds"), INFORMATION)
def test_the_store_tells_about_itself(client: httpx.Client, path: str, holds: Any) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert holds(answer.json())
