"""Where it is measured: a database of its own, worker processes, neighbours beside them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, text

from models.vocabulary import ENDED, RunState
from sandbox.bench import processor
from sandbox.chaos.ground import Ground, ground
from sandbox.chaos.platform import Platform, Worker
from sandbox.processes.broker import speak_to
from sandbox.stage.stage import KEY_RING, Cast, seat
from worker.ledger import runs
from worker.ledger.session import as_scheduler, as_tenant, engine
from worker.ledger.vault import Vault
from worker.scheduling import dispatch
from worker.scheduling.dispatch import Publish
from worker.settings import Settings
from worker.tasks import publish

NEVER = 100_000
"""Seconds until a connector is checked by itself: nothing goes on that was not asked for."""
PATIENCE = 3_600.0
AS_IN_THE_IMAGE = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "1048576"}
"""What the Dockerfile sets for every process, by which its memory is what it is there."""
AS_CREATED = {"switches": {"option_display": "as_created"}}
"""Options are left as the store makes them, as the figures of calls are meant."""

_GOOD = frozenset({RunState.COMPLETED, RunState.UNCHANGED})


class NotAsMeant(Exception):
    """A run did not end as it should have: there is nothing to measure."""


@dataclass(slots=True)
class Works:
    """The service at work, with its own processes."""

    ground: Ground
    engine: Engine
    settings: Settings
    platform: Platform
    casts: list[Cast] = field(default_factory=list)

    def start(self, slots: int) -> Worker:
        """A worker process with so many slots, once it is there."""
        self.platform.slots = slots
        before = self._slots()
        worker = self.platform.start(f"worker{len(self.platform.workers)}")
        give_up_at = time.monotonic() + 60
        while self._slots() < before + slots:
            if worker.child.has_ended() or time.monotonic() > give_up_at:
                raise worker.child.ended()
            time.sleep(0.05)
        return worker

    def add(
        self,
        name: str,
        catalogue: Mapping[str, Any],
        *,
        tenant: str = "bench",
        profile: Mapping[str, Any] | None = None,
        storefronts: int = 1,
        weight: float = 1,
        **store: Any,
    ) -> Cast:
        """A connector between a source with this catalogue and a store of its own, idle until a run is asked for."""
        code, store_hash = f"CN-{name}", f"s{name}"
        channels = [{"id": number, "name": f"Storefront {number}"} for number in range(1, storefronts + 1)]
        self.ground.neighbours.open(code, store_hash, catalogue, channels=channels, **store)
        links = [{"storefront": number} for number in range(1, storefronts + 1)] if storefronts > 1 else []
        chosen = {"check_every_seconds": NEVER, **AS_CREATED, "storefronts": links} | dict(profile or {})
        cast = seat(
            self.engine,
            Vault.from_ring(KEY_RING),
            tenant=tenant,
            name=name,
            code=code,
            store_hash=store_hash,
            profile=chosen,
            weight=weight,
        )
        self.casts.append(cast)
        return cast

    def request(self, cast: Cast, *, refresh: bool = False, publish: Publish = publish) -> int:
        """A run is asked for; its id."""
        with as_tenant(self.engine, cast.tenant_id) as session:
            run_id = runs.request(session, cast.tenant_id, cast.connector_id, refresh=refresh)
        dispatch.wake(self.engine, self.settings, publish, cast.connector_id)
        return run_id

    def until_ended(
        self, wanted: Sequence[tuple[Cast, int]], *, may_have_errors: bool = False, look_every: float = 0.1
    ) -> None:
        """Wait for these runs; NotAsMeant where one ends otherwise than *completed* or *unchanged*, or never."""
        good = _GOOD | ({RunState.COMPLETED_WITH_ERRORS} if may_have_errors else set())
        give_up_at = time.monotonic() + PATIENCE
        left = dict.fromkeys(wanted)
        while left:
            for cast, run_id in list(left):
                with as_tenant(self.engine, cast.tenant_id) as session:
                    state = session.scalar(text("SELECT state FROM run WHERE id = :id"), {"id": run_id})
                if state in ENDED:
                    del left[cast, run_id]
                if state in ENDED - good or state == RunState.AWAITING_APPROVAL:
                    raise NotAsMeant(f"run {run_id} of connector {cast.connector_id} is {state}")
            if time.monotonic() > give_up_at:
                raise NotAsMeant(f"{len(left)} runs have not ended after {PATIENCE:.0f} s")
            time.sleep(look_every)

    def run(self, cast: Cast, *, refresh: bool = False, may_have_errors: bool = False) -> int:
        """A run from its request to its end."""
        run_id = self.request(cast, refresh=refresh)
        self.until_ended([(cast, run_id)], may_have_errors=may_have_errors)
        return run_id

    def calls(self, cast: Cast) -> list[dict[str, Any]]:
        """What the store was asked since its log was cleared, in order."""
        return self.ground.neighbours.calls(cast.store_hash)

    def spent(self) -> dict[str, float]:
        """Who -> processor seconds so far: workers, Postgres, the store and the source that are simulated."""
        return {
            "worker": sum(processor.seconds(one.child.process.pid) for one in self.platform.workers.values()),
            "postgres": processor.seconds(self.ground.postgres.pid),
            "store": processor.seconds(self.ground.store.process.pid),
            "source": processor.seconds(self.ground.source.process.pid),
        }

    def _slots(self) -> int:
        with as_scheduler(self.engine) as session:
            return int(
                session.scalar(text("SELECT coalesce(sum(slots), 0) FROM worker_process WHERE ended_at IS NULL")) or 0
            )


@contextmanager
def works(*, durable: bool = True, **settings: object) -> Iterator[Works]:
    """The servers and neighbours, and a database with these settings of the service; no worker yet."""
    with ground(durable=durable) as opened, _on(opened, settings) as made:
        yield made


@contextmanager
def _on(opened: Ground, further: Mapping[str, object]) -> Iterator[Works]:
    environment = opened.environment(opened.database("bench")) | {"LOG_LEVEL": "warning"} | AS_IN_THE_IMAGE
    environment |= {name.upper(): str(value) for name, value in further.items()}
    chosen = {name.lower(): value for name, value in environment.items()}
    settings = Settings.model_validate({name: chosen[name] for name in Settings.model_fields if name in chosen})
    speak_to(settings.redis_url)
    at = engine(settings.database_url)
    platform = Platform(opened.children, at, environment, slots=1, bound=30.0)
    try:
        yield Works(opened, at, settings, platform)
    finally:
        for worker in platform.workers.values():
            if not worker.child.has_ended():
                os.kill(worker.child.process.pid, 9)
            worker.child.process.wait()
        at.dispose()
