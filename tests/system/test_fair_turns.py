"""The express lane, with the service's own slices: a small run is next, whatever its neighbours have to do."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from sandbox.stage.stage import Cast, Stage
from tests.playing import a_catalogue
from worker.ledger.session import as_scheduler, as_tenant
from worker.settings import Settings

_names = itertools.count()


def cups(many: int) -> dict[str, Any]:
    products = [
        {"ID": 300 + n, "ID_catalogue": 1, "name": f"Cup {n}", "sku": f"C-{n}", "price": "9", "weight": "1"}
        for n in range(many)
    ]
    return a_catalogue([{"ID": 1, "ID_PARENT": 0, "name": "Cups"}], products)


class Meanwhile(httpx.BaseTransport):
    """Counts the calls to stores, and does something during the n-th one."""

    def __init__(self, inner: httpx.BaseTransport, calls: list[str], at: int, then: Callable[[], None]) -> None:
        self._inner, self._calls, self._at, self._then = inner, calls, at, then

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/stores/"):
            self._calls.append(request.url.path.split("/")[2])
            if len(self._calls) == self._at:
                self._then()
            if request.url.path.split("/")[2].startswith("giant"):
                threading.Event().wait(0.05)
        return self._inner.handle_request(request)


@pytest.fixture
def stage(config: Settings) -> Iterator[Stage]:
    """A stage with a door for one, and slices that yield after a second: long enough for a small run."""
    short = {"slice_yield_seconds": 1.0, "door_size": 1, "calls_in_flight": 3}
    opened = Stage(config.model_copy(update=short), haste=50)
    yield opened
    opened.close()


def state(stage: Stage, cast: Cast) -> str:
    with as_tenant(stage.engine, cast.tenant_id) as session:
        return str(session.scalar(text("SELECT state FROM run WHERE connector_id = :id"), {"id": cast.connector_id}))


def slices(stage: Stage, *casts: Cast) -> list[tuple[int, str]]:
    """(connector, why it ended) of each slice, in their order."""
    with as_scheduler(stage.engine) as session:
        rows = session.execute(
            text("SELECT connector_id, ended_why FROM slice_log WHERE connector_id = ANY(:ids) ORDER BY started_at"),
            {"ids": [one.connector_id for one in casts]},
        )
        return [(row[0], row[1]) for row in rows]


@pytest.mark.parametrize("connectors", [1, 4])
def test_a_small_run_of_another_tenant_is_served_after_the_yield_quantum(stage: Stage, connectors: int) -> None:
    name = next(_names)
    giants = [stage.connect(f"giant-{name}", cups(120), name=f"shop{n}") for n in range(connectors)]
    small = stage.connect(f"small-{name}", cups(1))
    calls: list[str] = []
    begun: list[int] = []

    def asks() -> None:
        begun.append(len(slices(stage, *giants, small)))
        stage.request(small)
        # It has stood at the door for three seconds, as far as the slice can tell.
        with as_scheduler(stage.engine) as session:
            session.execute(
                text("UPDATE turn SET deadline = deadline - interval '3 s' WHERE connector_id = :id"),
                {"id": small.connector_id},
            )

    stage.wrap = lambda inner: Meanwhile(inner, calls, 30, asks)
    for giant in giants:
        stage.request(giant)
    while state(stage, small) != "completed":
        assert stage.play_one() is not None
    served = slices(stage, *giants, small)
    # The slice under way gives way; what stood at the door comes first, and nobody else does.
    before = [who for who, _ in served].index(small.connector_id)
    assert served[before - 1][1] == "wanted"
    assert before - begun[0] <= (0 if connectors == 1 else 1)
    assert "completed" not in {state(stage, giant) for giant in giants}
    stage.wrap = lambda inner: inner
    stage.play()
    assert {state(stage, giant) for giant in giants} == {"completed"}


def test_a_giant_that_nobody_waits_for_goes_on(stage: Stage) -> None:
    giant = stage.connect(f"giant-{next(_names)}", cups(60))
    stage.request(giant)
    assert stage.play() == ["work_done"]
