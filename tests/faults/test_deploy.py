"""A rolling deploy: new workers come, the old ones go one after the other, and nobody's work is lost or done twice."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine, text

from models.vocabulary import SliceEnd
from sandbox.chaos import end, goods
from sandbox.chaos.ground import Ground, ground
from sandbox.chaos.platform import Platform
from sandbox.processes.broker import speak_to
from sandbox.stage.stage import KEY_RING, Cast, seat
from tests.patient import patient_engine
from tests.watching import until
from worker.ledger import register, runs
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.vault import Vault
from worker.scheduling import dispatch
from worker.settings import Settings
from worker.tasks import publish

TRADERS = ("acme-one", "acme-two", "globex-one", "globex-two")
"""Connectors of two tenants; each has a twin whose run nobody disturbs."""
OLD, NEW = ("a", "b"), ("c", "d")
SLOW = 0.8
"""Seconds for every answer of the stores, as long as old workers are there."""

pytestmark = pytest.mark.timeout(280)


@dataclass
class Fleet:
    """Connectors with a run each, and the workers that come and go."""

    ground: Ground
    engine: Engine
    settings: Settings
    platform: Platform
    casts: dict[str, Cast]

    def request(self, name: str) -> int:
        """A run for this one; its id."""
        cast = self.casts[name]
        with as_tenant(self.engine, cast.tenant_id) as session:
            run = runs.request(session, cast.tenant_id, cast.connector_id, refresh=False)
        dispatch.wake(self.engine, self.settings, publish, cast.connector_id)
        return run

    def across(self, sql: str, **values: Any) -> int:
        """One number of the scheduler's."""
        with as_scheduler(self.engine) as session:
            return int(session.scalar(text(sql), values) or 0)

    def held_by(self, node: str) -> list[int]:
        """The connectors whose slices this worker holds."""
        with as_scheduler(self.engine) as session:
            found = session.scalars(
                text("SELECT connector_id FROM turn WHERE state = 'running' AND split_part(worker, '@', 1) = :node"),
                {"node": node},
            )
            return [int(one) for one in found]

    def slices(self, name: str) -> list[Any]:
        """The slices of this connector, the oldest first."""
        cast = self.casts[name]
        with as_tenant(self.engine, cast.tenant_id) as session:
            return list(
                session.execute(
                    text("SELECT epoch, split_part(worker, '@', 1) AS node, started_at, ended_at, ended_why"
                         " FROM slice_log WHERE connector_id = :id ORDER BY epoch"),
                    {"id": cast.connector_id},
                )
            )  # fmt: skip

    def is_idle(self) -> bool:
        """Whether nobody has anything to do."""
        return self.across("SELECT count(*) FROM turn WHERE state <> 'parked'") == 0

    def is_sending(self, name: str) -> bool:
        """Whether the run has begun to write into the store."""
        calls = self.ground.neighbours.calls(self.casts[name].store_hash)
        return len([one for one in calls if one["method"] == "POST"]) > 1

    def retire(self, place: str) -> tuple[list[int], float, int]:
        """(connectors that it held, seconds until its end, exit code) of the worker at this place, told by SIGTERM."""
        worker = self.platform.workers[place]
        held, began = self.held_by(worker.node), time.monotonic()
        worker.send(signal.SIGTERM)
        code = int(worker.child.process.wait(60))
        return held, time.monotonic() - began, code

    def came_to(self, name: str) -> end.End:
        """What the connector's run has left."""
        cast, near = self.casts[name], self.ground.neighbours
        return end.read(self.engine, cast, near.snapshot(cast.store_hash), repeated=near.repeated(cast.store_hash))


def twice(here: Fleet, name: str) -> list[str]:
    """Whoever has to look into it reads what was asked for again, when, and which slices the connector has had."""
    asked: dict[str, list[str]] = {}
    for one in here.ground.neighbours.calls(here.casts[name].store_hash):
        if one["method"] != "GET":
            answer = f"{one['status']} at {one['at']:.1f}{' dropped' * bool(one['dropped'])}"
            asked.setdefault(f"{one['method']} {one['path']}", []).append(answer)
    often = [f"{call}: {', '.join(answers)}" for call, answers in asked.items() if len(answers) > 1]
    return [*often, *(f"{one.node} {one.started_at.timestamp():.1f} {one.ended_why}" for one in here.slices(name))]


