"""Flower, the real one, shows what happens while it happens, and nothing that is not to be seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
import pytest

import flowerconfig
from models.vocabulary import SENDING_STEPS, ItemKind, Phase, SliceEnd
from sandbox.stage.stage import SECRET, TOKEN
from tests.watching import AUTH, BROKERS_PASSWORD, CHECKED_EVERY, TRADERS, Watched, until, watched
from worker.ledger import register, runs
from worker.ledger.session import as_tenant

pytestmark = pytest.mark.timeout(280)
PAGES = ("/", "/workers", "/tasks", "/broker", "/api/workers", "/api/tasks", "/api/queues/length")


@dataclass
class Seen:
    """What was looked up while the runs of all connectors went on, and at their end."""

    here: Watched
    runs: dict[tuple[str, str], int]
    under_way: list[dict[str, Any]] = field(default_factory=list)
    """Every different state in which a task was met."""
    queues: list[list[dict[str, Any]]] = field(default_factory=list)
    active: list[int] = field(default_factory=list)
    ended: dict[str, dict[str, Any]] = field(default_factory=dict)

    def look(self) -> bool:
        """Look once; whether all is over."""
        for task in self.here.tasks().values():
            kept = {name: task.get(name) for name in ("uuid", "name", "state", "told", "worker", "routing_key")}
            if kept not in self.under_way:
                self.under_way.append(kept)
        self.queues.append(self.here.flower.get("/api/queues/length").raise_for_status().json()["active_queues"])
        workers = self.here.flower.get("/workers?json=1").raise_for_status().json()["data"]
        self.active += [int(one["active"] or 0) for one in workers]
        return self.here.is_idle()


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    with watched() as here:
        found = Seen(here, {trader: here.request(*trader) for trader in TRADERS})
        until(found.look, pause=0.05)
        until(lambda: all(one["state"] == "SUCCESS" for one in here.tasks().values()), seconds=30)
        found.ended = here.tasks()
        yield found


def test_a_running_slice_is_shown_with_tenant_connector_run_and_phase(seen: Seen) -> None:
    started = [one for one in seen.under_way if one["state"] == "STARTED" and "run" in one["told"]]
    assert {one["name"] for one in started} == {"connector.slice"}
    for (tenant, connector), run in seen.runs.items():
        mine = [
            one["told"] for one in started if (one["told"]["tenant"], one["told"]["connector"]) == (tenant, connector)
        ]
        assert {told["run"] for told in mine} == {run}
        assert {told["phase"] for told in mine} == {phase.value for phase in Phase}, "both phases were to be seen"
        for told in mine:
            assert (told["phase"] == Phase.SYNCHRONIZATION) == (told["step"] in SENDING_STEPS)
    for one in started:
        told = one["told"]
        assert one["uuid"] == f"{told['tenant']}.{told['connector']}.{told['slice']}"
        assert one["worker"] in {
            f"{worker.node}@{host(one['worker'])}" for worker in seen.here.platform.workers.values()
        }
        assert one["routing_key"] == "slices"


def host(worker: str) -> str:
    return worker.partition("@")[2]


def test_the_phase_moves_on_while_a_slice_runs(seen: Seen) -> None:
    phases: dict[str, list[str]] = {}
    for one in seen.under_way:
        if one["state"] == "STARTED" and "run" in one["told"]:
            phases.setdefault(one["uuid"], []).append(one["told"]["phase"])
    both = [told for told in phases.values() if len(set(told)) == len(Phase)]
    assert both, "some slice was seen in both phases"
    assert all(told == sorted(told) for told in both), "preparation comes first"


def test_an_ended_slice_tells_why_and_that_is_all_that_is_kept_of_it(seen: Seen) -> None:
    results = {one["result"].strip("'") for one in seen.ended.values()}
    assert {one.partition(",")[0] for one in results} <= {end.value for end in SliceEnd} | {"stale"}
    assert SliceEnd.WANTED.value in results, "three tenants wait for two slots"
    parked = [one for one in results if one.startswith("work_done, parked ")]
    assert parked
    assert all(0.8 * CHECKED_EVERY < int(one.split()[-2]) < 1.2 * CHECKED_EVERY for one in parked)
    for one in seen.ended.values():
        assert one["received"] <= one["started"] <= one["succeeded"], "telling anew moves no time"
    assert seen.here.flower.get("/api/task/result/" + quote(next(iter(seen.ended)))).status_code in {404, 503}


def test_queues_and_workers_are_seen(seen: Seen) -> None:
    workers = seen.here.flower.get("/api/workers?refresh=1").json()
    assert len(workers) == len(seen.here.platform.workers)
    for one in workers.values():
        assert [queue["name"] for queue in one["active_queues"]] == ["slices"]
        assert one["stats"]["pool"]["max-concurrency"] == 1
        assert {"connector.slice", "connector.request_run"} <= {name.split()[0] for name in one["registered"]}
    assert max(seen.active) == 1, "a slice under way was seen at its worker"
    assert {queue["name"] for found in seen.queues for queue in found} == {"slices"}
    assert all(0 <= queue["messages"] <= seen.here.settings.door_size for found in seen.queues for queue in found)


def test_flower_tells_what_the_register_says(seen: Seen) -> None:
    for (tenant, connector), run in seen.runs.items():
        mine = [one["told"] for one in seen.ended.values() if one["told"].get("run") == run]
        assert {(told["tenant"], told["connector"]) for told in mine} == {(tenant, connector)}
        cast = seen.here.casts[tenant, connector]
        with as_tenant(seen.here.engine, cast.tenant_id) as session:
            entry = register.run(session, run)
            assert runs.current(session, cast.connector_id) is None
        assert entry is not None
        assert entry.slices == len(mine)
        assert entry.state == "completed"


def test_who_has_no_password_is_refused(seen: Seen) -> None:
    for auth in (None, (AUTH[0], "wrong"), ("", "")):
        with httpx.Client(base_url=seen.here.address, auth=auth, timeout=30, trust_env=False) as stranger:
            assert {path: stranger.get(path).status_code for path in PAGES} == dict.fromkeys(PAGES, 401)
            assert stranger.post("/api/worker/shutdown/x").status_code == 401


def test_what_is_open_to_everybody_names_nobody(seen: Seen) -> None:
    with httpx.Client(base_url=seen.here.address, timeout=30, trust_env=False) as stranger:
        assert stranger.get("/healthcheck").text == "OK"
        page = stranger.get("/metrics").raise_for_status().text
    assert "flower_events_total" in page
    assert [name for trader in TRADERS for name in trader if name in page] == []


def test_nothing_is_done_from_flower(seen: Seen) -> None:
    worker = next(iter(seen.here.flower.get("/api/workers").json()))
    for path in (
        f"/api/worker/shutdown/{worker}",
        f"/api/worker/pool/grow/{worker}",
        "/api/task/send-task/connector.slice",
        f"/api/task/revoke/{next(iter(seen.ended))}?terminate=true",
    ):
        assert seen.here.flower.post(path, json={}).status_code == 403, path


def test_no_secret_and_no_word_of_a_catalogue_is_shown(seen: Seen) -> None:
    cast = next(iter(seen.here.casts.values()))
    snapshot = seen.here.ground.neighbours.snapshot(cast.store_hash)
    goods = {row["name"] for row in snapshot["products"]} | {row["name"] for row in snapshot["categories"]}
    worker = next(iter(seen.here.flower.get("/api/workers").json()))
    tasks = [f"/task/{quote(one)}" for one in list(seen.ended)[:5]]
    for path in (*PAGES, f"/worker/{worker}", *tasks):
        page = seen.here.flower.get(path).raise_for_status().text
        for word in (
            SECRET,
            TOKEN,
            BROKERS_PASSWORD,
            AUTH[1],
            *(goods if path.startswith(("/api/t", "/task/")) else ()),
        ):
            assert word not in page, path
    assert len(goods) > len(ItemKind)


def test_the_page_of_tasks_has_the_columns_that_are_asked_for(seen: Seen) -> None:
    page = seen.here.flower.get("/tasks").text
    assert re.findall(r'data-column="(\w+)"', page) == flowerconfig.tasks_columns.split(",")
