"""The previous release is at work, its schema is migrated under it, and the new one takes over: nothing is lost.

The previous release is a wheel in `releases/` (`make release`): its own migrations, its own workers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from sandbox.chaos import goods
from sandbox.chaos.ground import Ground, ground
from sandbox.processes.children import REPOSITORY, Child
from sandbox.stage.compare import content
from sandbox.stage.database import migrate
from sandbox.stage.stage import SECRET, TOKEN
from tests.patient import patient_engine
from worker.ledger import schema
from worker.ledger.session import as_scheduler, as_tenant

[RELEASE] = (Path(__file__).parent / "releases").glob("*.whl")
CATALOGUE = goods.catalogue(9, products=20)
NAMES = ("done", "sending", "reading")
EARLY, LATE = "before", "after"

MIGRATE = """
import sys, migrations
from alembic import command
from alembic.config import Config
config = Config()
config.set_main_option("script_location", migrations.__path__[0])
config.set_main_option("sqlalchemy.url", sys.argv[1])
command.upgrade(config, "head")
"""
ADD = """
import json, sys
from worker.catalog.profile import Profile
from worker.ledger import connectors
from worker.ledger.session import as_tenant, engine
from worker.ledger.vault import Vault
from worker.settings import settings
at, told = engine(settings().database_url), json.load(sys.stdin)
vault = Vault.from_ring(settings().credential_keys.get_secret_value())
for name in told["names"]:
    with as_tenant(at, 0) as session:
        tenant = connectors.next_tenant_id(session)
    with as_tenant(at, tenant) as session:
        connectors.add_tenant(session, tenant, name=name, weight=1, max_slots=None)
        made = connectors.add(session, tenant, name=name, store_hash=name, first_check_in=1e6,
                              profile=Profile.model_validate(told["profile"]))
        secrets = {"source_code": "CN-" + name, "source_secret": told["secret"], "store_token": told["token"]}
        connectors.keep_credentials(session, vault, tenant_id=tenant, connector_id=made, secrets=secrets)
"""
REQUEST = """
import sys
from worker.ledger import runs
from worker.ledger.session import as_tenant
from worker.process import process
from worker.scheduling import dispatch
from worker.tasks import publish
here = process()
with as_tenant(here.engine, int(sys.argv[1])) as session:
    runs.request(session, int(sys.argv[1]), int(sys.argv[2]), refresh=sys.argv[3] == "refresh")
dispatch.wake(here.engine, here.settings, publish, int(sys.argv[2]))
"""
"""What the previous release is asked to do, in its own words; the same words still do for the new one."""

pytestmark = pytest.mark.timeout(280)


@dataclass
class Scene:
    """Two releases beside each other, over one database."""

    ground: Ground
    engine: Engine
    old: dict[str, str]
    new: dict[str, str]

    def say(self, code: str, *arguments: str, environment: dict[str, str], told: str = "") -> str:
        """Have a process of this release do something."""
        done = subprocess.run(  # noqa: S603 our own interpreter and code
            [sys.executable, "-c", code, *arguments],
            env=environment,
            cwd=self.ground.folder,
            input=told,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def worker(self, name: str, environment: dict[str, str]) -> Child:
        """A worker of this release."""
        arguments = ["-A", "worker.app", "worker", "-P", "threads", "-c", "4", "-E", "--without-gossip",
                     "--without-mingle", "-l", "warning", "-n", f"{name}@here"]  # fmt: skip
        root = {"C_FORCE_ROOT": "1"} if os.geteuid() == 0 else {}
        return self.ground.children.start(f"worker-{name}", "celery", arguments, environment | root)

    def request(self, name: str, environment: dict[str, str], how: str = "update") -> None:
        """Ask for a run."""
        tenant, connector = self.ids(name)
        self.say(REQUEST, str(tenant), str(connector), how, environment=environment)

    def ids(self, name: str) -> tuple[int, int]:
        """(tenant, connector) of this name."""
        with as_scheduler(self.engine) as session:
            row = session.execute(text("SELECT tenant_id, connector_id FROM turn WHERE name = :n"), {"n": name}).one()
        return row[0], row[1]

    def ask(self, name: str, sql: str) -> Any:
        """One value of the tenant's."""
        with as_tenant(self.engine, self.ids(name)[0]) as session:
            return session.scalar(text(sql))

    def state(self, name: str) -> str | None:
        """Where the tenant's last run stands."""
        found = self.ask(name, "SELECT state FROM run ORDER BY id DESC LIMIT 1")
        return None if found is None else str(found)

    def writes(self, name: str) -> int:
        """Writing calls that the store has had."""
        return len([one for one in self.ground.neighbours.calls(name) if one["method"] != "GET"])

    def processes(self) -> set[str]:
        """The workers that are there."""
        with as_scheduler(self.engine) as session:
            rows = session.scalars(text("SELECT split_part(worker, '@', 1) FROM worker_process WHERE ended_at IS NULL"))
            return set(rows)

    def slow(self, name: str, store: float, source: float = 0.0) -> None:
        """How long the neighbours take for every answer from now on."""
        self.ground.neighbours.configure_store(name, latency=store)
        self.ground.neighbours._ask(
            "PUT",
            f"{self.ground.neighbours.source}/_control/connectors/CN-{name}/switches",
            {"latency_seconds": source},
        )


