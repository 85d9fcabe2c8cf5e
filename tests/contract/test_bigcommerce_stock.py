"""Stock and price lists of the simulated store, and what it does not want side by side."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.bigcommerce.core import Sandbox
from sandbox.bigcommerce.messages import Request
from sandbox.bigcommerce.transport import SandboxTransport

ADJUST = "/v3/inventory/adjustments/absolute"


class Shop:
    """A store with one product in two sizes, at a clock that stands still."""

    def __init__(self, tracking: str = "variant") -> None:
        self.sandbox = Sandbox(clock=lambda: 0.0, quota=100_000)
        self.sandbox.open("abc", "t")
        self.client = httpx.Client(
            transport=SandboxTransport(self.sandbox),
            base_url="https://api.bigcommerce.com/stores/abc",
            headers={"X-Auth-Token": "t"},
        )
        sizes = [{"sku": s, "option_values": [{"option_display_name": "Size", "label": s}]} for s in ("S", "M")]
        body = {"name": "Shirt", "sku": "SHIRT", "type": "physical", "weight": 1, "price": 9, "variants": sizes}
        answer = self.client.post("/v3/catalog/products", json={**body, "inventory_tracking": tracking})
        self.product = answer.raise_for_status().json()["data"]
        self.small = self.product["variants"][0]

    def crowded(self, *asked: tuple[str, str, str]) -> list[bool]:
        """What the log notes of requests that arrive at the same moment and take a while."""
        store = self.sandbox.store("abc")
        store.configure(latency=1.0)
        store.log.clear()
        headers = {"x-auth-token": "t", "content-type": "application/json"}
        for method, path, body in asked:
            self.sandbox.handle(Request(method, f"/stores/abc{path}", (), headers, body.encode()))
        return [entry.crowded for entry in store.log.entries]


@pytest.mark.parametrize(("first", "second", "noted"), [
    ("stock", "stock", True),
    ("stock", "catalogue", True),
    ("catalogue", "stock", True),
    ("catalogue", "catalogue", False),
    ("stock", "read", False),
    ("read", "stock", False),
])  # fmt: skip
def test_an_adjustment_beside_another_or_beside_a_catalogue_write_is_noted(
    first: str, second: str, *, noted: bool
) -> None:
    shop = Shop()
    item = f'{{"location_id": 1, "variant_id": {shop.small["id"]}, "quantity": 2}}'
    asked = {
        "stock": ("PUT", ADJUST, f'{{"items": [{item}]}}'),
        "catalogue": ("PUT", f"/v3/catalog/products/{shop.product['id']}", '{"price": 10}'),
        "read": ("GET", "/v3/catalog/products", ""),
    }
    assert shop.crowded(asked[first], asked[second]) == [False, noted]


@pytest.mark.parametrize(("tracking", "status"), [("product", 200), ("variant", 422), ("none", 422)])
def test_a_product_with_variants_is_called_by_its_id_where_it_is_tracked_as_a_whole(tracking: str, status: int) -> None:
    shop = Shop(tracking)
    items = [{"location_id": 1, "product_id": shop.product["id"], "quantity": 7}]
    assert shop.client.put(ADJUST, json={"items": items}).status_code == status
    held = shop.sandbox.snapshot("abc")["products"][0]
    assert held["inventory_level"] == (7 if status == 200 else 0)
    assert [one["inventory_level"] for one in held["variants"]] == [0, 0]


def test_a_price_list_holds_a_record_for_each_variant_and_currency_and_loses_it_with_the_variant() -> None:
    shop = Shop()
    number = shop.client.post("/v3/pricelists", json={"name": "Wholesale"}).json()["data"]["id"]
    assert shop.client.post("/v3/pricelists", json={"name": "wholesale"}).status_code == 409
    url = f"/v3/pricelists/{number}/records"
    euro: dict[str, Any] = {"variant_id": shop.small["id"], "currency": "EUR", "price": 8}
    answer = shop.client.put(url, json=[euro, {**euro, "currency": "USD"}, {"sku": "m", "currency": "EUR", "price": 7}])
    assert (answer.status_code, answer.json()) == (200, {"data": {}, "meta": {}})
    shop.client.put(url, json=[{**euro, "sale_price": 6}])
    rows = shop.client.get(url, params={"variant_id:in": shop.small["id"]}).json()["data"]
    assert [(one["currency"], one["price"], one["sale_price"], one["sku"]) for one in rows] == [
        ("EUR", 8, 6, "S"),
        ("USD", 8, None, "S"),
    ]
    wrong = shop.client.put(url, json=[{**euro, "price": 1}, {**euro, "variant_id": 1}])
    assert (wrong.status_code, list(wrong.json())) == (422, ["batch_errors"])
    assert shop.client.get(url).json()["data"][0]["price"] == 8
    shop.client.delete(f"/v3/catalog/products/{shop.product['id']}/variants/{shop.small['id']}").raise_for_status()
    assert [one["sku"] for one in shop.client.get(url).json()["data"]] == ["M"]
