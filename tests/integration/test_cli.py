"""The operator's command itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.operators import CANARY, Operator
from worker.ledger import overview
from worker.ledger.session import as_scheduler


def test_a_database_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql+psycopg2://service:{CANARY}@localhost:1/shops"
    told = the_command("list", cwd=tmp_path, DATABASE_URL=url)
    assert told.returncode == 2
    assert told.stderr.startswith("connector: the database 'shops' at localhost:1 is not reachable: ")
    assert CANARY not in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_the_installed_command_prints_nothing_but_json(database_url: str, key_ring: str, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": database_url, "CREDENTIAL_KEYS": key_ring, "REDIS_URL": "redis://127.0.0.1:1/0"}
    assert the_command("tenant", "add", "acme", cwd=tmp_path, **environment).returncode == 0
    told = the_command("tenant", "list", "--json", cwd=tmp_path, **environment)
    assert [one["tenant"] for one in json.loads(told.stdout)["tenants"]] == ["acme"]
    assert told.stderr == ""


def test_wrong_usage_ends_with_2(operator: Operator) -> None:
    assert "No such command" in operator.says("nonsense", code=2).stderr
    operator.says("run", code=2)


def the_command(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("connector")
    run = [str(command), *words]
    return subprocess.run(  # noqa: S603 our own command
        run, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_every_turn_state_is_in_the_docs_shape(acme: Operator) -> None:
    acme.adds()
    for state in ("ready", "running", "broken"):
        with as_scheduler(acme.here.engine) as session:
            session.exec_driver_sql("UPDATE turn SET state = %s, not_before = 'infinity'", (state,))
            assert overview.standings(session)[0].state == state
        assert acme.reads("list", shape="list")["connectors"][0]["turn"] == state
