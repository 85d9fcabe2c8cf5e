"""Flower under way, and workers with something to do: three tenants with four connectors share two slots."""

from __future__ import annotations

import ast
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import redis
from sqlalchemy import Engine, text

from sandbox.chaos.ground import Ground, ground
from sandbox.chaos.platform import Platform
from sandbox.generator.catalogue import generate
from sandbox.processes.broker import speak_to
from sandbox.processes.children import Child
from sandbox.stage.stage import KEY_RING, Cast, seat
from tests.patient import patient_engine
from worker.ledger import runs
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.vault import Vault
from worker.scheduling import dispatch
from worker.settings import Settings
from worker.tasks import publish

SECONDS = 120.0
CHECKED_EVERY = 3600
"""Seconds after which a connector that has nothing more to do is due again."""
BROKERS_PASSWORD = "canary-redis-1b7e"
AUTH = ("somebody", "canary-flower-9c2d")
TRADERS = (("acme", "spring-shop"), ("acme", "outlet"), ("globex", "main"), ("initech", "wholesale"))
"""Tenants with their connectors."""
PRODUCTS: Mapping[str, int] = {name: 12 for _, name in TRADERS}
"""What there is to be synchronised, by connector."""


@dataclass
class Watched:
    """The service under way, and somebody who looks at it through Flower."""

    ground: Ground
    engine: Engine
    settings: Settings
    platform: Platform
    address: str
    flower: httpx.Client
    casts: dict[tuple[str, str], Cast]

    def request(self, tenant: str, connector: str) -> int:
        """A run for this connector; its id."""
        cast = self.casts[tenant, connector]
        with as_tenant(self.engine, cast.tenant_id) as session:
            run = runs.request(session, cast.tenant_id, cast.connector_id, refresh=False)
        dispatch.wake(self.engine, self.settings, publish, cast.connector_id)
        return run

    def tasks(self, **asked: str) -> dict[str, dict[str, Any]]:
        """What Flower knows of tasks, their arguments read."""
        found: dict[str, dict[str, Any]] = self.flower.get("/api/tasks", params=asked).raise_for_status().json()
        return {one: task | {"told": ast.literal_eval(task["kwargs"] or "{}")} for one, task in found.items()}

    def is_idle(self) -> bool:
        """Whether nobody has anything to do."""
        with as_scheduler(self.engine) as session:
            return not session.scalar(text("SELECT count(*) FROM turn WHERE state <> 'parked'"))


def until(true: Callable[[], bool], *, seconds: float = SECONDS, pause: float = 0.1) -> None:
    """Wait until it is so."""
    give_up_at = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up_at, "it did not come to pass"
        time.sleep(pause)


@contextmanager
def watched(*, products: Mapping[str, int] = PRODUCTS, latency: float = 0.2, yields: float = 1.5) -> Iterator[Watched]:
    """Servers, neighbours, two workers of one slot, Flower with its password; every connector idle yet."""
    with ground(durable=False) as opened:
        with redis.Redis.from_url(opened.redis.url) as server:
            server.config_set("requirepass", BROKERS_PASSWORD)
        environment = opened.environment(opened.database("watched")) | {
            "REDIS_URL": opened.redis.url.replace("//", f"//:{BROKERS_PASSWORD}@"),
            "FLOWER_BASIC_AUTH": ":".join(AUTH),
            "SLICE_YIELD_SECONDS": str(yields),
            "PACEMAKER_SECONDS": "0.2",
            "CALLS_IN_FLIGHT": "3",
        }
        environment |= {"C_FORCE_ROOT": "1"} if os.geteuid() == 0 else {}
        chosen = {name.lower(): value for name, value in environment.items()}
        settings = Settings.model_validate({name: chosen[name] for name in Settings.model_fields if name in chosen})
        speak_to(settings.redis_url)
        at = patient_engine(settings.database_url)
        platform = Platform(opened.children, at, environment, slots=1, bound=30.0)
        try:
            casts = {
                (tenant, name): a_cast(opened, at, tenant, name, products=products[name], latency=latency)
                for tenant, name in TRADERS
            }
            address = start(opened, environment)
            with httpx.Client(base_url=address, auth=AUTH, timeout=30, trust_env=False) as flower:
                for place in ("one", "two"):
                    platform.start(place)
                here = Watched(opened, at, settings, platform, address, flower, casts)
                until(lambda: len(flower.get("/api/workers?refresh=1").json()) == len(platform.workers))
                yield here
        finally:
            at.dispose()


def a_cast(opened: Ground, at: Engine, tenant: str, connector: str, *, products: int, latency: float) -> Cast:
    """A connector with a source and a store of its own."""
    catalogue = generate(seed=len(tenant + connector), categories=4, products=products, variants_per_product=2)
    code, store = f"CN-{tenant}-{connector}", f"{tenant}{connector}".replace("-", "")
    opened.neighbours.open(code, store, catalogue, latency=latency)
    return seat(
        at, Vault.from_ring(KEY_RING), tenant=tenant, name=connector, code=code, store_hash=store,
        profile={"check_every_seconds": CHECKED_EVERY},
    )  # fmt: skip


def start(opened: Ground, environment: dict[str, str]) -> str:
    """Flower, with the settings of flowerconfig.py; its address, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = f"-A worker.app flower --conf=flowerconfig.py --address=127.0.0.1 --port={port}"
    child: Child = opened.children.start("flower", "celery", words.split(), environment)
    address = f"http://127.0.0.1:{port}"
    give_up_at = time.monotonic() + SECONDS
    with httpx.Client(timeout=5, trust_env=False) as asking:
        while True:
            with suppress(httpx.HTTPError):
                asking.get(f"{address}/healthcheck").raise_for_status()
                return address
            assert not child.has_ended(), child.ended()
            assert time.monotonic() < give_up_at, "Flower does not answer"
            time.sleep(0.1)
