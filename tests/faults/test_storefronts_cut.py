"""Wherever slices end and workers die while storefronts change, all of them show in the end what they should."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from sandbox.stage.compare import content
from sandbox.stage.dying import Fate
from tests.shops import HATS, HOME, LAMPS, MEN, SHOES, Shop, catalogue
from worker.ledger.session import as_tenant
from worker.settings import Settings

FATES = st.lists(st.integers(min_value=0, max_value=70), max_size=4)
"""For each worker in turn: after how many moments (calls, commits) it dies; the last one lives."""
SLICES = st.sampled_from([600.0, 1.0, 0.2, 0.05])
LINKS = [(1, None), (2, None), (3, MEN)]


@dataclass(frozen=True)
class End:
    """All that must be the same in the end."""

    state: str
    counters: frozenset[tuple[Any, ...]]
    messages: list[tuple[str, str]]
    choices: list[str]
    store: dict[str, Any]
    made: dict[str, int]


def played(config: Settings, *, slice_seconds: float, fates: list[int]) -> End:
    """A first run, then changes of what every storefront shows; in the run after them the workers die on the way."""
    fate = Fate()
    chosen = config.model_copy(update={"slice_seconds": slice_seconds, "slice_yield_seconds": min(slice_seconds, 60)})
    everywhere = ["1", "2", "3"]
    cells = {MEN: ["1", "3"], SHOES: everywhere, HATS: everywhere}
    source = catalogue(categories=cells, products={301: "1, 3", 302: "1, 3", 303: ["2"]})
    fields = {"category": "section_storefronts", "product": "product_storefronts"}
    shop = Shop(chosen, source, links=LINKS, storefronts=3, wrap=fate.wrap, storefront_list=fields)
    fate.watch(shop.stage.engine)
    try:
        shop.may_import()
        shop.run()
        edit(shop)
        shop.stage.request(shop.cast)
        for dies_after in fates:
            fate.new_worker(dies_after)
            shop.stage.play_one()
            fate.new_worker()
            if not shop.stage.messages:
                shop.stage.let_time_pass()
        shop.stage.play()
        return end_of(shop)
    finally:
        shop.stage.close()


def edit(shop: Shop) -> None:
    """A category and products move, one is taken off everywhere, a storefront loses its root, another one is new."""
    shop.edit("catalogue", HOME, section_storefronts=["2"])
    shop.edit("catalogue", LAMPS, section_storefronts=["2"])
    shop.edit("catalogue", MEN, section_storefronts=["1", "2"])
    shop.edit("products", 301, product_storefronts=[])
    shop.edit("products", 302, product_storefronts=["2"], product_price="11")
    shop.edit("products", 303, product_storefronts=["1", "Outlet"])
    shop.store.configure(channels=[{"id": 9, "name": "Outlet"}])


def end_of(shop: Shop) -> End:
    """What the register, the source and the store say at the end."""
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        assert session.scalar(text("SELECT count(*) FROM pending_change")) == 0
        state = session.scalar(text("SELECT state FROM run ORDER BY id DESC LIMIT 1"))
        counters = session.execute(
            text(
                "SELECT kind, storefront_id, figure, count FROM run_counter WHERE figure NOT LIKE 'to_%' AND count <> 0"
                " AND run_id = (SELECT max(id) FROM run)"
            )
        )
        figures = frozenset(tuple(row) for row in counters)
    _, _, choices = shop.choices()[-1]
    snapshot = shop.stage.stores.snapshot(shop.cast.store_hash)
    return End(str(state), figures, shop.messages(), choices, content(snapshot), shop.store.created())


def test_the_end_is_the_same_wherever_slices_end_and_workers_die(config: Settings) -> None:
    expected = played(config, slice_seconds=600, fates=[])
    assert (expected.state, [code for code, _ in expected.messages]) == ("completed", ["storefront_left_alone"])
    assert expected.choices[-1] == "Outlet (9)"
    channels = {name: product["channels"] for name, product in expected.store["products"].items()}
    # The third storefront has no valid category any more: who is there stays there.
    assert channels == {"Trainer": [3], "Cap": [2, 3], "Set": [1], "Lantern": [2]}

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(slice_seconds=SLICES, fates=FATES)
    def the_same(slice_seconds: float, fates: list[int]) -> None:
        assert played(config, slice_seconds=slice_seconds, fates=fates) == expected

    the_same()
