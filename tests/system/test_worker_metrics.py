"""A real worker serves its metrics, says how many slots it has, and stops in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import NullPool, create_engine, text

from worker.ledger.session import as_scheduler
from worker.settings import Settings

ROOT = Path(__file__).parents[2]
SLOTS = 3


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def port() -> int:
    return a_free_port()


@pytest.fixture
def worker(config: Settings, port: int, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker of three slots."""
    known = {
        "DATABASE_URL": config.database_url,
        "REDIS_URL": config.redis_url,
        "CREDENTIAL_KEYS": config.credential_keys.get_secret_value(),
        "METRICS_PORT": str(port),
        "PACEMAKER_SECONDS": "0.1",
        "DRAIN_SECONDS": "5",
    }
    command = [sys.executable, "-m", "celery", "-A", "worker.app", "worker", "-P", "threads", "-c", str(SLOTS)]
    with (tmp_path / "worker.log").open("wb") as told:
        process = subprocess.Popen(  # noqa: S603 our own interpreter and modules
            [*command, "--without-gossip", "--without-mingle", "-n", "measured@here"],
            env=os.environ | known, cwd=ROOT, stdout=told, stderr=subprocess.STDOUT,
        )  # fmt: skip
        yield process
        process.kill()
        process.wait()


def scraped(port: int, *, seconds: float = 60.0) -> str:
    """The page of metrics, as soon as there is one that knows the slots."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.5)):
        try:
            page = httpx.get(f"http://127.0.0.1:{port}/metrics").raise_for_status().text
        except httpx.TransportError:
            page = ""
        if f"connector_slots {SLOTS}.0" in page:
            return page
        pause.wait(0.5)
    raise AssertionError(f"no page of metrics within {seconds} s: {page}")


def test_a_worker_serves_metrics_and_leaves_no_slots_behind(
    config: Settings, worker: subprocess.Popen[bytes], port: int
) -> None:
    page = scraped(port)
    assert "connector_fairness_up 1.0" in page
    assert 'connector_turns{state="ready"}' in page
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    engine = create_engine(config.database_url, poolclass=NullPool)
    with as_scheduler(engine) as session:
        found = session.execute(text("SELECT worker, slots, ended_at IS NOT NULL FROM worker_process")).all()
    assert [tuple(row) for row in found] == [("measured@here", SLOTS, True)]
