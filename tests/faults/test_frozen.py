"""A worker that is frozen in the midst of a transaction holds nobody up for longer than its lease."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import count

import pytest
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from sandbox.generator.catalogue import generate
from sandbox.stage.stage import Cast, Stage
from worker.ledger import turns
from worker.ledger.session import as_scheduler, as_tenant, engine
from worker.ledger.turns import Dispatched
from worker.scheduling.pacemaker import Pacemaker
from worker.settings import Settings

LEASE = 1.0
_names = count()


@pytest.fixture
def stage(config: Settings) -> Iterator[Stage]:
    opened = Stage(config.model_copy(update={"lease_seconds": LEASE, "dispatch_seconds": 60.0}))
    yield opened
    opened.close()


@pytest.fixture
def cast(stage: Stage) -> Cast:
    catalogue = generate(seed=1, categories=2, products=2, variants_per_product=1)
    return stage.connect(f"frozen-{next(_names)}", catalogue)


@pytest.fixture
def frozen() -> Iterator[ExitStack]:
    """Transactions of a worker that hears nothing any more; it wakes up at the end, and its rollback comes too late."""
    with suppress(OperationalError), ExitStack() as left_open:
        yield left_open


def seconds_until(claim: Callable[[], bool], *, most: float) -> float:
    began = time.monotonic()
    while not claim():
        assert time.monotonic() - began < most, "nothing moves"
        time.sleep(0.1)
    return time.monotonic() - began


def test_the_mutex_of_the_scheduler_is_not_held_by_a_frozen_worker(stage: Stage, cast: Cast, frozen: ExitStack) -> None:
    zombie = engine(stage.settings.database_url)
    assert turns.take_the_baton(frozen.enter_context(as_scheduler(zombie)), wait=True)

    def is_dispatched() -> bool:
        with suppress(SQLAlchemyError):  # a lock that is waited for in vain
            stage.request(cast)
        return bool(stage.messages)

    assert seconds_until(is_dispatched, most=15) < 6


def test_a_turn_whose_worker_is_frozen_in_a_fenced_transaction_is_swept(
    stage: Stage, cast: Cast, frozen: ExitStack
) -> None:
    stage.request(cast)
    one = stage.messages.pop()
    zombie = engine(stage.settings.database_url, longest_idle=LEASE)
    with as_tenant(zombie, cast.tenant_id) as session:
        assert turns.claim(session, one.connector_id, one.epoch, lease=LEASE, worker="zombie")
    in_the_midst = frozen.enter_context(as_tenant(zombie, cast.tenant_id))
    assert turns.renew(in_the_midst, one.connector_id, one.epoch, lease=LEASE, progress=True)

    passed: list[Dispatched] = []
    pacemaker = Pacemaker(stage.engine, stage.settings, passed.append, lambda: 0)

    def is_swept() -> bool:
        pacemaker.look()
        return any(again.connector_id == cast.connector_id for again in passed)

    assert seconds_until(is_swept, most=15) < LEASE + 2
