"""A connector that is removed while it works ends cleanly: no row of it stays, and the store keeps all that it has."""

from __future__ import annotations

import threading
from importlib import import_module
from itertools import count
from pkgutil import iter_modules
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

import models
from models.base import Base
from models.connector import Connector
from sandbox.generator.catalogue import generate
from sandbox.stage.stage import Cast, Stage
from worker.ledger import removal as rows
from worker.ledger.session import as_tenant
from worker.scheduling import removal
from worker.settings import Settings

for _module in iter_modules(models.__path__):
    import_module(f"models.{_module.name}")

CATALOGUE = generate(seed=5, categories=6, products=20, variants_per_product=2)
_names = count()


class Signals(httpx.BaseTransport):
    """Counts the calls, and does something when the n-th comes."""

    def __init__(self, inner: httpx.BaseTransport, seen: list[str], at: int, act: Any) -> None:
        self._inner, self._seen, self._at, self._act = inner, seen, at, act

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._seen.append(request.url.path)
        if len(self._seen) == self._at:
            self._act()
        return self._inner.handle_request(request)


def left(stage: Stage, cast: Cast) -> dict[str, int]:
    """Rows that still hang on the connector, by table."""
    hanging = [table for table in Base.metadata.sorted_tables if "connector_id" in table.c]
    asked = [(table, table.c.connector_id) for table in hanging] + [(Connector.__table__, Connector.id)]
    with as_tenant(stage.engine, cast.tenant_id) as session:
        found = {
            table.description: session.scalar(select(func.count()).select_from(table).where(at == cast.connector_id))
            for table, at in asked
        }
    return {table: number for table, number in found.items() if number}


def remove(stage: Stage, cast: Cast) -> None:
    removal.remove(stage.engine, stage.settings, cast.tenant_id, cast.connector_id)


@pytest.mark.parametrize("nth", [1, 4, 9, 15, 25], ids=lambda nth: f"at call {nth}")
def test_removed_in_the_middle_of_a_slice(config: Settings, nth: int) -> None:
    stage = Stage(config, haste=50)
    cast = stage.connect(f"gone-{next(_names)}", CATALOGUE)
    seen: list[str] = []
    removing = threading.Thread(target=remove, args=(stage, cast))
    asked = threading.Event()

    def begin() -> None:
        removing.start()
        asked.set()

    stage.wrap = lambda inner: Signals(inner, seen, nth, begin)
    stage.request(cast)
    ending = stage.play_one()
    removing.join(30)
    assert asked.is_set()
    assert not removing.is_alive()
    assert ending in ("stopped", "turn_lost")
    assert left(stage, cast) == {}
    calls, store = len(seen), stage.stores.snapshot(cast.store_hash)
    stage.play()
    assert len(seen) == calls
    assert stage.stores.snapshot(cast.store_hash) == store
    stage.close()


def test_a_slice_that_does_not_leave_is_fenced_off(config: Settings) -> None:
    stage = Stage(config.model_copy(update={"lease_seconds": 1.0}), haste=50)
    cast = stage.connect(f"gone-{next(_names)}", CATALOGUE)
    seen: list[str] = []
    hung, free = threading.Event(), threading.Event()

    def hang() -> None:
        hung.set()
        free.wait(30)

    stage.wrap = lambda inner: Signals(inner, seen, 12, hang)
    stage.request(cast)
    endings: list[str | None] = []
    playing = threading.Thread(target=lambda: endings.append(stage.play_one()))
    playing.start()
    assert hung.wait(30)
    remove(stage, cast)
    assert left(stage, cast) == {}
    free.set()
    playing.join(30)
    assert endings[0] in ("stopped", "turn_lost")
    assert left(stage, cast) == {}
    stage.close()


def test_a_removal_that_broke_off_is_finished_by_the_next(config: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(config, haste=50)
    cast = stage.connect(f"gone-{next(_names)}", CATALOGUE)
    stage.request(cast)
    stage.play()
    times = count()

    def breaks_off(session: Any, connector_id: int, *, limit: int) -> int:
        if next(times) == 3:
            raise KeyboardInterrupt
        return rows_some(session, connector_id, limit=limit)

    rows_some = rows.some
    with monkeypatch.context() as patched:
        patched.setattr(rows, "some", breaks_off)
        with pytest.raises(KeyboardInterrupt):
            remove(stage, cast)
    assert "connector" in left(stage, cast)
    stage.request(cast)
    assert stage.play() == ["stopped"]
    remove(stage, cast)
    assert left(stage, cast) == {}
    stage.close()


def test_others_of_the_store_and_the_tenant_stay(config: Settings) -> None:
    stage = Stage(config, haste=50)
    name = f"gone-{next(_names)}"
    cast = stage.connect(name, CATALOGUE, name="one", store_hash=f"{name}shared")
    other = stage.connect(
        name, generate(seed=6, categories=2, products=3, variants_per_product=0), name="two", store_hash=f"{name}shared"
    )
    for one in (cast, other):
        stage.request(one)
    stage.play()
    before = left(stage, other)
    remove(stage, cast)
    assert left(stage, other) == before
    remove(stage, other)
    again = stage.connect(name, CATALOGUE, name="three", store_hash=f"{name}shared")
    stage.request(again)
    assert stage.play() == ["work_done"]
    stage.close()


def test_all_that_hangs_on_a_connector_is_taken_in_portions() -> None:
    tables = {table.name for table in Base.metadata.sorted_tables if "connector_id" in table.c}
    assert tables - set(rows.BELONGINGS) == {"turn"}
