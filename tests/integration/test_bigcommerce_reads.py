"""What is in the store is read whole, through the client, from the sandbox's BigCommerce."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import fakeredis
import pytest

from sandbox.bigcommerce.core import Sandbox
from sandbox.bigcommerce.faults import Fault
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.transport import SandboxTransport
from worker.bigcommerce import reads
from worker.bigcommerce.client import Client
from worker.bigcommerce.quota import Quota
from worker.errors import AnswerLost, CredentialsRefused, RefusedByStore, ScopeMissing, StoreUnwell

TOKEN = "secret"
UNLIMITED = "Enterprise"


@pytest.fixture
def store() -> Store:
    return Sandbox().open("abc", TOKEN, plan=UNLIMITED)


@pytest.fixture
def client(store: Store) -> Iterator[Client]:
    client = a_client(store)
    client.get("/v2/time")  # the first headers end the careful beginning
    yield client
    client.close()


def a_client(store: Store, token: str = TOKEN, timeout: float = 5.0) -> Client:
    sandbox = Sandbox()
    sandbox._stores[store.hash] = store
    return Client(
        base_url="https://api.bigcommerce.example",
        store_hash=store.hash,
        token=token,
        quota=Quota(fakeredis.FakeRedis(), store_hash=store.hash),
        transport=SandboxTransport(sandbox),
        timeout=timeout,
    )


def a_product(number: int, **fields: Any) -> dict[str, Any]:
    product = {"name": f"Shirt {number}", "sku": f"SH-{number}", "type": "physical", "weight": 1, "price": 9.99}
    return {**product, **fields}


def sizes(*labels: str) -> list[dict[str, Any]]:
    return [
        {"sku": f"V-{label}", "option_values": [{"option_display_name": "Size", "label": label}]} for label in labels
    ]


def test_the_store_says_its_plan_units_and_currency(client: Client) -> None:
    info = reads.store_info(client)
    assert (info["id"], info["plan_level"], info["currency"]) == ("abc", UNLIMITED, "EUR")


def test_channels_that_are_gone_are_not_listed_and_trees_belong_to_channels(store: Store, client: Client) -> None:
    store.configure(
        channels=[{"id": 2, "name": "Outlet"}, {"id": 3, "name": "Old", "status": "deleted"}],
        trees=[{"id": 2, "name": "Outlet tree", "channels": [2]}],
    )
    assert [channel["id"] for channel in reads.channels(client)] == [1, 2]
    assert [tree["name"] for tree in reads.trees(client, [2])] == ["Outlet tree"]
    assert len(reads.trees(client, list(range(1, 121)))) == 2
    assert reads.trees(client, []) == []


def test_categories_are_read_page_by_page_and_of_the_trees_asked_for_only(store: Store, client: Client) -> None:
    store.configure(channels=[{"id": 2}], trees=[{"id": 2, "name": "Other", "channels": [2]}])
    client.post("/v3/catalog/trees/categories", [{"name": f"C{number}", "tree_id": 1} for number in range(5)])
    client.post("/v3/catalog/trees/categories", [{"name": "Elsewhere", "tree_id": 2}])
    names, pages, number = [], 0, 1
    while True:
        page = reads.categories(client, [1], number, limit=2)
        names += [row["name"] for row in page.rows]
        pages += 1
        if page.next is None:
            break
        number = page.next
    assert (names, pages) == (["C0", "C1", "C2", "C3", "C4"], 3)
    assert reads.categories(client, []) == reads.Page([], None)


def test_a_page_that_is_just_full_is_the_last_one(client: Client) -> None:
    for number in range(4):
        client.post("/v3/catalog/products", a_product(number))
    first = reads.products(client, limit=2)
    assert first.next is not None
    assert first.next == first.rows[-1].id
    assert reads.products(client, first.next, limit=2).next is None


def test_products_come_with_their_parts_and_exact_prices(client: Client) -> None:
    body = a_product(1, variants=sizes("S", "M"), custom_fields=[{"name": "Fabric", "value": "Linen"}])
    client.post("/v3/catalog/products", body)
    (one,) = reads.products(client).rows
    row = one.read()
    assert row["price"] == Decimal("9.99")
    assert {variant["sku"] for variant in row["variants"]} == {"V-S", "V-M"}
    assert row["variants"][0]["option_values"][0]["option_display_name"] == "Size"
    assert [field["value"] for field in row["custom_fields"]] == ["Linen"]
    assert row["channels"] == [1]
    assert one.variant_ids == [variant["id"] for variant in row["variants"]]
    assert {"images", "bulk_pricing_rules"} <= row.keys()


def test_products_that_come_and_go_while_reading_move_no_other(client: Client) -> None:
    ids = [client.post("/v3/catalog/products", a_product(number)).data["id"] for number in range(7)]
    seen, after = [], 0
    for turn in itertools.count():
        page = reads.products(client, after, limit=3)
        seen += [row.id for row in page.rows]
        if page.next is None:
            break
        after = page.next
        if turn == 0:
            client.delete(f"/v3/catalog/products/{ids[0]}")
            ids.append(client.post("/v3/catalog/products", a_product(99)).data["id"])
    assert seen == ids


def test_products_are_found_by_base_sku_even_with_a_comma_and_not_by_a_variants_sku(client: Client) -> None:
    client.post("/v3/catalog/products", a_product(1, variants=sizes("S")))
    client.post("/v3/catalog/products", a_product(2))
    client.post("/v3/catalog/products", a_product(3, sku="SH,3"))
    found = reads.products_by_sku(client, ["SH-1", "SH-2", "SH,3", "V-S", "", "SH-1", "nobody"])
    assert sorted(row["sku"] for row in found) == ["SH,3", "SH-1", "SH-2"]
    assert reads.products_by_sku(client, ["", ""]) == []
    variants = reads.variants_by_sku(client, "V-S")
    assert [variant["sku"] for variant in variants] == ["V-S"]
    assert [row["name"] for row in reads.products_by_name(client, "Shirt 1")] == ["Shirt 1"]


def test_many_skus_are_looked_up_in_few_calls(client: Client) -> None:
    for number in range(3):
        client.post("/v3/catalog/products", a_product(number * 50))
    before = client.calls
    assert len(reads.products_by_sku(client, [f"SH-{number}" for number in range(120)])) == 3
    assert client.calls - before == 3


def test_one_product_is_read_whole_or_refused_as_gone(client: Client) -> None:
    made = client.post("/v3/catalog/products", a_product(1, variants=sizes("S", "M", "L"))).data["id"]
    assert len(reads.product(client, made)["variants"]) == 3
    assert len(reads.variants_of(client, made)) == 3
    with pytest.raises(RefusedByStore) as refusal:
        reads.product(client, made + 1)
    assert refusal.value.status == 404


def test_a_store_that_stumbles_is_read_all_the_same(store: Store, client: Client) -> None:
    client.post("/v3/catalog/products", a_product(1))
    store.faults.add(Fault("status_before", path="catalog/products", times=1))
    store.faults.add(Fault("drop_after_commit", path="catalog/products", nth=2, times=1))
    assert len(reads.products(client).rows) == 1


def test_a_store_that_stays_down_is_unwell(store: Store, client: Client) -> None:
    store.faults.add(Fault("status_before", path="catalog/products"))
    with pytest.raises(StoreUnwell):
        reads.products(client)


def test_a_create_whose_answer_is_lost_is_found_by_its_sku(store: Store, client: Client) -> None:
    store.faults.add(Fault("drop_after_commit", method="POST", times=1))
    with pytest.raises(AnswerLost):
        client.post("/v3/catalog/products", a_product(1))
    assert [row["name"] for row in reads.products_by_sku(client, ["SH-1"])] == ["Shirt 1"]


def test_a_taken_name_is_refused_with_the_field_that_is_wrong(client: Client) -> None:
    client.post("/v3/catalog/products", a_product(1))
    with pytest.raises(RefusedByStore) as refusal:
        client.post("/v3/catalog/products", a_product(1, sku="other"))
    assert refusal.value.status == 409
    assert "name" in refusal.value.errors


def test_a_wrong_token_and_a_missing_scope_stop_the_run(store: Store, client: Client) -> None:
    with pytest.raises(CredentialsRefused):
        reads.store_info(a_client(store, token="wrong"))
    store.configure(scopes=["store_v2_information_read_only"])
    with pytest.raises(ScopeMissing, match="products"):
        reads.products(client)
    assert reads.store_info(client)["id"] == "abc"


def test_a_bare_refusal_pauses_the_store_and_the_call_is_sent_again(store: Store, client: Client) -> None:
    store.faults.add(Fault("429", path="catalog/products", times=1, headers=False))
    waits: list[float] = []

    def note(seconds: float) -> bool:
        waits.append(seconds)
        return True

    client.patience = note
    assert reads.products(client).rows == []
    assert 3 < waits[0] <= 5


def test_many_threads_use_the_quota_and_are_never_turned_away(store: Store) -> None:
    store.configure(quota=25, window_seconds=1.5, latency=0.1)
    client = a_client(store)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: client.get("/v2/time"), range(120)))
    entries = list(store.log.entries)
    assert [entry.status for entry in entries] == [200] * 120
    begun = store.window._start % 1.5
    windows = [int((entry.at - begun) // 1.5) for entry in entries]
    inner = [windows.count(window) for window in range(min(windows) + 2, max(windows))]
    assert inner
    assert sum(inner) >= 0.9 * 25 * len(inner)
