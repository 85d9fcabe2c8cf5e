"""Redis is killed and comes back empty, and is full for a while: runs go on slowly, and no worker is lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import redis

from tests.operations.place import NAME, Place, place

pytestmark = pytest.mark.timeout(280)


def filled(here: Place) -> redis.Redis:
    """Not a byte more goes in, whatever those who hang up give back."""
    broker = redis.Redis.from_url(here.ground.redis.url)
    broker.config_set("maxmemory", int(broker.info("memory")["used_memory"]) // 2)
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        broker.set("other", "x")
    return broker


def test_a_redis_that_is_full_or_gone_slows_runs_down_and_fails_none(tmp_path: Path) -> None:
    with place(tmp_path, LEASE_SECONDS="5") as here:
        worker = here.works("one")
        here.latency(0.2)
        here.request()
        here.until_sending(2)
        broker = filled(here)
        time.sleep(1.0)  # what had leave before that comes back
        before, began = here.writes(), time.monotonic()
        assert "Redis answers and takes nothing" in here.unwrapped("connector doctor", code=1)
        here.until(lambda: here.writes() > before + 3)
        assert (here.writes() - before) / (time.monotonic() - began) < 4, "slowly, for all that is known of the quota"
        here.runs(f"connector run {NAME}")
        late = here.works("late")
        here.until(late.child.has_ended)
        assert late.child.process.returncode == 1, "one that starts now is started again by its supervisor"
        here.platform.workers.pop("late")
        assert "OutOfMemoryError" in here.log(late)
        assert not worker.child.has_ended()
        broker.config_set("maxmemory", 0)
        assert "Redis answers." in here.types("empty redis")
        here.ground.redis.stop()
        told = here.unwrapped("connector doctor", code=1)
        assert "Redis does not answer" in told
        here.ground.redis.start()
        here.latency(0.0)
        here.until_over()
        assert here.ask("SELECT count(*) FROM run WHERE state = 'failed'") == 0
        assert here.ask("SELECT count(*) FROM run") == 2
        created, products = here.snapshot()["store"]["created"], here.snapshot()["products"]
        assert created["products"] == len(products) > 0
        assert here.ends("one") == 0
