"""Worker processes say that they are there, and that they end, whoever else does not answer."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sqlalchemy import Engine, text

from worker.ledger.session import as_scheduler
from worker.scheduling.pacemaker import Pacemaker
from worker.settings import Settings


def asks(engine: Engine, sql: str) -> object:
    with as_scheduler(engine) as session:
        return session.scalar(text(sql))


def is_soon(claim: Callable[[], bool]) -> bool:
    pause = threading.Event()
    return any(claim() or pause.wait(0.02) for _ in range(250))


def test_a_process_says_that_it_ends_while_its_look_waits_for_the_broker(engine: Engine) -> None:
    waits, back = threading.Event(), threading.Event()

    def length() -> None:
        waits.set()
        back.wait(30)

    pacemaker = Pacemaker(engine, Settings(pacemaker_seconds=0.02), lambda _: None, length, worker="w1", slots=4)
    thread = pacemaker.start()
    try:
        assert waits.wait(5)
        assert asks(engine, "SELECT ended_at IS NULL FROM worker_process")
        pacemaker.stopped.set()
        assert pacemaker.has_said_its_end.wait(5)
        assert asks(engine, "SELECT ended_at IS NOT NULL FROM worker_process")
        assert thread.is_alive()
    finally:
        back.set()
    thread.join(5)
    assert not thread.is_alive()
    assert asks(engine, "SELECT ended_at IS NOT NULL FROM worker_process")


def test_a_process_that_is_stopped_before_it_was_there_never_is(engine: Engine) -> None:
    pacemaker = Pacemaker(engine, Settings(), lambda _: None, lambda: 0, worker="w1", slots=4)
    pacemaker.stopped.set()
    pacemaker.start().join(5)
    assert pacemaker.has_said_its_end.wait(5)
    pacemaker.say_that_it_is_there()
    assert asks(engine, "SELECT count(*) FROM worker_process") == 0
