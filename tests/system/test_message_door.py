"""A backend that knows only the broker's address and the task's name gets a run; by the example of docs/api.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from worker.catalog.profile import Profile
from worker.ledger import connectors
from worker.ledger.session import as_tenant
from worker.settings import Settings

ROOT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:1"


def the_example() -> str:
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    [found] = re.findall(r"<!-- example: message -->\n```python\n(.*?)```", page, re.DOTALL)
    return str(found)


@pytest.fixture
def made(config: Settings) -> tuple[int, int]:
    """A tenant and its connector, which nothing is due for."""
    engine = create_engine(config.database_url, poolclass=NullPool)
    with as_tenant(engine, 0) as session:
        tenant_id = connectors.next_tenant_id(session)
    with as_tenant(engine, tenant_id) as session:
        connectors.add_tenant(session, tenant_id, name="by message", weight=1.0, max_slots=None)
        connector_id = connectors.add(
            session, tenant_id, name="shop", store_hash="bymessage", profile=Profile(), first_check_in=1e6
        )
    return tenant_id, connector_id


@pytest.fixture
def worker(config: Settings, tmp_path: Path) -> Iterator[None]:
    """A Celery worker whose neighbours are away."""
    known = {
        "DATABASE_URL": config.database_url,
        "REDIS_URL": config.redis_url,
        "CREDENTIAL_KEYS": config.credential_keys.get_secret_value(),
        "SALESLAYER_URL": NOWHERE,
        "BIGCOMMERCE_URL": NOWHERE,
    }
    command = [sys.executable, "-m", "celery", "-A", "worker.app", "worker", "-P", "threads", "-c", "2"]
    with (tmp_path / "worker.log").open("wb") as told:
        process = subprocess.Popen(  # noqa: S603 our own interpreter and modules
            [*command, "--without-gossip", "--without-mingle", "-n", "asked@here"],
            env=os.environ | known, cwd=ROOT, stdout=told, stderr=subprocess.STDOUT,
        )  # fmt: skip
        yield
        process.kill()
        process.wait()


def runs_of(config: Settings, tenant_id: int) -> list[Any]:
    engine = create_engine(config.database_url, poolclass=NullPool)
    with as_tenant(engine, tenant_id) as session:
        return list(session.execute(text("SELECT requested_by, refresh, trigger FROM run WHERE listed ORDER BY id")))


@pytest.mark.usefixtures("worker")
def test_a_message_by_name_alone_requests_a_run(config: Settings, made: tuple[int, int], tmp_path: Path) -> None:
    tenant_id, connector_id = made
    sent = (
        the_example()
        .replace("redis://localhost:6379/0", config.redis_url)
        .replace('"tenant": 3', f'"tenant": {tenant_id}')
        .replace('"connector": 7', f'"connector": {connector_id}')
    )
    script = tmp_path / "backend.py"
    script.write_text(sent)
    # It stands in a folder of its own: nothing of ours can be imported there.
    ran = subprocess.run(  # noqa: S603 our own interpreter
        [sys.executable, "-I", str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    pause = threading.Event()
    for _ in range(120):
        if found := runs_of(config, tenant_id):
            break
        pause.wait(0.5)
    assert [tuple(one) for one in found] == [("spring backend (message)", False, "request")]
