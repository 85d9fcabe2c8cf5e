"""A real worker and a real door serve their metrics, and these are what docs/metrics.md says.

The worker plays a run against both neighbours over HTTP, and the store fails once; the door is asked by a key's owner.
"""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from models.vocabulary import ItemKind, Outcome, Scope
from sandbox.chaos import goods
from sandbox.chaos.ground import Ground, ground
from sandbox.chaos.platform import Platform
from sandbox.processes.broker import speak_to
from sandbox.processes.children import Child
from sandbox.stage.stage import KEY_RING, Cast, seat
from tests import scraping
from tests.architecture.test_docs import bare, page, rows
from tests.patient import patient_engine
from worker.bigcommerce.endpoints import ENDPOINTS, endpoint
from worker.ledger import api_keys, runs
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.vault import Vault
from worker.scheduling import dispatch
from worker.settings import Settings
from worker.tasks import publish

SLOTS = 3
NAME, TENANT = "measuredstore", "measured-tenant"
HEADING = "| name | type | labels | from | what it tells |"
TOLD = {
    bare(name): (kind, frozenset(re.findall(r"`(\w+)`", labels)), who, tells)
    for name, kind, labels, who, tells in rows(page("docs/metrics.md"), HEADING)
}

pytestmark = pytest.mark.timeout(280)


@dataclass
class Scene:
    """A worker that has played a run, a door that was asked, and what both have told."""

    ground: Ground
    engine: Engine
    settings: Settings
    platform: Platform
    door: Child
    cast: Cast
    key: str
    ports: dict[str, int]
    pages: dict[str, str] = field(default_factory=dict)

    def seen(self, which: str) -> dict[tuple[str, ...], float]:
        """The samples of a page: (name, labels' values in their order...) -> value."""
        return scraping.samples(self.pages[which])

    def ask(self, sql: str) -> list[Any]:
        """Rows of the tenant's."""
        with as_tenant(self.engine, self.cast.tenant_id) as session:
            return list(session.execute(text(sql)).all())

    def get(self, path: str, **headers: str) -> int:
        """The status with which the door answers."""
        return httpx.get(f"http://127.0.0.1:{self.ports['public']}{path}", headers=headers).status_code


def until(true: Callable[[], bool], *, seconds: float = 100.0) -> None:
    """Wait until it is so; a port that does not answer yet is not."""
    give_up_at = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < give_up_at, "it did not come to pass"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with ground(durable=False) as opened:
        ports = {which: scraping.a_free_port() for which in ("worker", "door", "public")}
        environment = opened.environment(opened.database("metrics"))
        environment |= {"PACEMAKER_SECONDS": "0.2", "DRAIN_SECONDS": "5", "API_CALLS_PER_MINUTE": "3"}
        chosen = {name.lower(): value for name, value in environment.items()}
        settings = Settings.model_validate({name: chosen[name] for name in Settings.model_fields if name in chosen})
        speak_to(settings.redis_url)
        catalogue = goods.catalogue(9, products=20)
        opened.neighbours.open(f"CN-{NAME}", NAME, catalogue, latency=0.2)
        fault = {"action": "status_before", "status": 503, "match": {"method": "GET", "nth": 3}}
        opened.neighbours.trouble_store(NAME, [fault])
        at = patient_engine(settings.database_url)
        cast = seat(
            at, Vault.from_ring(KEY_RING), tenant=TENANT, name="main", code=f"CN-{NAME}", store_hash=NAME,
            profile=goods.profile(catalogue), weight=1,
        )  # fmt: skip
        with as_tenant(at, cast.tenant_id) as session:
            _, key = api_keys.add(session, tenant_id=cast.tenant_id, name="me", scope=Scope.READ)
        words = f"api.main:app --host 127.0.0.1 --port {ports['public']} --no-access-log --timeout-graceful-shutdown 5"
        door = opened.children.start(
            "door", "uvicorn", words.split(), environment | {"METRICS_PORT": str(ports["door"])}
        )
        measured = environment | {"METRICS_PORT": str(ports["worker"])}
        platform = Platform(opened.children, at, measured, slots=SLOTS, bound=30.0)
        here = Scene(opened, at, settings, platform, door, cast, key, ports)
        try:
            play(here)
            yield here
        finally:
            at.dispose()


