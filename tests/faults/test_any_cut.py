"""Wherever slices end and workers die, the store ends up the same, and so do the books."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from sandbox.generator.catalogue import generate
from sandbox.generator.dirt import Dirt
from sandbox.stage.compare import content
from sandbox.stage.dying import Fate
from sandbox.stage.stage import Cast, Stage
from worker.ledger.session import as_tenant
from worker.settings import Settings

CATALOGUE = generate(seed=1, categories=12, products=25, variants_per_product=(0, 4), dirt=Dirt.everywhere(0.05))
FATES = st.lists(st.integers(min_value=0, max_value=130), max_size=4)
"""For each worker in turn: after how many moments (calls, commits) it dies; the last one lives."""
SLICES = st.sampled_from([600.0, 1.0, 0.2, 0.05])


@dataclass(frozen=True)
class End:
    """All that must be the same in the end."""

    state: str
    counters: frozenset[tuple[Any, ...]]
    store: dict[str, Any]
    made: dict[str, int]


_names = count()


def played(config: Settings, *, slice_seconds: float, fates: list[int], edits: bool) -> End:
    """A run from a new tenant's request to the end, the workers dying on the way."""
    fate = Fate()
    chosen = config.model_copy(update={"slice_seconds": slice_seconds, "slice_yield_seconds": min(slice_seconds, 60)})
    stage = Stage(chosen, wrap=fate.wrap, haste=50)
    fate.watch(stage.engine)
    try:
        cast = stage.connect(f"cut-{next(_names)}", CATALOGUE, storefronts=2, profile=TWO_STOREFRONTS)
        if edits:
            stage.request(cast)
            stage.play()
            edit(stage, cast)
        stage.request(cast)
        for dies_after in fates:
            fate.new_worker(dies_after)
            stage.play_one()
            fate.new_worker()
            if not stage.messages:
                stage.let_time_pass()
        stage.play()
        return end_of(stage, cast)
    finally:
        stage.close()


TOP = next(row[1] for row in CATALOGUE["data"]["catalogue"] if not row[2])
CHILD = next(row[1] for row in CATALOGUE["data"]["catalogue"] if row[2] == TOP)
TWO_STOREFRONTS = {"storefronts": [{"storefront": 1}, {"storefront": 2, "root": CHILD}]}


VARIED = {1002, 1004}
"""Two products with variants that are fit to be sent."""


def edit(stage: Stage, cast: Cast) -> None:
    """Something of everything: prices, names, pictures, custom fields, places, hidden and deleted items."""
    columns = [c if isinstance(c, str) else next(iter(c)) for c in CATALOGUE["data_schema"]["products"]]
    picture, extra = columns.index("product_image"), columns[-2]
    sound = [row for row in CATALOGUE["data"]["products"] if row[columns.index("product_weight")]][5:15]
    ids = [row[1] for row in sound]
    source = stage.sources
    source.edit(cast.code, "products", ids[0], {"product_price": "77.5"})
    source.edit(cast.code, "products", ids[1], {"product_name_en": "Entirely renamed"})
    source.edit(cast.code, "products", ids[2], {"product_image": list(reversed(sound[2][picture]))})
    source.edit(cast.code, "products", ids[3], {"product_image": sound[4][picture][:1] + sound[3][picture][:1]})
    source.edit(cast.code, "products", ids[4], {extra: "changed by hand", "ID_catalogue": [TOP, CHILD]})
    source.hide(cast.code, "products", ids[5])
    source.delete(cast.code, "products", ids[8])
    for variant in [row[1] for row in CATALOGUE["data"]["product_formats"] if row[2] in VARIED]:
        source.edit(cast.code, "product_formats", variant, {"format_price": "9.95"})


def end_of(stage: Stage, cast: Cast) -> End:
    """What the register and the store say at the end."""
    with as_tenant(stage.engine, cast.tenant_id) as session:
        state = session.scalar(text("SELECT state FROM run ORDER BY id DESC LIMIT 1"))
        counters = session.execute(
            text(
                "SELECT kind, storefront_id, figure, count FROM run_counter WHERE figure NOT LIKE 'to_%' AND count <> 0"
                " AND run_id = (SELECT max(id) FROM run)"
            )
        )
        pending = session.scalar(text("SELECT count(*) FROM pending_change"))
        assert pending == 0
        recounts = session.scalars(
            text("SELECT text FROM run_message WHERE code IN ('recount_differs', 'not_recounted')")
        )
        assert recounts.all() == []
        figures = frozenset(tuple(row) for row in counters)
    store = stage.stores.store(cast.store_hash)
    return End(str(state), figures, content(stage.stores.snapshot(cast.store_hash)), store.created())


@pytest.fixture(scope="module")
def undisturbed(config: Settings) -> dict[bool, End]:
    return {edits: played(config, slice_seconds=600, fates=[], edits=edits) for edits in (False, True)}


def test_the_edits_reach_the_store_and_only_they_do(undisturbed: dict[bool, End]) -> None:
    before, after = undisturbed[False].store, undisturbed[True].store
    changed = {
        name
        for name in {*before["products"], *after["products"]}
        if before["products"].get(name) != after["products"].get(name)
    }
    assert len(changed) == 10  # nine products were touched, one of them is known by two names
    assert before["categories"] == after["categories"]
    booked = {row[2]: row[3] for row in undisturbed[True].counters if row[0] == "product"}
    assert booked["disabled"] == 2
    assert booked["updated"] == 5


@pytest.mark.parametrize("edits", [False, True], ids=["first run", "after edits at the source"])
def test_the_end_is_the_same_wherever_slices_end_and_workers_die(
    config: Settings, undisturbed: dict[bool, End], *, edits: bool
) -> None:
    assert undisturbed[edits].state == "completed_with_errors"

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(slice_seconds=SLICES, fates=FATES)
    def the_same(slice_seconds: float, fates: list[int]) -> None:
        end = played(config, slice_seconds=slice_seconds, fates=fates, edits=edits)
        expected = undisturbed[edits]
        assert end.store == expected.store
        assert end.made == expected.made
        assert end.counters == expected.counters
        assert end.state == expected.state

    the_same()
