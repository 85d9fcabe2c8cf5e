"""The demo as somebody runs it: `python -m sandbox.demo`, watched from outside."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import jsonschema
import pytest

from sandbox.demo import cast, order
from sandbox.demo.order import Order
from sandbox.generator.catalogue import generate
from sandbox.processes.trouble import CannotPlay

REPOSITORY = Path(__file__).parents[2]
GIVEN = (
    "ONCE",
    "CATALOGUE",
    "ROOT",
    "DATABASE_URL",
    "MIGRATION_DATABASE_URL",
    "REDIS_URL",
    "SALESLAYER_URL",
    "BIGCOMMERCE_URL",
    "CREDENTIAL_KEYS",
    "PUBLIC_URL",
    "SLICE_SECONDS",
)
pytestmark = pytest.mark.timeout(180)

COUNT = {"type": "integer", "minimum": 0}
OUTCOMES = ("created", "updated", "disabled", "unchanged", "rejected", "failed", "blocked")
BY_STOREFRONT = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": dict.fromkeys(OUTCOMES, COUNT),
        "additionalProperties": False,
    },
}
ONE_STOREFRONT = {**BY_STOREFRONT, "propertyNames": {"const": "-"}}
RUN = {
    "type": "object",
    "required": ["tenant", "connector", "run", "state", "slices", "seconds", "calls", "counters"],
    "additionalProperties": False,
    "properties": {
        "tenant": {"type": "string"},
        "connector": {"type": "string"},
        "run": {"type": "integer"},
        "state": {"enum": ["completed", "completed_with_errors"]},
        "slices": {"type": "integer", "minimum": 1},
        "seconds": {"type": "number", "exclusiveMinimum": 0},
        "calls": COUNT,
        "counters": {
            "type": "object",
            "properties": {
                "category": {**BY_STOREFRONT, "propertyNames": {"pattern": "store"}},
                "product": ONE_STOREFRONT,
                "variant": ONE_STOREFRONT,
            },
            "required": ["category", "product", "variant"],
            "additionalProperties": False,
        },
    },
}
SUMMARY = {
    "type": "object",
    "required": ["runs"],
    "additionalProperties": False,
    "properties": {"runs": {"type": "array", "items": RUN}},
}


@dataclass(slots=True)
class Watched:
    """A demo and all processes that were ever seen below it."""

    process: subprocess.Popen[str]
    folder: Path
    below: dict[int, str]

    def left(self) -> dict[int, str]:
        """Those that are still there."""
        now = {pid: command for pid, _, command in processes()}
        return {pid: command for pid, command in self.below.items() if now.get(pid) == command}

    def left_after(self, seconds: float) -> dict[int, str]:
        """Those that are still there after so long; sooner where none is."""
        give_up_at = time.monotonic() + seconds
        while self.left() and time.monotonic() < give_up_at:
            time.sleep(0.1)
        return self.left()


def processes() -> list[tuple[int, int, str]]:
    """(process, its parent, its command) of all that run."""
    asked = ["ps", "-ww", "-eo", "pid=,ppid=,args="]  # -ww: whole, however narrow the terminal
    listed = subprocess.run(asked, check=True, capture_output=True, text=True)  # noqa: S603 wherever ps lies
    rows = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    return [(int(row[0]), int(row[1]), row[2]) for row in rows if len(row) == 3 and "<defunct>" not in row[2]]


def below(root: int, listed: list[tuple[int, int, str]]) -> dict[int, str]:
    """The processes below this one; a child's number may be the smaller one, since numbers begin anew."""
    found: dict[int, str] = {}
    level = {root}
    while level:
        children = {pid: command for pid, parent, command in listed if parent in level and pid not in found}
        found |= children
        level = set(children)
    return found


@contextmanager
def a_demo(folder: Path, **environment: str) -> Iterator[Watched]:
    """The demo under way with this environment, its temporary folder its own."""
    inherited = {name: value for name, value in os.environ.items() if name not in GIVEN}
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.demo"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**inherited, "TMPDIR": str(folder), **environment},
    )
    watched, stop = Watched(process, folder, {}), Event()

    def look() -> None:
        while not stop.wait(0.2):
            watched.below |= below(process.pid, processes())

    looking = Thread(target=look)
    looking.start()
    try:
        yield watched
    finally:
        stop.set()
        looking.join()
        if process.poll() is None:
            process.terminate()
            process.wait(30)
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


@dataclass(frozen=True, slots=True)
class Ended:
    """A demo that has ended by itself."""

    code: int
    output: str
    errors: str
    watched: Watched
    left: dict[int, str]
    logged: dict[str, int]
    """Store -> requests in its own log."""

    @property
    def runs(self) -> list[dict[str, Any]]:
        """What the last line says."""
        told: list[dict[str, Any]] = json.loads(self.output.splitlines()[-1])["runs"]
        return told


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """A small demo from its start to its end, with a BigCommerce that outlives it."""
    folder = tmp_path_factory.mktemp("demo")
    with a_store() as url, httpx.Client(trust_env=False) as http:
        with a_demo(folder, ONCE="1", DEMO_SCALE="0.05", SLICE_SECONDS="0.7", BIGCOMMERCE_URL=url) as watched:
            output, errors = watched.process.communicate(timeout=120)
            left = watched.left_after(5)
        stores = http.get(f"{url}/_control/stores").json()["stores"]
        logs = {store: http.get(f"{url}/_control/stores/{store}/log").json()["counters"] for store in stores}
        logged = {store: log["requests"] for store, log in logs.items()}
        yield Ended(watched.process.returncode, output, errors, watched, left, logged)


