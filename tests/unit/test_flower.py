"""What Flower is told of a slice, read as Flower reads it: by Celery's own account of events."""

from __future__ import annotations

import ast
from copy import copy
from typing import Any

import pytest
from celery.events.event import Event
from celery.events.state import State
from celery.events.state import Task as Known

import flowerconfig
from models.vocabulary import SENDING_STEPS, Phase, SliceEnd
from worker.flower import Shown, arguments, task_id
from worker.ledger.turns import Dispatched
from worker.scheduling.endings import FOR_GOOD, Ending
from worker.steps import sequence

ONE = Dispatched(7, 42, 233, "Acme & Sons", "spring-shop")


class Line:
    """Events on their way from a worker to whoever listens."""

    def __init__(self) -> None:
        self.state = State()
        self._clock = 0

    def send(self, type: str, **fields: Any) -> None:  # noqa: A002 as Celery calls it
        self._clock += 1
        self.state.event(
            Event(type, hostname="one@here", clock=self._clock, local_received=1000 + self._clock, **fields)
        )

    def known(self) -> Known:
        tasks: dict[str, Known] = self.state.tasks  # type: ignore[attr-defined]
        return tasks[task_id(ONE)]


@pytest.fixture
def line() -> Line:
    """A slice that has just begun."""
    made = Line()
    made.send("task-received", uuid=task_id(ONE), name="connector.slice", kwargs=arguments(ONE))
    made.send("task-started", uuid=task_id(ONE))
    return made


def told(line: Line) -> dict[str, Any]:
    return dict(ast.literal_eval(str(line.known().kwargs)))


def test_a_slice_is_known_by_names_before_it_knows_its_run(line: Line) -> None:
    assert line.known().uuid == "Acme & Sons.spring-shop.233"
    assert told(line) == {"tenant": "Acme & Sons", "connector": "spring-shop", "slice": 233}


@pytest.mark.parametrize("step", sequence.SEQUENCE)
def test_a_step_tells_run_and_phase(line: Line, step: str) -> None:
    Shown(task_id(ONE), lambda: line).tell(17, step)
    phase = Phase.SYNCHRONIZATION if step in SENDING_STEPS else Phase.PREPARATION
    names = {"tenant": "Acme & Sons", "connector": "spring-shop", "slice": 233}
    assert told(line) == names | {"run": 17, "phase": phase.value, "step": step}
    assert line.known().state == "STARTED"
    assert line.known().name == "connector.slice"


def test_the_row_of_a_slice_has_its_arguments_in_few_letters(line: Line) -> None:
    assert flowerconfig.format_task(copy(line.known())).kwargs == "Acme & Sons, spring-shop, has not begun"
    Shown(task_id(ONE), lambda: line).tell(17, "send")
    row = flowerconfig.format_task(copy(line.known()))
    assert row.kwargs == "Acme & Sons, spring-shop, run 17, synchronization: send"
    assert told(line)["run"] == 17, "what the API tells is as it was"


@pytest.mark.parametrize("kwargs", [None, "", "{}", "{'tenant': 1, 'connector': 2, 'refresh': True, 'who': 'Ana'}"])
def test_the_row_of_another_task_is_as_it_is(kwargs: str | None) -> None:
    assert flowerconfig.format_task(Known("x", kwargs=kwargs)).kwargs == kwargs


def test_to_tell_anew_moves_no_time(line: Line) -> None:
    shown = Shown(task_id(ONE), lambda: line, started=1234.5)
    for step in ("read_source", "send"):
        shown.tell(17, step)
        assert line.known().started == 1234.5


def test_what_is_told_late_does_not_bring_a_slice_back(line: Line) -> None:
    line.send("task-succeeded", uuid=task_id(ONE), result="'wanted'", runtime=1.0)
    Shown(task_id(ONE), lambda: line).tell(17, "send")
    assert (line.known().state, line.known().result) == ("SUCCESS", "'wanted'")


def test_who_begins_to_listen_in_the_middle_learns_all_by_the_next_step() -> None:
    line = Line()
    Shown(task_id(ONE), lambda: line).tell(17, "send")
    known = line.known()
    assert known.worker is not None
    assert (known.worker.hostname, known.name, known.state) == ("one@here", "connector.slice", "STARTED")


def test_no_slice_depends_on_who_watches_it() -> None:
    class Broken:
        def send(self, type: str, **fields: Any) -> None:  # noqa: A002 as Celery calls it
            raise ConnectionError(type, fields)

    Shown(task_id(ONE), Broken).tell(17, "send")
    Shown(task_id(ONE), lambda: None).tell(17, "send")


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        (Ending(SliceEnd.WANTED), "wanted"),
        (Ending(SliceEnd.QUOTA_SPENT, park=11.2), "quota_spent, parked 12 s"),
        (Ending(SliceEnd.WORK_DONE, park=300.0), "work_done, parked 300 s"),
        (Ending(SliceEnd.STOPPED, park=FOR_GOOD), "stopped, parked"),
    ],
)
def test_the_end_of_a_slice_is_told_in_a_few_words(ending: Ending, text: str) -> None:
    assert str(ending) == text
