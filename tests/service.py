"""The service as it runs: a door and a worker as processes, between embedded servers and simulated neighbours."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from models.vocabulary import ENDED, Scope
from sandbox.chaos.ground import Ground, ground
from sandbox.saleslayer import example
from tests.patient import patient_engine
from worker.ledger import api_keys, connectors
from worker.ledger.session import as_scheduler, as_tenant

ROOT = Path(__file__).parents[1]
SECONDS = 90.0
SOURCE, TOKEN = "canary-source-4f1c9a", "canary-token-77aa02"
WORKER = "-A worker.app worker -P threads -c 4 -E --without-gossip --without-mingle"


@dataclass(slots=True)
class Process:
    """One process, and the two files that it writes to."""

    name: str
    running: subprocess.Popen[bytes]
    out: Path
    err: Path

    @property
    def said(self) -> str:
        """Its log."""
        return self.err.read_text("utf-8", errors="replace")

    def ends(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """(Exit code, seconds) of its end after this signal."""
        began = time.monotonic()
        self.running.send_signal(how)
        return self.running.wait(SECONDS), time.monotonic() - began


@dataclass(slots=True)
class Played:
    """What was started, and somebody of a tenant who asks the door."""

    ground: Ground
    environment: dict[str, str]
    folder: Path
    key: str
    tenant_id: int
    processes: dict[str, Process] = field(default_factory=dict)
    door: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False))

    def start(self, name: str, module: str, words: str, **further: str) -> Process:
        """A process of the service's modules."""
        out, err = self.folder / f"{name}.out", self.folder / f"{name}.err"
        with out.open("wb") as told, err.open("wb") as logged:
            running = subprocess.Popen(  # noqa: S603 our own interpreter and modules
                [sys.executable, "-m", module, *words.split()],
                env=self.environment | further, cwd=ROOT, stdout=told, stderr=logged,
            )  # fmt: skip
        self.processes[name] = Process(name, running, out, err)
        return self.processes[name]

    def open_door(self, *, words: str = "--no-access-log") -> Process:
        """The API, once it answers."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        started = self.start("api", "uvicorn", f"api.main:app --port {port} {words}")
        headers = {"Authorization": f"Bearer {self.key}"}
        self.door = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30, trust_env=False)

        def answers() -> bool:
            assert started.running.poll() is None, started.said
            with suppress(httpx.HTTPError):
                return self.door.get("/livez").status_code == 200
            return False

        until(answers)
        return started

    def start_worker(self, **further: str) -> Process:
        """A worker of four slots."""
        return self.start("worker", "celery", WORKER, **further)

    def connect(self, name: str = "spring-shop", *, store_hash: str = "abc", **further: Any) -> int:
        """A connector between an example's catalogue and an empty store; its id."""
        near = self.ground.neighbours
        with httpx.Client(timeout=30, trust_env=False) as ask:
            source = {"secret": SOURCE, "catalogue": example.catalogue()}
            ask.put(f"{near.source}/_control/connectors/CN-{name}", json=source).raise_for_status()
            store = {"token": TOKEN, "plan": "Enterprise"}
            ask.put(f"{near.store}/_control/stores/{store_hash}", json=store).raise_for_status()
        given = {
            "name": name,
            "source": {"code": f"CN-{name}", "secret": SOURCE},
            "store": {"hash": store_hash, "access_token": TOKEN},
        }
        answer = self.door.post("/v1/connectors", json=given | further)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def run(self, connector: int, **headers: str) -> dict[str, Any]:
        """A run, to its end."""
        asked = self.door.post(f"/v1/connectors/{connector}/runs", headers=headers)
        assert asked.status_code == 202, asked.text
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            found.update(self.door.get(f"/v1/connectors/{connector}/runs/{asked.json()['run']}").json())
            return found["state"] in ENDED

        until(has_ended)
        return found

    def stop(self) -> None:
        """End what still runs."""
        self.door.close()
        for one in self.processes.values():
            if one.running.poll() is None:
                one.running.kill()
                one.running.wait()


def until(is_so: Callable[[], bool], *, seconds: float = SECONDS) -> None:
    """Wait until it is so."""
    give_up_at = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not come to that"
        time.sleep(0.1)


@contextmanager
def service(folder: Path, **settings: str) -> Iterator[Played]:
    """Servers and neighbours, and a tenant with a key; processes are started by whoever needs them."""
    with ground(durable=False) as opened:
        database = opened.database("played")
        tenant_id, key = a_tenant(database)
        environment = opened.environment(database) | {"PACEMAKER_SECONDS": "0.2"} | settings
        environment |= {"C_FORCE_ROOT": "1"} if os.geteuid() == 0 else {}
        started = Played(opened, dict(environment), folder, key, tenant_id)
        try:
            yield started
        finally:
            started.stop()


def a_tenant(database: str) -> tuple[int, str]:
    """A tenant, and a key that may change what it has."""
    opened = patient_engine(database)
    with as_tenant(opened, 0) as session:
        tenant_id = connectors.next_tenant_id(session)
    with as_tenant(opened, tenant_id) as session:
        connectors.add_tenant(session, tenant_id, name="acme", weight=1, max_slots=None)
    with as_scheduler(opened) as session:
        _, written = api_keys.add(session, tenant_id=tenant_id, name="backend", scope=Scope.WRITE)
    opened.dispose()
    return tenant_id, written
