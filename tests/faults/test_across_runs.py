"""What one run leaves behind the next one finds: at first link, after trouble midway, and among others' things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from sandbox.bigcommerce.transport import SandboxTransport
from sandbox.stage.stage import TOKEN, Died, Stage
from worker.ledger import connectors
from worker.ledger.session import as_tenant
from worker.settings import Settings

_names = count()
NAMES = {
    "catalogue": ["STATUS", "ID", "ID_PARENT", "REF", "section_name"],
    "products": [
        "STATUS",
        "ID",
        "ID_catalogue",
        "REF",
        "product_name",
        "product_price",
        "product_weight",
        "product_code",
    ],
    "product_formats": ["STATUS", "ID", "ID_products", "REF", "size"],
}


def catalogue(
    *, categories: list[list[Any]] | None = None, products: list[list[Any]] | None = None, sizes: str = ""
) -> dict[str, Any]:
    """One shirt in one category, in these sizes; or what is given."""
    variants = [["M", 9001 + n, 301, f"V{n + 1}", size] for n, size in enumerate(sizes.split())]
    return {
        "schema": {"company_ID": 7, "connector_type": "default", "default_language": "en", "languages": ["en"]},
        "data_schema": NAMES,
        "data_schema_info": {
            table: {one: {"type": "string"} for one in columns[4:]} for table, columns in NAMES.items()
        },
        "data": {
            "catalogue": categories or [["M", 1, 0, "C1", "Shirts"]],
            "products": products or [["M", 301, [1], "P301", "Laurel", "10", "0.2"]],
            "product_formats": variants,
        },
    }


class Between(httpx.BaseTransport):
    """Stands between us and a neighbour: may refuse a call, or do something before or after it."""

    def __init__(self, inner: httpx.BaseTransport, shop: Shop) -> None:
        self._inner = inner
        self._shop = shop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._shop.refuses(request):
            return httpx.Response(401, text="Unauthorized", request=request)
        self._shop.before(request)
        response = self._inner.handle_request(request)
        self._shop.after(request)
        return response


class Shop:
    """A connector on a stage, and the merchant's own hands in the store."""

    def __init__(self, config: Settings, source: dict[str, Any], **options: Any) -> None:
        self.refuses: Callable[[httpx.Request], bool] = lambda _: False
        self.before: Callable[[httpx.Request], None] = lambda _: None
        self.after: Callable[[httpx.Request], None] = lambda _: None
        self.stage = Stage(config, wrap=lambda transport: Between(transport, self), haste=50)
        self.cast = self.stage.connect(f"across-{next(_names)}", source, **options)
        self.merchant = httpx.Client(
            transport=SandboxTransport(self.stage.stores),
            headers={"X-Auth-Token": TOKEN},
            base_url=f"https://store.test/stores/{self.cast.store_hash}/v3",
        )

    def run(self, *, refresh: bool = False) -> str:
        """A run to its end; its state."""
        self.stage.request(self.cast, refresh=refresh)
        self.stage.play(most=100)
        return str(self.rows("SELECT state FROM run ORDER BY id DESC LIMIT 1")[0][0])

    def mend(self) -> None:
        """The trouble is over, and the connector is enabled again."""
        self.refuses = lambda _: False
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            connectors.enable(session, self.cast.connector_id)

    def edit(self, table: str, source_id: int, **values: Any) -> None:
        """Change an item at the source."""
        self.stage.sources.edit(self.cast.code, table, source_id, values)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the tenant's."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return [tuple(row) for row in session.execute(text(sql))]

    def status(self, kind: str) -> dict[int, tuple[str, str | None]]:
        """Source id -> outcome and code."""
        found = self.rows(f"SELECT source_id, outcome, code FROM item_status WHERE kind = '{kind}'")  # noqa: S608
        return {row[0]: (row[1], row[2]) for row in found}

    @property
    def products(self) -> list[dict[str, Any]]:
        """The store's products."""
        found: list[dict[str, Any]] = self.stage.stores.snapshot(self.cast.store_hash)["products"]
        return found

    def writes(self) -> dict[str, int]:
        """Route -> writes since the log was cleared."""
        routes = self.stage.stores.store(self.cast.store_hash).log.counters()["by_route"]
        return {route: number for route, number in routes.items() if not route.startswith("GET")}

    def forget_the_log(self) -> None:
        """Count calls from here on."""
        self.stage.stores.store(self.cast.store_hash).log.clear()