@contextmanager
def fleet(*, slots: int) -> Iterator[Fleet]:
    """All connectors idle, no worker yet."""
    with ground(durable=False) as opened:
        environment = opened.environment(opened.database("deploy"))
        environment |= {"PACEMAKER_SECONDS": "0.5", "SLICE_YIELD_SECONDS": "4", "CALLS_IN_FLIGHT": "2"}
        chosen = {name.lower(): value for name, value in environment.items()}
        settings = Settings.model_validate({name: chosen[name] for name in Settings.model_fields if name in chosen})
        speak_to(settings.redis_url)
        at = patient_engine(settings.database_url)
        try:
            casts = {}
            for number, trader in enumerate(TRADERS):
                catalogue = goods.catalogue(30 + number, products=20, variants=(1, 2))
                for name, latency in ((trader, SLOW), (f"{trader}-twin", 0.0)):
                    store = name.replace("-", "")
                    opened.neighbours.open(f"CN-{name}", store, catalogue, latency=latency)
                    casts[name] = seat(
                        at, Vault.from_ring(KEY_RING), tenant=name.partition("-")[0], name=name, code=f"CN-{name}",
                        store_hash=store, profile=goods.profile(catalogue),
                    )  # fmt: skip
            yield Fleet(
                opened, at, settings, Platform(opened.children, at, environment, slots=slots, bound=30.0), casts
            )
        finally:
            at.dispose()


@pytest.mark.parametrize("slots", [2, 1], ids=["everybody has a slot", "half of them wait"])
def test_replicas_are_replaced_one_after_the_other_while_runs_go_on(slots: int) -> None:
    with fleet(slots=slots) as here:
        for place in OLD:
            here.platform.start(place)
        asked = {name: here.request(name) for name in TRADERS}
        under_way = 2 * slots
        until(lambda: sum(here.is_sending(name) for name in TRADERS) >= under_way)
        for place in NEW:
            here.platform.start(place)
        until(lambda: here.across("SELECT count(*) FROM worker_process WHERE ended_at IS NULL") == len(OLD + NEW))
        handed_over = 0
        for place in OLD:
            held, seconds, code = here.retire(place)
            assert code == 0, here.platform.workers[place].child.log.read_text("utf-8")
            assert seconds < here.settings.drain_seconds, "what was under way has come back, nothing was cut"
            handed_over += len(held)
        assert handed_over > 0, "somebody was at work"
        for name in TRADERS:
            here.ground.neighbours.configure_store(here.casts[name].store_hash, latency=0.0)
        until(here.is_idle)

        gone = {here.platform.workers[place].node for place in OLD}
        drained = 0
        for name in TRADERS:
            slices = here.slices(name)
            assert {one.ended_why for one in slices} <= {SliceEnd.DRAINING, SliceEnd.WANTED, SliceEnd.WORK_DONE}
            assert slices[-1].ended_why == SliceEnd.WORK_DONE
            assert slices[-1].node not in gone, "a new one has brought it to its end"
            for one, following in pairwise(slices):
                assert one.ended_at <= following.started_at, "never two at once"
                if one.ended_why == SliceEnd.DRAINING:
                    drained += 1
                    assert one.node in gone
                    assert (following.started_at - one.ended_at).total_seconds() < here.settings.lease_seconds / 2
        assert drained == handed_over

        twins = {name: here.request(f"{name}-twin") for name in TRADERS}
        until(here.is_idle)
        for name in TRADERS:
            mine, twin = here.came_to(name), here.came_to(f"{name}-twin")
            verdict = end.judge(mine, twin)
            assert verdict.is_clean(), (name, verdict.said)
            assert mine.repeated == 0, twice(here, name)
            with as_tenant(here.engine, here.casts[name].tenant_id) as session:
                entry, other = register.run(session, asked[name]), register.run(session, twins[name])
            assert entry is not None
            assert other is not None
            assert (entry.state, entry.counters) == (other.state, other.counters)
            assert entry.slices == len(here.slices(name)) >= other.slices
