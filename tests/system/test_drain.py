"""`connector drain`: a real worker ends in order, with Redis there or away, and another one goes on with its runs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from cli.here import Here
from cli.main import app
from sandbox.chaos import goods
from sandbox.chaos.ground import Ground, ground
from sandbox.chaos.platform import Platform
from sandbox.processes.broker import speak_to
from sandbox.stage.stage import KEY_RING, Cast, seat
from tests.patient import patient_engine
from worker.ledger import runs
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.vault import Vault
from worker.scheduling import dispatch
from worker.settings import Settings
from worker.tasks import publish

CATALOGUE = goods.catalogue(9, products=20)
NAME = "drained"

pytestmark = pytest.mark.timeout(240)


@dataclass
class Scene:
    """One tenant with a run under way on one real worker, and somebody at the command line."""

    ground: Ground
    engine: Engine
    settings: Settings
    platform: Platform
    cast: Cast

    def says(self, *words: str) -> Result:
        """What the command says."""
        return CliRunner().invoke(app, list(words), obj=Here(self.settings))

    def calls(self) -> list[dict[str, Any]]:
        """What the store was asked, in order."""
        return self.ground.neighbours.calls(NAME)

    def ask(self, sql: str) -> Any:
        """One value of the tenant's."""
        with as_tenant(self.engine, self.cast.tenant_id) as session:
            return session.scalar(text(sql))

    def asks(self, sql: str) -> Any:
        """One value of the turns'."""
        with as_scheduler(self.engine) as session:
            return session.scalar(text(sql))

    def until(self, true: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until it is so."""
        give_up_at = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < give_up_at, "it did not come to pass"
            time.sleep(0.05)

    def exit_code(self, place: str = "one", seconds: float = 60.0) -> int:
        """How the worker there ends, on its own."""
        return self.platform.workers[place].child.process.wait(seconds)


@contextmanager
def scene(**settings: str) -> Iterator[Scene]:
    with ground(durable=False) as opened:
        environment = opened.environment(opened.database("drain")) | settings | {"LOG_LEVEL": "info"}
        chosen = {name.lower(): value for name, value in environment.items()}
        made = Settings.model_validate({name: chosen[name] for name in Settings.model_fields if name in chosen})
        speak_to(made.redis_url)
        at = patient_engine(made.database_url)
        try:
            opened.neighbours.open(f"CN-{NAME}", NAME, CATALOGUE)
            opened.neighbours.configure_store(NAME, latency=0.3)
            cast = seat(
                at, Vault.from_ring(KEY_RING), tenant=NAME, name="main", code=f"CN-{NAME}", store_hash=NAME,
                profile=goods.profile(CATALOGUE), weight=1,
            )  # fmt: skip
            here = Scene(opened, at, made, Platform(opened.children, at, environment, slots=4, bound=30.0), cast)
            with as_tenant(at, cast.tenant_id) as session:
                runs.request(session, cast.tenant_id, cast.connector_id, refresh=False)
            dispatch.wake(at, made, publish, cast.connector_id)
            here.platform.start("one")
            here.until(lambda: len([one for one in here.calls() if one["method"] == "POST"]) > 3)
            here.until(lambda: here.asks("SELECT count(*) FROM worker_process") == 1)
            yield here
        finally:
            at.dispose()


def test_a_drained_worker_ends_like_a_terminated_one_and_its_run_goes_on_elsewhere() -> None:
    with scene() as here:
        name = here.asks("SELECT worker FROM worker_process")
        assert here.asks("SELECT worker FROM turn") == name
        told = here.says("drain", name, "--wait")
        assert told.exit_code == 0, told.output
        assert f"{name} is told to drain; it holds 1 of 4 slots" in told.stdout
        assert told.stdout.endswith("drained\n")
        assert here.exit_code() == 0
        assert here.ask("SELECT ended_why FROM slice_log ORDER BY epoch DESC LIMIT 1") == "draining"
        assert here.ask("SELECT count(*) FROM pending_change WHERE state = 'sending'") == 0
        assert here.ask("SELECT count(*) FROM pending_change") > 0, "it was in the midst of its run"
        assert here.asks("SELECT state FROM turn") in ("ready", "dispatched")
        assert "no worker process is there" in here.says("drain", "--all").stderr
        here.platform.start("two")
        here.until(lambda: here.ask("SELECT count(*) FROM run WHERE ended_at IS NULL") == 0, 120.0)
        assert here.ask("SELECT state FROM run") in ("completed", "completed_with_errors")
        names = [row["name"] for row in here.ground.neighbours.snapshot(NAME)["products"]]
        assert len(names) == len(set(names)) > 0
        assert here.ask("SELECT count(*) FROM pending_change") == 0


def test_it_is_heard_while_redis_is_away() -> None:
    with scene(DRAIN_SECONDS="15") as here:
        here.ground.redis.stop()
        began = time.monotonic()
        told = here.says("drain", "--all", "--wait")
        assert told.exit_code == 0, told.output
        assert here.exit_code(seconds=30.0) == 0
        assert time.monotonic() - began < 45.0
        assert here.asks("SELECT ended_at IS NOT NULL FROM worker_process"), "it has said that it ends"
        assert here.ask("SELECT ended_why FROM slice_log ORDER BY epoch DESC LIMIT 1") == "draining"
        assert here.asks("SELECT state FROM turn") in ("ready", "dispatched")


def test_a_process_that_does_not_hear_is_named() -> None:
    with scene() as here:
        with as_scheduler(here.engine) as session:
            session.execute(
                text(
                    "INSERT INTO worker_process (worker, started_at, seen_at, slots)"
                    " VALUES ('deaf@host', now(), now(), 4)"
                )
            )
        told = here.says("drain", "host", "--wait", "--patience", "2")
        assert told.exit_code == 3, told.output
        assert "deaf@host did not begin to end within 2 s" in told.stderr
        assert not here.platform.workers["one"].child.has_ended(), "nobody else was told"
        assert here.asks("SELECT count(*) FROM worker_process WHERE drain_asked_at IS NULL") == 1


def test_a_process_that_hangs_is_named_though_others_have_taken_its_turn_over() -> None:
    with scene() as here:
        name = here.asks("SELECT worker FROM worker_process")
        hung = here.platform.workers["one"]
        hung.send(signal.SIGSTOP)
        try:
            with as_scheduler(here.engine) as session:
                # As good as 28 s later: it is still there when it is told, and is not a moment after.
                session.execute(text("UPDATE worker_process SET seen_at = now() - interval '28 s'"))
                session.execute(text("UPDATE turn SET deadline = now()"))
            told = here.says("drain", name, "--wait", "--patience", "4")
            assert told.exit_code == 3, told.output
            assert f"{name} did not begin to end within 4 s" in told.stderr
            assert "drained" not in told.stdout
        finally:
            hung.send(signal.SIGCONT)
        assert here.exit_code() == 0, "what it was told, it hears when it wakes"
        assert "no worker process is there" in here.says("drain", "--all").stderr