@pytest.fixture
def shop(config: Settings) -> Iterator[Callable[..., Shop]]:
    made: list[Shop] = []

    def make(*arguments: Any, **options: Any) -> Shop:
        made.append(Shop(config, *arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.stage.close()


Make = Callable[..., Shop]


def test_a_draft_of_the_merchant_is_linked_and_not_published(shop: Make) -> None:
    here = shop(catalogue())
    draft = {"name": "Laurel", "sku": "P301", "type": "physical", "weight": 0.2, "price": 10, "is_visible": False}
    here.merchant.post("/catalog/products", json=draft).raise_for_status()
    assert here.run() == "completed"
    assert [(one["name"], one["is_visible"]) for one in here.products] == [("Laurel", False)]


def test_a_category_that_coincides_is_linked_without_a_call(shop: Make) -> None:
    here = shop(catalogue())
    here.merchant.post("/catalog/trees/categories", json=[{"tree_id": 1, "name": "Shirts"}]).raise_for_status()
    here.forget_the_log()
    here.run()
    assert not [route for route in here.writes() if "categories" in route]


def test_what_no_storefront_shows_is_settled_and_starts_no_run(shop: Make) -> None:
    tree = [["M", 1, 0, "C1", "Root"], ["M", 2, 1, "C2", "Sub"], ["M", 3, 2, "C3", "Leaf"], ["M", 4, 1, "C4", "Other"]]
    profile = {"storefronts": [{"storefront": 1, "root": 2}]}
    products = [["M", 300 + n, [n], f"P{n}", f"Product {n}", "10", "1"] for n in (2, 3)]
    here = shop(catalogue(categories=tree, products=products), profile=profile)
    assert here.run() == "completed"
    assert here.run() == "unchanged"
    here.edit("catalogue", 3, ID_PARENT=4)
    here.edit("catalogue", 2, section_name="Sub, renamed")
    here.run()
    assert here.status("category")[3][0] == "disabled"
    assert here.status("category")[2][0] == "updated"


def test_a_rebuild_that_trouble_cut_off_is_brought_to_its_end_with_its_stock(shop: Make) -> None:
    here = shop(catalogue(sizes="S M L"))
    here.run()
    product = here.products[0]
    here.merchant.put(f"/catalog/products/{product['id']}", json={"inventory_tracking": "variant"})
    for one in product["variants"]:
        path = f"/catalog/products/{product['id']}/variants/{one['id']}"
        here.merchant.put(path, json={"inventory_level": 11, "map_price": 5})
    # The label stays with a variant that is gone at the source, so it cannot be given to another value.
    here.stage.sources.delete(here.cast.code, "product_formats", 9003)
    here.edit("product_formats", 9001, size="L")
    here.refuses = lambda request: request.method == "POST" and request.url.path.endswith("/variants")
    assert here.run() == "failed"
    here.mend()
    here.run()
    sizes = {one["sku"]: one["option_values"][0]["label"] for one in here.products[0]["variants"]}
    assert sizes == {"V1": "L", "V2": "M"}
    assert {(one["inventory_level"], one["map_price"]) for one in here.products[0]["variants"]} == {(11, 5)}


def test_another_option_set_does_not_take_a_variant_of_the_merchant_with_it(shop: Make) -> None:
    here = shop(catalogue(sizes="S"))
    here.run()
    product = here.products[0]
    option = product["options"][0]
    path = f"/catalog/products/{product['id']}"
    value = here.merchant.post(f"{path}/options/{option['id']}/values", json={"label": "XXL", "sort_order": 9}).json()
    chosen = [{"option_id": option["id"], "id": value["data"]["id"]}]
    here.merchant.post(f"{path}/variants", json={"sku": "MERCH", "option_values": chosen}).raise_for_status()
    here.stage.sources.edit(here.cast.code, "product_formats", 9001, {"size": "Small"})
    here.run()
    assert {one["sku"] for one in here.products[0]["variants"]} == {"V1", "MERCH"}
    assert {one["label"] for one in here.products[0]["options"][0]["option_values"]} == {"Small", "XXL"}


def test_new_variants_of_one_product_do_not_fight_over_its_options(shop: Make) -> None:
    here = shop(catalogue())
    here.run()
    for number, size in enumerate(("XS", "S", "M", "L", "XL", "XXL")):
        row = {"ID": 9100 + number, "ID_products": 301, "REF": f"N{number}", "size": size}
        here.stage.sources.add(here.cast.code, "product_formats", row)
    assert here.run() == "completed"
    assert {outcome for outcome, _ in here.status("variant").values()} == {"created"}
    assert len(here.products[0]["variants"]) == 6
    assert here.products[0]["options"][0]["type"] == "dropdown"


def test_what_is_removed_while_it_is_sent_is_made_again(shop: Make) -> None:
    here = shop(catalogue())
    here.run()
    gone = here.products[0]["id"]
    here.edit("products", 301, product_name="New name")

    def remove(request: httpx.Request) -> None:
        if request.method == "PUT" and request.url.path.endswith(f"/catalog/products/{gone}"):
            here.merchant.delete(f"/catalog/products/{gone}")

    here.before = remove
    assert here.run() == "completed_with_errors"
    assert here.status("product")[301] == ("failed", "removed_in_store")
    assert here.run() == "completed"
    assert [one["name"] for one in here.products] == ["New name"]


def test_a_creation_in_doubt_that_is_linked_by_the_next_run_is_not_sent_again(shop: Make) -> None:
    here = shop(catalogue())

    def die(request: httpx.Request) -> None:
        if request.method == "POST" and request.url.path.endswith("/catalog/products"):
            raise Died

    here.after = die
    here.stage.request(here.cast)
    assert here.stage.play_one() == "died"
    here.after = lambda _: None
    here.refuses = lambda _: True
    here.stage.play()
    here.mend()
    assert here.run() == "completed"
    assert len(here.products) == 1
    assert here.rows("SELECT count(*) FROM pending_change") == [(0,)]


def test_a_request_that_waits_behind_refused_credentials_is_answered(shop: Make) -> None:
    here = shop(catalogue())
    here.refuses = lambda _: True
    here.stage.check(here.cast)
    here.before = lambda _: None
    asked = here.stage.request(here.cast)
    here.stage.play(most=10)
    assert here.rows(f"SELECT state FROM run WHERE id = {asked}") == [("failed",)]  # noqa: S608


def test_another_column_for_the_sku_is_seen_at_the_next_refresh(shop: Make) -> None:
    twins = [["M", 301, [1], "P301", "A", "10", "1", "X1"], ["M", 302, [1], "P302", "B", "10", "1", "X1"]]
    here = shop(catalogue(products=twins))
    here.run()
    here.rows(
        "UPDATE connector SET profile = jsonb_set(profile, '{mapping,product,sku}', '\"product_code\"') RETURNING 1"
    )
    here.run(refresh=True)
    assert here.status("product")[302] == ("failed", "sku_taken")


def test_a_variant_that_moves_to_another_product_is_told_apart_and_harms_no_sibling(shop: Make) -> None:
    source = catalogue(
        products=[["M", 301, [1], "P301", "A", "10", "1"], ["M", 302, [1], "P302", "B", "10", "1"]], sizes="S M"
    )
    source["data"]["product_formats"].append(["M", 9003, 302, "V3", "S"])
    here = shop(source)
    here.run()
    here.edit("product_formats", 9002, ID_products=302)
    here.run()
    assert here.status("variant")[9002] == ("failed", "variant_moved")
    assert here.status("variant")[9003][0] == "created"
