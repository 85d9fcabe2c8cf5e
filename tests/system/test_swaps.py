"""What changes places at the source changes places in the store: SKUs, names, and both together with option values."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.stage.dying import Fate
from tests.system.shirts import Shop, product, variant
from worker.ledger import source_items
from worker.ledger.session import as_tenant
from worker.settings import Settings

Make = Callable[..., Shop]


def test_variants_whose_skus_change_places(open_shirts: Make) -> None:
    here = open_shirts([product()], [variant(1, size="S"), variant(2, size="M"), variant(3, size="L")])
    here.run()
    ids = here.ids()
    here.vary(1, REF="V2")
    here.vary(2, REF="V1")
    assert here.run() == "completed"
    assert here.labels() == {"V2": "S", "V1": "M", "V3": "L"}
    assert here.ids() == {"V2": ids["V1"], "V1": ids["V2"], "V3": ids["V3"]}
    here.run(refresh=True)
    assert here.log.counters()["writes"] == 0


def test_variants_whose_skus_go_round(open_shirts: Make) -> None:
    here = open_shirts([product()], [variant(1, size="S"), variant(2, size="M"), variant(3, size="L")])
    here.run()
    ids = here.ids()
    for n in (1, 2, 3):
        here.vary(n, REF=f"V{n % 3 + 1}")
    assert here.run() == "completed"
    assert here.ids() == {"V2": ids["V1"], "V3": ids["V2"], "V1": ids["V3"]}


def test_products_whose_skus_or_names_change_places(open_shirts: Make) -> None:
    here = open_shirts([product(), product(302), product(303), product(304)])
    here.run()
    ids = {n: here.product(n)["id"] for n in (301, 302, 303, 304)}
    here.set("products", 301, REF="P302")
    here.set("products", 302, REF="P301")
    here.set("products", 303, product_name="Shirt 304")
    here.set("products", 304, product_name="Shirt 303")
    assert here.run() == "completed"
    assert (here.product(301)["id"], here.product(302)["id"]) == (ids[302], ids[301])
    assert (here.product(303)["name"], here.product(304)["name"]) == ("Shirt 304", "Shirt 303")


def test_variants_whose_skus_and_values_change_places_are_told_apart(open_shirts: Make) -> None:
    here = open_shirts([product()], [variant(1, size="S", fit="Slim"), variant(2, size="M", fit="Slim")], store=NOW)
    here.run()
    here.track("variant")
    here.stocks(1, V1=11, V2=22)
    here.vary(1, REF="V2", size="M")
    here.vary(2, REF="V1", size="S")
    assert here.run() == "completed"
    assert here.labels() == {"V2": "Slim/M", "V1": "Slim/S"}
    assert here.levels() == {"V2": 11, "V1": 22}, "stock stays with the item, not with its SKU"


def test_variants_whose_skus_change_places_in_a_rebuild(open_shirts: Make) -> None:
    rows = [variant(1, size="S", fit="Slim"), variant(2, size="S", fit="Wide"), variant(3, size="M", fit="Slim")]
    here = open_shirts([product()], rows, store=NOW)
    here.run()
    here.track("variant")
    here.stocks(1, V1=11, V2=22, V3=33)
    here.vary(1, REF="V3", size="XS")
    here.vary(3, REF="V1")
    # The variant that is made anew waits for no other; what failed then is sent again together.
    here.run()
    here.run()
    with as_tenant(here.stage.engine, here.cast.tenant_id) as session:
        assert source_items.retry(session, here.cast.connector_id) == 2
    assert here.run() == "completed"
    assert here.labels() == {"V3": "Slim/XS", "V2": "Wide/S", "V1": "Slim/M"}
    assert here.levels() == {"V3": 11, "V2": 22, "V1": 33}


def test_a_sku_that_a_merchant_s_product_keeps_makes_nobody_step_aside(open_shirts: Make) -> None:
    here = open_shirts([product(), product(302)])
    here.run()
    theirs = {"name": "Theirs", "type": "physical", "weight": 1, "price": 1, "sku": "P900"}
    here.merchant.post("/catalog/products", json=theirs).raise_for_status()
    here.set("products", 301, REF="P900")
    here.set("products", 302, REF="P302-B")
    assert here.run() == "completed_with_errors"
    assert here.status("product", 301)[0] == "failed"
    assert here.product(301)["sku"] == "P301"
    assert not any("~" in str(body) for body in here.bodies("PUT /v3/catalog/products"))


@pytest.mark.parametrize("dies_after", range(1, 30, 2))
def test_wherever_a_worker_dies_skus_have_gone_round_in_the_end(config: Settings, dies_after: int) -> None:
    fate = Fate()
    here = Shop(config, [product(), product(302)], [variant(n, size=size) for n, size in SIZES], fate=fate)
    here.run()
    ids = here.ids()
    names = {n: here.product(n)["id"] for n in (301, 302)}
    for n in (1, 2, 3):
        here.vary(n, REF=f"V{n % 3 + 1}")
    here.set("products", 301, product_name="Shirt 302")
    here.set("products", 302, product_name="Shirt 301")
    here.stage.request(here.cast)
    fate.new_worker(dies_after)
    here.stage.play_one()
    fate.new_worker()
    here.stage.play()
    assert here.ids() == {"V2": ids["V1"], "V3": ids["V2"], "V1": ids["V3"]}
    assert {n: here.product(n)["id"] for n in (301, 302)} == names
    assert (here.product(301)["name"], here.product(302)["name"]) == ("Shirt 302", "Shirt 301")
    assert here.run(refresh=True) == "completed"
    assert here.log.counters()["writes"] == 0
    here.stage.close()


NOW = {"switches": {"inventory_lag": 0}}
SIZES = ((1, "S"), (2, "M"), (3, "L"))