def play(here: Scene) -> None:
    """One run, from the request to its end, and a few requests at the door; what was scraped is kept."""
    with as_tenant(here.engine, here.cast.tenant_id) as session:
        runs.request(session, here.cast.tenant_id, here.cast.connector_id, refresh=False)
    dispatch.wake(here.engine, here.settings, publish, here.cast.connector_id)
    here.platform.start("one")

    def calls_are_made() -> bool:
        here.pages["during"] = scraping.page(here.ports["worker"])
        return "connector_quota_left_calls{" in here.pages["during"]

    def all_is_told() -> bool:
        here.pages["worker"] = scraping.page(here.ports["worker"])
        ended = here.seen("worker")["connector_slices_ended_total", "work_done"]
        return ended >= 1 and ("connector_service_wait_seconds", "0.5") in here.seen("worker")

    until(calls_are_made)
    until(all_is_told)
    until(lambda: here.get("/readyz") == 200)
    bearer = {"Authorization": f"Bearer {here.key}"}
    known = f"/v1/connectors/{here.cast.connector_id}"
    assert [here.get(known, **bearer) for _ in range(4)] == [200, 200, 200, 429]
    assert here.get("/v1/connectors") == 401
    assert here.get("/metrics") == 404, "the public's port has no metrics"
    here.pages["door"] = scraping.page(here.ports["door"])


def test_the_page_has_all_that_is_served_with_its_type_and_labels_and_no_more(scene: Scene) -> None:
    served = {which: scraping.families(text) for which, text in scene.pages.items()}
    may_be_missing = {name for name, (*_, tells) in TOLD.items() if "missing where" in tells}
    assert may_be_missing <= {
        "connector_service_wait_seconds",
        "connector_service_slot_utilisation_ratio",
        "connector_service_fairness_ratio",
    }
    of_both = served["worker"] | served["door"]
    assert set(of_both) - set(TOLD) == set(), "docs/metrics.md lacks these"
    assert set(TOLD) - set(of_both) - may_be_missing == set(), "docs/metrics.md has what nobody serves"
    assert {name: family.kind for name, family in of_both.items()} == {name: TOLD[name][0] for name in of_both}
    for name, (_, labels, who, _) in TOLD.items():
        there = {which for which in ("worker", "door") if name in served[which]}
        assert there == {"both": {"worker", "door"}}.get(who, {who}) or name in may_be_missing, name
        seen = {label for families in served.values() if name in families for label in families[name].labels}
        assert seen == labels or name in may_be_missing, name


def test_every_series_of_ours_says_what_it_is(scene: Scene) -> None:
    for which in ("worker", "door"):
        silent = [name for name, family in scraping.families(scene.pages[which]).items() if not family.help]
        assert silent == []


def test_no_label_names_a_tenant_or_a_connector(scene: Scene) -> None:
    for text_of_page in scene.pages.values():
        told = [line for line in text_of_page.splitlines() if not line.startswith("#")]
        assert [line for line in told if TENANT in line or f"CN-{NAME}" in line] == []
        assert [line for line in told if NAME in line and not line.startswith("connector_quota_")] == []
        labels = {name for line in told for name in re.findall(r'[{,](\w+)="', line)}
        assert labels & {"tenant", "tenant_id", "connector", "connector_id", "run", "run_id", "item"} == set()