def until(true: Callable[[], bool], seconds: float = 90.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up_at, "it did not come to pass"
        time.sleep(0.1)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    release = tmp_path / "release"
    with zipfile.ZipFile(RELEASE) as wheel:
        wheel.extractall(release)
    with ground(durable=False) as opened:
        opened.postgres.create_database("upgrade")
        new = opened.environment(opened.postgres.url("upgrade")) | {"PYTHONSAFEPATH": "1", "LOG_LEVEL": "info"}
        new["PYTHONPATH"] = str(REPOSITORY)
        # What the wheel does not bring, the ward that ends it with the test, is the new one's.
        old = new | {"PYTHONPATH": f"{release}{os.pathsep}{REPOSITORY}"}
        at = patient_engine(opened.postgres.url("upgrade"))
        here = Scene(opened, at, old, new)
        where = here.say("import worker, models, migrations; print(worker.__file__, models.__file__)", environment=old)
        assert where.count(str(release)) == 2
        here.say(MIGRATE, opened.postgres.url("upgrade", "owner"), environment=old)
        for name in NAMES:
            opened.neighbours.open(f"CN-{name}", name, CATALOGUE)
        told = {"names": NAMES, "profile": goods.profile(CATALOGUE), "secret": SECRET, "token": TOKEN}
        here.say(ADD, environment=old, told=json.dumps(told))
        yield here
        at.dispose()


def test_the_previous_release_works_on_while_it_is_migrated_and_the_new_one_goes_on(scene: Scene) -> None:
    before = scene.worker(EARLY, scene.old)
    # A worker of the new release that comes too early takes nothing up.
    after = scene.worker(LATE, scene.new)
    scene.request("done", scene.old)
    until(lambda: str(scene.state("done")).startswith("completed"))
    until(lambda: "nothing is taken up yet" in after.log.read_text())

    scene.slow("sending", store=1.0)
    scene.slow("reading", store=1.0, source=4.0)
    scene.request("sending", scene.old)
    until(lambda: scene.writes("sending") > 1)
    scene.request("reading", scene.old)
    until(lambda: scene.state("reading") == "preparing")
    assert scene.state("sending") == "synchronizing"
    assert scene.processes() == {EARLY}

    held = scene.writes("sending")
    migrate(scene.ground.postgres.url("upgrade", "owner"))
    assert schema.found(scene.engine) == schema.head() != schema.known()[-1]
    assert (scene.state("sending"), scene.state("reading")) == ("synchronizing", "preparing"), "it was under way"
    until(lambda: scene.writes("sending") > held)
    until(lambda: scene.processes() == {EARLY, LATE})

    before.process.send_signal(signal.SIGTERM)
    assert before.process.wait(40) == 0
    for name in NAMES[1:]:
        scene.slow(name, store=0.0)
    until(lambda: all(str(scene.state(name)).startswith("completed") for name in NAMES))
    for name in NAMES[1:]:
        workers = scene.ask(name, "SELECT string_agg(DISTINCT split_part(worker, '@', 1), ' ' ORDER BY"
                                  " split_part(worker, '@', 1)) FROM slice_log")  # fmt: skip
        assert workers == f"{LATE} {EARLY}", "both have worked on it"
        assert scene.ask(name, "SELECT count(*) FROM slice_log WHERE ended_why IN ('bug', 'turn_lost')") == 0

    snapshots = {name: scene.ground.neighbours.snapshot(name) for name in NAMES}
    outcomes = """SELECT string_agg(o, ' ' ORDER BY o) FROM (
        SELECT kind || outcome || count(*) AS o FROM item_status GROUP BY kind, outcome) s"""
    for name in NAMES[1:]:
        assert content(snapshots[name]) == content(snapshots["done"]), "as in the store that nobody disturbed"
        assert scene.ask(name, outcomes) == scene.ask("done", outcomes)
        assert scene.ask(name, "SELECT count(*) FROM pending_change") == 0
        assert scene.ground.neighbours.repeated(name) == 0, "nothing was sent twice"

    # What the previous release has written down, the new one reads: there is nothing to send.
    sent = {name: scene.writes(name) for name in NAMES}
    for name in NAMES:
        scene.request(name, scene.new, "refresh")
    until(lambda: all(scene.ask(name, "SELECT count(*) FROM run WHERE ended_at IS NOT NULL") == 2 for name in NAMES))
    assert {name: scene.writes(name) for name in NAMES} == sent
    assert {scene.state(name) for name in NAMES} <= {"completed", "completed_with_errors"}
