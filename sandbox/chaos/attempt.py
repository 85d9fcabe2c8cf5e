"""One run, killed at its n-th moment in a forked child, and finished by this process."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, text

from models.vocabulary import ENDED
from sandbox.chaos import dying, end, goods
from sandbox.chaos.end import End
from sandbox.chaos.neighbours import Neighbours
from sandbox.stage.stage import Cast, seat
from worker.ledger import runs
from worker.ledger.session import as_scheduler, as_tenant, engine
from worker.ledger.turns import Dispatched
from worker.ledger.vault import Vault
from worker.process import Process
from worker.scheduling import dispatch
from worker.scheduling.pacemaker import Pacemaker
from worker.settings import Settings
from worker.tasks import run_slice

SECONDS_BETWEEN_LOOKS = 0.05
SECONDS_TO_FINISH = 60.0
"""A run that goes on for longer is stuck."""
LIVED, FAILED = 0, 1


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one run."""

    moments: int
    """That its first worker has seen, up to its death."""
    died_at: str | None
    """Where; None = it lived to the run's end."""
    recovery: float | None
    """Seconds from the death to the next claim; None = nothing was left to be claimed."""
    end: End


def attempt(settings: Settings, neighbours: Neighbours, name: str, at: int | None, *, seed: int) -> Attempt:
    """A new tenant's first run, its first worker killed at the moment `at` (None = left alive).

    This process may have no threads and no connections: the first worker is a fork of it.
    """
    told, tells = os.pipe()
    cast = _seated(settings, neighbours, name, seed=seed)
    child = os.fork()
    if child == 0:
        os.close(told)
        _live_and_die(settings, cast, at, tells)
    os.close(tells)
    _, status = os.waitpid(child, 0)
    died = time.time()
    with os.fdopen(told) as said:
        count, _, where = said.read().partition(" ")
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != LIVED:
        raise RuntimeError(f"the worker that was to die at moment {at} of {name} failed by itself; see above")
    process = dying.mortal(settings, dying.fate(None, last_words=lambda _: None))
    try:
        work(process, cast)
        recovery = _recovery(process.engine, cast, died) if where else None
        reached = end.read(
            process.engine, cast, neighbours.snapshot(cast.store_hash), repeated=neighbours.repeated(cast.store_hash)
        )
    finally:
        process.engine.dispose()
    neighbours.close_store(cast.store_hash)
    return Attempt(int(count), where or None, recovery, reached)


def _seated(settings: Settings, neighbours: Neighbours, name: str, *, seed: int) -> Cast:
    """A connector that has asked for a run, and whose turn is ready."""
    catalogue = goods.catalogue(seed)
    neighbours.open(f"CN-{name}", name, catalogue)
    opened = engine(settings.database_url)
    vault = Vault.from_ring(settings.credential_keys.get_secret_value())
    try:
        cast = seat(
            opened,
            vault,
            tenant=name,
            name="main",
            code=f"CN-{name}",
            store_hash=name,
            profile=goods.profile(catalogue),
        )
        with as_tenant(opened, cast.tenant_id) as session:
            runs.request(session, cast.tenant_id, cast.connector_id, refresh=False)
        # With no place at the door nothing is dispatched yet: that is for the worker to do, and to die of.
        dispatch.wake(opened, settings.model_copy(update={"door_size": 0}), _nobody, cast.connector_id)
    finally:
        opened.dispose()
    return cast


def _nobody(_: Dispatched) -> None:
    raise AssertionError("nothing may be published yet")


def _live_and_die(settings: Settings, cast: Cast, at: int | None, tells: int) -> None:
    """The first worker: a process of its own from here on, which leaves by `kill -9` or when the run has ended."""
    code = FAILED
    try:
        fate = dying.fate(at, last_words=lambda where: os.write(tells, f"{fate.passed} {where}".encode()))
        work(dying.mortal(settings, fate), cast)
        os.write(tells, f"{fate.passed} ".encode())
        code = LIVED
    except BaseException:  # noqa: BLE001 whatever it was, a fork must not go on in its parent's stead
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def work(process: Process, cast: Cast) -> None:
    """What a worker does: look, play what was dispatched, look again, until the connector is idle."""
    messages: list[Dispatched] = []
    publish: Callable[[Dispatched], None] = messages.append
    pacemaker = Pacemaker(process.engine, process.settings, publish, lambda: len(messages))
    give_up_at = time.monotonic() + SECONDS_TO_FINISH
    while time.monotonic() < give_up_at:
        pacemaker.look()
        while messages:
            one = messages.pop(0)
            run_slice(process, one.tenant_id, one.connector_id, one.epoch, worker=str(os.getpid()), publish=publish)
        if _is_idle(process.engine, cast):
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _is_idle(opened: Engine, cast: Cast) -> bool:
    with as_scheduler(opened) as session:
        state = session.scalar(
            text("SELECT state FROM turn WHERE connector_id = :connector"), {"connector": cast.connector_id}
        )
    with as_tenant(opened, cast.tenant_id) as session:
        under_way = session.scalar(
            text("SELECT count(*) FROM run WHERE connector_id = :connector AND NOT (state = ANY(:ended))"),
            {"connector": cast.connector_id, "ended": [one.value for one in ENDED]},
        )
    return state == "broken" or (state == "parked" and not under_way)


def _recovery(opened: Engine, cast: Cast, died: float) -> float | None:
    """Seconds from the death to the next claim."""
    with as_tenant(opened, cast.tenant_id) as session:
        seconds = session.scalar(
            text(
                "SELECT min(extract(epoch FROM started_at) - :died) FROM slice_log"
                " WHERE connector_id = :connector AND extract(epoch FROM started_at) > :died"
            ),
            {"connector": cast.connector_id, "died": died},
        )
    return None if seconds is None else float(seconds)