@contextmanager
def a_store() -> Iterator[str]:
    """The address of a BigCommerce of our own."""
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox.bigcommerce", "--port", "0"], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[1]
        process.terminate()


def test_it_ends_well_and_its_last_line_is_the_summary(ended: Ended) -> None:
    assert ended.code == 0, ended.output + ended.errors
    assert ended.errors == ""
    jsonschema.validate(json.loads(ended.output.splitlines()[-1]), SUMMARY)


def test_three_tenants_of_different_size_are_served(ended: Ended) -> None:
    made = [run["counters"]["product"]["-"]["created"] for run in ended.runs]
    assert len({run["tenant"] for run in ended.runs}) == 3
    assert made == sorted(set(made))
    assert [len(run["counters"]["category"]) for run in ended.runs] == [1, 2, 2]


def test_both_workers_served_slices(ended: Ended) -> None:
    assert set(re.findall(r"\d+ by worker (\w+)", ended.output)) == {"one", "two"}


def test_without_a_terminal_the_view_is_plain_lines(ended: Ended) -> None:
    assert "\x1b" not in ended.output
    assert re.search(r"^ +\d+\.\d s  grand-bazaar/grand, completed", ended.output, re.MULTILINE)


def test_the_calls_that_it_tells_are_those_that_the_stores_have_seen(ended: Ended) -> None:
    assert {run["tenant"].replace("-", ""): run["calls"] for run in ended.runs} == ended.logged


def test_it_prints_links_to_pages_that_answer(ended: Ended) -> None:
    links = re.findall(
        r"^  (.+): http://127\.0\.0\.1:\d+/(overview|connectors/\d+)/open\?key=\S+$", ended.output, re.MULTILINE
    )
    assert [seen for seen, _ in links] == [
        "all connectors", "corner-shop / corner", "garden-house / garden", "grand-bazaar / grand"
    ]  # fmt: skip


def test_nothing_is_left_of_it(ended: Ended) -> None:
    commands = " ".join(ended.watched.below.values())
    assert [one for one in ("celery", "postgres", "sandbox.saleslayer", "uvicorn") if one not in commands] == [], (
        commands
    )
    assert ended.left == {}
    assert list(ended.watched.folder.glob("slbc-*")) == []


@pytest.mark.parametrize(
    ("number", "code", "seen"), [(signal.SIGTERM, 143, "postgres"), (signal.SIGKILL, -signal.SIGKILL, "celery")]
)
def test_nothing_is_left_of_it_either_when_it_is_ended_from_outside(
    tmp_path: Path, number: signal.Signals, code: int, seen: str
) -> None:
    with a_demo(tmp_path) as watched:
        give_up_at = time.monotonic() + 60
        while seen not in " ".join(watched.below.values()) and time.monotonic() < give_up_at:
            time.sleep(0.1)
        watched.process.send_signal(number)
        assert watched.process.wait(30) == code
        assert watched.left_after(15) == {}


def test_an_order_that_cannot_be_met_ends_with_a_sentence_before_anything_starts(tmp_path: Path) -> None:
    file = tmp_path / "small.json"
    file.write_text(json.dumps(generate(seed=1, categories=3, products=1, variants_per_product=1)))
    with a_demo(tmp_path, ONCE="1", CATALOGUE=str(file), ROOT="Nowhere") as watched:
        output, errors = watched.process.communicate(timeout=60)
    assert (watched.process.returncode, output, watched.below) == (1, "", {})
    assert errors == f"the catalogue has no category 'Nowhere'; ROOT is one of: {', '.join(names(file))}\n"


def names(file: Path) -> list[str]:
    return [row[4] for row in json.loads(file.read_text())["data"]["catalogue"]]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"CATALOGUE": "nowhere.json"}, "CATALOGUE=nowhere.json cannot be opened: No such file or directory"),
        ({"CATALOGUE": str(REPOSITORY / "pyproject.toml")}, "pyproject.toml is not JSON"),
        ({"CATALOGUE": str(REPOSITORY / "sandbox/saleslayer/example.json")}, "it lacks data, data_schema, schema"),
        ({"DEMO_SECONDS": "soon"}, "DEMO_SECONDS is 'soon'; it has to be a number above 0"),
        ({"DEMO_SCALE": "0"}, "DEMO_SCALE is '0'; it has to be a number above 0"),
    ],
)
def test_what_cannot_be_played_is_said(environment: dict[str, str], said: str) -> None:
    with pytest.raises(CannotPlay, match=re.escape(said)):
        cast.of(order.read(environment))


@pytest.mark.parametrize(
    ("name", "root"),
    [
        (None, 12),  # the first child of the top category
        ("Tops", 14),  # the shallowest of three, then the lowest id
        (" men ", 12),
    ],
)
def test_the_second_storefront_is_linked_to_the_category_that_root_names(
    tmp_path: Path, name: str | None, root: int
) -> None:
    rows = [(11, 0, "Luma"), (12, 11, "Men"), (13, 12, "Tops"), (14, 11, "Tops"), (15, 11, "Tops")]
    catalogue = generate(seed=1, categories=3, products=1, variants_per_product=1)
    catalogue["data"]["catalogue"] = [["M", one, parent, "", name, "", 1, 1, "", []] for one, parent, name in rows]
    file = tmp_path / "tops.json"
    file.write_text(json.dumps(catalogue))
    (role,) = cast.of(Order(catalogue=file, root=name))
    assert [linked for _, linked in role.storefronts] == [None, root]