def test_calls_are_those_that_the_store_has_seen(scene: Scene) -> None:
    seen = scene.ground.neighbours.calls(NAME)
    truth = Counter((one["method"], endpoint(one["path"].removeprefix(f"/stores/{NAME}"))) for one in seen)
    told = Counter[tuple[str, str]]()
    for at, value in scene.seen("worker").items():
        # Labels stand in their order: endpoint, method, neighbour, status.
        if at[0] == "connector_calls_total" and "store" in at:
            told[at[2], at[1]] += int(value)
            assert at[1] in ENDPOINTS
    assert told == truth
    assert scene.seen("worker")["connector_call_seconds_count", "store"] == len(seen)
    assert sum(value for at, value in scene.seen("worker").items() if at[0] == "connector_call_retries_total") == 1
    assert scene.seen("worker")["connector_call_retries_total", "store", "503"] == 1


def test_items_are_those_of_the_books(scene: Scene) -> None:
    booked = {
        (row[0], row[1]): int(row[2])
        for row in scene.ask("SELECT kind, figure, sum(count) FROM run_counter GROUP BY 1, 2")
        if row[1] in set(Outcome)
    }
    told = {
        (kind.value, outcome.value): int(scene.seen("worker")["connector_items_total", kind, outcome])
        for kind in ItemKind
        for outcome in Outcome
    }
    assert told == {place: booked.get(place, 0) for place in told}
    assert told["product", "created"] > 10


def test_slices_are_those_of_their_log(scene: Scene) -> None:
    ended = Counter(row[0] for row in scene.ask("SELECT ended_why FROM slice_log"))
    seen = scene.seen("worker")
    assert seen["connector_slices_begun_total",] == ended.total()
    assert {why: seen["connector_slices_ended_total", why] for why in ended} == ended
    assert seen["connector_slice_seconds_count",] == seen["connector_slice_wait_seconds_count",] == ended.total()
    assert seen["connector_service_slots",] == SLOTS
    assert seen["connector_service_processes",] == 1


def test_the_quota_is_told_while_there_is_a_slice_of_the_store_and_no_longer(scene: Scene) -> None:
    seen = scene.seen("during")
    assert 0 <= seen["connector_quota_left_calls", NAME] <= seen["connector_quota_calls", NAME]
    assert seen["connector_quota_window_seconds", NAME] > 0
    assert [at for at in scene.seen("worker") if NAME in at] == []


def test_both_tell_the_same_of_the_service(scene: Scene) -> None:
    worker, door = ({at for at in scene.seen(which) if at[0].startswith("connector_service_")}
                    for which in ("worker", "door"))  # fmt: skip
    assert worker == door
    assert scene.seen("door")["connector_service_up",] == 1


def test_requests_are_told_by_the_template_of_their_address(scene: Scene) -> None:
    seen = scene.seen("door")
    requests = {at[1:]: value for at, value in seen.items() if at[0] == "connector_http_requests_total"}
    assert requests["GET", "/v1/connectors/{connector_id}", "200"] == 3
    assert requests["GET", "/v1/connectors/{connector_id}", "429"] == 1
    assert requests["GET", "/v1/connectors", "401"] == 1
    assert requests["GET", "none", "404"] == 1
    assert seen["connector_http_refused_total",] == 1
    assert seen["connector_http_streams",] == 0
    assert seen["connector_http_request_seconds_count", "/v1/connectors/{connector_id}"] == 4


def test_a_worker_and_a_door_that_are_told_to_stop_do_so_and_leave_no_slots_behind(scene: Scene) -> None:
    worker = scene.platform.workers["one"]
    worker.send(signal.SIGTERM)
    assert worker.child.process.wait(40) == 0
    scene.door.process.send_signal(signal.SIGTERM)
    assert scene.door.process.wait(40) in {0, -signal.SIGTERM}
    with as_scheduler(scene.engine) as session:
        found = session.execute(text("SELECT slots, ended_at IS NOT NULL FROM worker_process")).all()
    assert [tuple(row) for row in found] == [(SLOTS, True)]
