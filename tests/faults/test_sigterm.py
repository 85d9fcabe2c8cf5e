"""SIGTERM: no new slice, no new call a second later, the turn handed over, exit 0; what is open is looked up later."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, text

from sandbox.chaos import goods
from sandbox.chaos.ground import Ground, ground
from sandbox.chaos.platform import Platform
from sandbox.processes.broker import speak_to
from sandbox.stage.compare import content
from sandbox.stage.stage import KEY_RING, Cast, seat
from tests.patient import patient_engine
from worker.ledger import runs
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.vault import Vault
from worker.scheduling import dispatch
from worker.settings import Settings
from worker.tasks import publish

CATALOGUE = goods.catalogue(9, products=20)
NAME = "terminated"

pytestmark = pytest.mark.timeout(200)


@dataclass
class Scene:
    """One tenant with a run under way on one real worker."""

    ground: Ground
    engine: Engine
    settings: Settings
    platform: Platform
    cast: Cast

    def latency(self, seconds: float) -> None:
        """How long the store takes for every answer from now on."""
        self.ground.neighbours.configure_store(NAME, latency=seconds)

    def calls(self) -> list[dict[str, Any]]:
        """What the store was asked, in order."""
        return self.ground.neighbours.calls(NAME)

    def ask(self, sql: str) -> Any:
        """One value of the tenant's."""
        with as_tenant(self.engine, self.cast.tenant_id) as session:
            return session.scalar(text(sql))

    def turn(self) -> str:
        """Where the connector's turn stands."""
        with as_scheduler(self.engine) as session:
            return str(session.scalar(text("SELECT state FROM turn")))

    def request(self) -> None:
        """Ask for a run."""
        with as_tenant(self.engine, self.cast.tenant_id) as session:
            runs.request(session, self.cast.tenant_id, self.cast.connector_id, refresh=False)
        dispatch.wake(self.engine, self.settings, publish, self.cast.connector_id)

    def until(self, true: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until it is so."""
        give_up_at = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < give_up_at, "it did not come to pass"
            time.sleep(0.05)

    def terminate(self) -> tuple[float, float, int]:
        """(when the signal was sent, seconds until the end, exit code) of the worker."""
        worker = self.platform.workers["one"]
        sent, began = time.time(), time.monotonic()
        worker.send(signal.SIGTERM)
        code = worker.child.process.wait(60)
        return sent, time.monotonic() - began, code

    def finish(self) -> None:
        """Another worker brings the run to its end."""
        self.latency(0.0)
        self.platform.start("two")
        self.until(lambda: self.ask("SELECT count(*) FROM run WHERE ended_at IS NULL") == 0, 120.0)


@contextmanager
def scene(**settings: str) -> Iterator[Scene]:
    with ground(durable=False) as opened:
        environment = opened.environment(opened.database("sigterm")) | settings | {"LOG_LEVEL": "info"}
        chosen = {name.lower(): value for name, value in environment.items()}
        made = Settings.model_validate({name: chosen[name] for name in Settings.model_fields if name in chosen})
        speak_to(made.redis_url)
        at = patient_engine(made.database_url)
        try:
            opened.neighbours.open(f"CN-{NAME}", NAME, CATALOGUE)
            cast = seat(
                at, Vault.from_ring(KEY_RING), tenant=NAME, name="main", code=f"CN-{NAME}", store_hash=NAME,
                profile=goods.profile(CATALOGUE), weight=1,
            )  # fmt: skip
            here = Scene(opened, at, made, Platform(opened.children, at, environment, slots=4, bound=30.0), cast)
            here.request()
            here.platform.start("one")
            here.until(lambda: len([one for one in here.calls() if one["method"] == "POST"]) > 3)
            yield here
        finally:
            at.dispose()


def made_twice(snapshot: dict[str, Any]) -> bool:
    """Whether the store holds two products of one name."""
    names = [row["name"] for row in snapshot["products"]]
    return len(names) != len(set(names))


def test_a_worker_hands_over_within_five_seconds_where_the_store_answers_within_three() -> None:
    with scene() as here:
        here.latency(3.0)
        before = len(here.calls())
        here.until(lambda: len(here.calls()) > before)  # slow calls are in the air now
        sent, seconds, code = here.terminate()
        assert code == 0
        assert seconds <= 5.0
        assert [one for one in here.calls() if one["at"] > sent + 1.0] == [], "no new call within a second"
        assert here.ask("SELECT ended_why FROM slice_log ORDER BY epoch DESC LIMIT 1") == "draining"
        assert here.ask("SELECT count(*) FROM pending_change WHERE state = 'sending'") == 0
        assert here.ask("SELECT count(*) FROM pending_change WHERE state = 'pending'") > 0
        assert here.turn() in ("ready", "dispatched")
        here.finish()
        assert here.ask("SELECT state FROM run") in ("completed", "completed_with_errors")


def test_what_is_open_after_the_drain_time_is_looked_up_by_whoever_goes_on() -> None:
    with scene(DRAIN_SECONDS="2", LEASE_SECONDS="4", CALL_TIMEOUT_SECONDS="40") as here:
        here.latency(12.0)
        before = len(here.calls())
        here.until(lambda: len(here.calls()) > before)
        sent, seconds, code = here.terminate()
        assert code == 0
        assert 1.5 <= seconds <= 4.0
        assert [one for one in here.calls() if one["at"] > sent + 1.0] == []
        assert here.ask("SELECT count(*) FROM pending_change WHERE state = 'sending'") > 0
        held = content(here.ground.neighbours.snapshot(NAME))
        here.finish()
        snapshot = here.ground.neighbours.snapshot(NAME)
        assert here.ask("SELECT state FROM run") in ("completed", "completed_with_errors")
        assert not made_twice(snapshot)
        assert set(held["products"]) <= set(content(snapshot)["products"])
        assert here.ask("SELECT count(*) FROM pending_change") == 0
