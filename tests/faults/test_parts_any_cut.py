"""Wherever slices end and workers die, what hangs on products ends up the same, and nothing is doubled."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from sandbox.bigcommerce.faults import Fault
from sandbox.stage.compare import content
from sandbox.stage.dying import Fate
from sandbox.stage.stage import Cast, Stage
from tests import rich_in_parts as rich
from tests.rich_in_parts import SONG, TALK, TOUR, rules
from worker.ledger.session import as_tenant
from worker.settings import Settings

FATES = st.lists(st.integers(min_value=0, max_value=60), max_size=4)
"""For each worker in turn: after how many moments (calls, commits) it dies; the last one lives."""
SLICES = st.sampled_from([600.0, 0.2, 0.05])
EDITS: dict[int, dict[str, Any]] = {
    301: {"videos": f"{TALK},{TOUR}", "fabric": "Velvet", "origin": "Spain"}
    | rules(("2", "14", "percent", "5"), ("15", "30", "price", "2"), ("31", "0", "fixed", "1")),
    302: {"related_products": "P-303, P-304", "origin": ""}
    | rules(("2", "9", "fixed", "8"), ("10", "0", "fixed", "7")),
    303: {"related_products": "", "fabric": "", "videos": f"{SONG},{TALK}"},
    304: rules(("5", "0", "percent", "1")) | {"related_products": "305"},
    305: rules(),
}
_names = count()


def played(
    config: Settings, *, slice_seconds: float, fates: list[int], edits: bool, fault: Fault | None = None
) -> dict[str, Any]:
    """A run from a new tenant's request, or after edits, to its end; the store then."""
    fate = Fate()
    chosen = config.model_copy(update={"slice_seconds": slice_seconds, "slice_yield_seconds": min(slice_seconds, 60)})
    stage = Stage(chosen, wrap=fate.wrap, haste=50)
    fate.watch(stage.engine)
    said = rich.products()
    try:
        cast = stage.connect(f"cut-parts-{next(_names)}", rich.catalogue(said), profile=rich.PROFILE)
        if edits:
            stage.request(cast)
            stage.play()
            for source_id, cells in EDITS.items():
                said[source_id] |= cells
                stage.sources.edit(cast.code, "products", source_id, cells)
            stage.sources.edit(cast.code, "product_formats", 9002, {"care": "Iron"})
        if fault is not None:
            stage.stores.store(cast.store_hash).faults.add(fault)
        stage.request(cast)
        for dies_after in fates:
            fate.new_worker(dies_after)
            stage.play_one()
            fate.new_worker()
            if not stage.messages:
                stage.let_time_pass()
        stage.play()
        assert state_of(stage, cast) == ("completed", 0)
        snapshot = stage.stores.snapshot(cast.store_hash)
        assert rich.held(snapshot) == rich.wanted(said)
        return content(snapshot)
    finally:
        stage.close()


def state_of(stage: Stage, cast: Cast) -> tuple[str, int]:
    """The run's state, and how many changes are still pending."""
    with as_tenant(stage.engine, cast.tenant_id) as session:
        state = session.scalar(text("SELECT state FROM run ORDER BY id DESC LIMIT 1"))
        return str(state), int(session.scalar(text("SELECT count(*) FROM pending_change")) or 0)


@pytest.mark.parametrize("edits", [False, True], ids=["first run", "after edits at the source"])
def test_the_end_is_the_same_wherever_slices_end_and_workers_die(config: Settings, *, edits: bool) -> None:
    expected = played(config, slice_seconds=600, fates=[], edits=edits)

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(slice_seconds=SLICES, fates=FATES)
    def the_same(slice_seconds: float, fates: list[int]) -> None:
        assert played(config, slice_seconds=slice_seconds, fates=fates, edits=edits) == expected

    the_same()


@pytest.mark.parametrize(
    ("method", "path", "edits"),
    [
        ("POST", r"/products$", False),  # a whole product with its rules and videos
        ("PUT", r"/products$", False),  # related products
        ("POST", r"/products/metafields$", False),
        ("POST", r"/variants/metafields$", False),
        ("PUT", r"/products/\d+$", True),  # rules, some of them new
        ("POST", r"/products/\d+/videos$", True),
        ("DELETE", r"/products/\d+/videos/\d+$", True),
        ("DELETE", r"/products/\d+/bulk-pricing-rules/\d+$", True),
        ("POST", r"/products/metafields$", True),
        ("PUT", r"/products/metafields$", True),
        ("DELETE", r"/products/metafields$", True),
    ],
)
@pytest.mark.parametrize("action", ["drop_after_commit", "drop_before", "status_after"])
def test_a_lost_answer_doubles_nothing_and_loses_nothing(
    config: Settings, *, method: str, path: str, edits: bool, action: str
) -> None:
    fault = Fault(action, method=method, path=path, times=2)
    played(config, slice_seconds=600, fates=[], edits=edits, fault=fault)  # compares the store with the source
    assert fault.fired == min(2, fault.matched) > 0
