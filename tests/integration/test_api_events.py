"""Runs as server-sent events: what moves is told, to whoever may hear it, and nothing is held meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import httpx2 as httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text

from api.routes import events
from models.vocabulary import Scope
from tests.serving import served
from tests.visitors import Door, Visitor, a_door
from worker.ledger import api_keys
from worker.ledger.session import as_scheduler, as_tenant

AConnector = Callable[..., Any]


@pytest.fixture
def address(door: Door) -> Iterator[str]:
    """Where the door is served."""
    with served(cast("FastAPI", door.client.app)) as at:
        yield at


@contextmanager
def listening(address: str, visitor: Visitor, path: str, **headers: str) -> Iterator[Iterator[tuple[str, Any]]]:
    """The events of a stream, each its name and what it says."""
    with httpx.stream("GET", address + path, headers=visitor.headers | headers, timeout=10) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    said: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            said[name] = value
        elif "event" in said:
            yield said["event"], json.loads(said["data"])
            said = {}


def do(engine: Engine, made: Any, sql: str) -> None:
    with as_tenant(engine, made.tenant_id) as session:
        session.execute(text(sql))


def test_a_run_is_told_when_it_moves_and_until_it_ends(
    door: Door, address: str, a_connector: AConnector, engine: Engine
) -> None:
    made = a_connector()
    visitor, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}"
    run = visitor.posts(f"{path}/runs", status=202)["run"]
    with listening(address, visitor, f"{path}/events", **{"Last-Event-ID": "7"}) as heard:
        name, first = next(heard)
        assert (name, first["run"], first["state"], first["ended"]) == ("progress", run, "queued", False)
        do(engine, made, "UPDATE run SET state = 'preparing', step = 'read_source', started_at = now()")
        name, second = next(heard)
        assert (name, second["state"], second["step"]) == ("progress", "preparing", "read_source")
        # A follow-up waits already; who listens hears this run to its end, and no other.
        visitor.posts(f"{path}/runs", status=202)
        do(engine, made, f"UPDATE run SET state = 'completed', ended_at = now() WHERE id = {run}")  # noqa: S608
        name, last = next(heard)
        assert (name, last["run"], last["state"], last["ended"]) == ("progress", run, "completed", True)
        assert next(heard) == ("end", {"run": run, "state": "completed"})
        assert next(heard, None) is None
    with listening(address, visitor, f"{path}/runs/{run}/events") as heard:
        assert [name for name, _ in heard] == ["progress", "end"]
    visitor.asks("GET", f"{path}/runs/{run + 100}/events", status=404)
    stranger = door.reader(a_connector("other", tenant="other").tenant_id)
    for unknown in ("/events", f"/runs/{run}/events", "/progress", "/queue"):
        stranger.asks("GET", path + unknown, status=404)


def test_what_does_not_move_is_not_told_again(
    door: Door, address: str, a_connector: AConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(events, "STREAM_SECONDS", 1.0)
    made = a_connector()
    visitor, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}"
    visitor.posts(f"{path}/runs", status=202)
    with listening(address, visitor, f"{path}/events") as heard:
        assert [name for name, _ in heard] == ["progress"]


def test_between_two_looks_no_connection_is_held(
    door: Door, address: str, a_connector: AConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK_SECONDS", 5.0)
    monkeypatch.setattr(events, "LONGEST_LOOK_SECONDS", 5.0)
    made = a_connector()
    visitor, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}"
    visitor.posts(f"{path}/runs", status=202)
    taken = cast("FastAPI", door.client.app).state.streams
    # More listeners than there are connections in the pool.
    with ExitStack() as open_:
        heard = [open_.enter_context(listening(address, visitor, f"{path}/events")) for _ in range(12)]
        assert {next(one)[0] for one in heard} == {"progress"}
        assert taken.taken == 12
        assert door.desk.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        assert visitor.reads(path)["id"] == made.id
    until = time.monotonic() + 8
    while taken.taken and time.monotonic() < until:
        time.sleep(0.05)
    assert not taken.taken, "whoever has gone holds no place"


def test_a_revoked_key_hears_no_more(
    door: Door, address: str, a_connector: AConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "KEY_SECONDS", 0.2)
    made = a_connector()
    with as_scheduler(door.desk.engine) as session:
        key, written = api_keys.add(session, tenant_id=made.tenant_id, name="leaving", scope=Scope.WRITE)
    visitor, path = Visitor(door.client, {"Authorization": f"Bearer {written}"}), f"/v1/connectors/{made.id}"
    visitor.posts(f"{path}/runs", status=202)
    with listening(address, visitor, f"{path}/events") as heard:
        assert next(heard)[0] == "progress"
        with as_scheduler(door.desk.engine) as session:
            assert api_keys.revoke(session, key.id, tenant_id=made.tenant_id)
        assert next(heard, None) is None


def test_more_streams_than_a_process_serves_are_asked_to_come_again(
    database_url: str, key_ring: str, a_connector: AConnector
) -> None:
    made = a_connector()
    with a_door(database_url, key_ring, api_streams=1) as door, served(cast("FastAPI", door.client.app)) as address:
        visitor, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}"
        visitor.posts(f"{path}/runs", status=202)
        with listening(address, visitor, f"{path}/events") as heard:
            next(heard)
            told = visitor.asks("GET", f"{path}/events", status=503)
            assert int(told.headers["retry-after"]) > 0
            assert told.json()["code"] == "unavailable"


def test_one_tenant_leaves_the_others_their_streams(database_url: str, key_ring: str, a_connector: AConnector) -> None:
    made, other = a_connector(), a_connector("other", tenant="other")
    with a_door(database_url, key_ring, api_streams=8) as door, served(cast("FastAPI", door.client.app)) as address:
        visitor, stranger = door.reader(made.tenant_id), door.reader(other.tenant_id)
        path, theirs = (f"/v1/connectors/{one.id}/events" for one in (made, other))
        for one in (made, other):
            door.writer(one.tenant_id).posts(f"/v1/connectors/{one.id}/runs", status=202)
        with ExitStack() as open_:
            heard = [open_.enter_context(listening(address, visitor, path)) for _ in range(5)]
            assert {next(one)[0] for one in heard} == {"progress"}
            told = visitor.asks("GET", path, status=503)
            assert int(told.headers["retry-after"]) > 0
            assert next(open_.enter_context(listening(address, stranger, theirs)))[0] == "progress"


def test_progress_tells_what_is_planned_and_what_is_left(
    door: Door, a_connector: AConnector, a_row: Callable[..., int]
) -> None:
    made = a_connector()
    visitor, path = door.reader(made.tenant_id), f"/v1/connectors/{made.id}"
    assert visitor.reads(f"{path}/progress") == {"progress": None}
    run = a_row(made.tenant_id, "run", connector_id=made.id, state="synchronizing", step="send", trigger="request")
    of = {"kind": "product", "storefront_id": 0}
    a_row(made.tenant_id, "run_counter", run_id=run, **of, figure="to_create", count=3)
    a_row(made.tenant_id, "pending_change", connector_id=made.id, run_id=run, **of, source_id=1, action="create",
          wave=1,
        payload={})  # fmt: skip
    a_row(made.tenant_id, "slice_log", connector_id=made.id, epoch=4, run_id=run, worker="w1", ended_why="wanted")
    a_row(made.tenant_id, "slice_log", connector_id=made.id, epoch=5, run_id=run, worker="w1", calls=12)
    told = visitor.reads(f"{path}/progress")["progress"]
    assert (told["run"], told["state"], told["ended"]) == (run, "synchronizing", False)
    assert told["parts"] == [{"kind": "product", "action": "create", "planned": 3, "left": 1}]
    assert visitor.reads(f"{path}/runs/{run}/progress")["parts"] == told["parts"]
    page = visitor.reads(f"{path}/runs/{run}/slices", params={"limit": 1})
    assert [(one["slice"], one["why"], one["calls"]) for one in page["slices"]] == [(5, None, 12)]
    page = visitor.reads(f"{path}/runs/{run}/slices", params={"after": page["next"]})
    assert [(one["slice"], one["why"]) for one in page["slices"]] == [(4, "wanted")]
    assert [one["id"] for one in visitor.reads(f"{path}/runs", params={"state": "synchronizing"})["runs"]] == [run]
    assert visitor.reads(f"{path}/runs", params={"state": "failed"})["runs"] == []
    assert visitor.reads(f"{path}/runs", params={"trigger": "check"})["runs"] == []
