"""Redis dies in the middle of a run and comes back empty: the run goes on slowly, ends well, and floods nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count

import pytest

from sandbox.generator.catalogue import generate
from sandbox.servers.redis import EmbeddedRedis
from sandbox.stage.stage import Stage
from worker.bigcommerce.quota import BLIND_CALLS, Quota, connect
from worker.settings import Settings

PRODUCTS = 40
_names = count()


def test_a_redis_that_dies_and_comes_back_empty_slows_a_run_down_and_no_more(config: Settings) -> None:
    server = EmbeddedRedis()
    server.start()
    stage = Stage(config.model_copy(update={"redis_url": server.url}))
    cast = stage.connect(
        f"redis-{next(_names)}", generate(seed=9, categories=2, products=PRODUCTS, variants_per_product=1)
    )
    store = stage.stores.store(cast.store_hash)
    store.configure(plan="Standard", latency=0.05)
    stage.request(cast)
    endings: list[str | None] = []
    run = threading.Thread(target=lambda: endings.append(stage.play_one()))
    run.start()
    until(lambda: len(store.log.entries) >= 12)
    server.stop()
    died = time.time()
    time.sleep(5)
    before = [one.at for one in store.log.entries if one.at > died + 0.5]
    assert 3 <= len(before) <= BLIND_CALLS * 4.5 + 1, "neither a stop nor a flood"
    back = EmbeddedRedis(port=int(server.url.rpartition(":")[2].partition("/")[0]))
    back.start()
    came_back = time.time()
    run.join(timeout=60)
    assert not run.is_alive()
    assert endings == ["work_done"]
    counters = store.log.counters()
    assert counters["too_many_requests"] == 0
    assert len(stage.stores.snapshot(cast.store_hash)["products"]) == PRODUCTS
    after = [one.at for one in store.log.entries if one.at > came_back + 3]
    assert len(after) > 10
    assert len(after) / (after[-1] - after[0]) > BLIND_CALLS, "the pace of the plan again"
    back.stop()
    stage.close()


def test_a_redis_that_is_away_holds_a_call_up_for_a_moment_only() -> None:
    quota = Quota(connect("redis://127.0.0.1:1/0"), store_hash="abc")
    began = time.monotonic()
    assert not quota.ask()
    assert time.monotonic() - began < 0.5


def until(is_so: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            pytest.fail("it never became so")
        time.sleep(0.02)
