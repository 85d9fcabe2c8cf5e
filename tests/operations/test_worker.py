"""A worker is killed, and one hears nothing of Postgres any more: another goes on, nothing is doubled."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.operations.place import DATABASE, Place, place
from tests.operations.relay import Relay
from worker.tasks import STUCK

LEASE = 3.0
SETTLE_SECONDS = 12.0
"""Beyond the lease, on a machine that has other work too."""

pytestmark = pytest.mark.timeout(280)


def taken_over(here: Place, old: str) -> float:
    """Seconds until another worker has the turn of this one."""
    node = here.platform.workers[old].node
    return here.until(lambda: here.turn() == "running" and not str(here.turn("worker")).startswith(node), 30.0)


def test_what_a_lost_worker_held_goes_on_elsewhere_after_its_lease(tmp_path: Path) -> None:
    with place(tmp_path, LEASE_SECONDS=str(LEASE), DRAIN_SECONDS="2") as here:
        relay = Relay(here.ground.postgres.folder)
        direct = here.platform.environment["DATABASE_URL"]
        here.moves_to(f"postgresql+psycopg2://service@127.0.0.1:{relay.port}/{DATABASE}")
        here.latency(0.5)
        here.request()
        here.works("cut")
        here.until_sending(2)
        here.latency(5.0)  # until the others are there
        here.moves_to(direct)
        for name in ("two", "three"):
            here.works(name)
        for name in ("two", "three"):
            here.until(lambda name=name: here.is_there(name))  # type: ignore[misc]
        here.latency(0.5)
        cut = here.platform.workers["cut"]
        assert str(here.turn("worker")).startswith(cut.node)
        relay.falls_silent()
        assert taken_over(here, "cut") < LEASE + SETTLE_SECONDS
        holder = "two" if str(here.turn("worker")).startswith(here.platform.workers["two"].node) else "three"
        killed = here.platform.workers[holder]
        killed.send(signal.SIGKILL)
        assert taken_over(here, holder) < LEASE + SETTLE_SECONDS
        assert "worker processes with" in here.types("look")
        here.latency(0.0)
        assert here.until_over() in ("completed", "completed_with_errors")
        here.until(cut.child.has_ended, 8 * LEASE + 20)
        assert cut.child.process.returncode == STUCK, "its supervisor starts another"
        assert "a slot is stuck, the worker ends" in here.log(cut)
        held = here.snapshot()
        for table in ("products", "categories"):
            assert held["store"]["created"][table] == len(held[table]) > 0
        relay.close()
        assert here.ends("three" if holder == "two" else "two") == 0
