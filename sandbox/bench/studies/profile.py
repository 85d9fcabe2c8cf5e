"""Where a worker's processor time goes, by a sampling profiler: `make bench T=profile`.

A real worker process makes a first run and an unchanged one, as `measured/catalogue.py` has them at a seventh of its
size. py-spy looks at its threads 250 times a second, and counts those that hold the interpreter.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from sandbox.bench import page
from sandbox.bench.icicle import draw
from sandbox.bench.measured.catalogue import STORE, STOREFRONTS, catalogue
from sandbox.bench.works import works

PRODUCTS, CATEGORIES = 1_500, 75
RATE = 250
SHOWN = 10
"""Functions of ours that are named."""
SECONDS_TO_ATTACH, SECONDS_TO_END = 1.5, 30
FIRST, UNCHANGED = "first run", "unchanged"

PARTS: Sequence[tuple[str, str]] = (
    ("HTTP: httpx, httpcore, h11", r"\((?:httpx|httpcore|h11)/"),
    ("the store's quota: redis", r"\(redis/|bigcommerce/quota\.py"),
    ("Postgres: psycopg2, SQLAlchemy", r"\((?:psycopg2|sqlalchemy)/"),
    ("JSON: msgspec, pydantic, json", r"json_text\.py|\((?:pydantic|json)/"),
    ("source: reading and hashing rows", r"worker/saleslayer/|steps/read_source\.py|catalog/fingerprint\.py"),
    ("rules: cleaning, linking, planning", r"worker/rules/|steps/(?:clean|link|plan\w*|reading|walking)\.py"),
    ("store: bodies and answers", r"worker/bigcommerce/"),
    ("the books: outcomes, relations, pending changes", r"worker/ledger/|steps/(?:settle|resolve|send)\.py"),
    ("turns, beats, metrics, logs", r"worker/scheduling/|worker/tasks\.py|worker/metrics/|structlog/|celery/|kombu/"),
)
"""What a sample counts for: the first whose pattern its innermost frame that meets any of them meets."""
ELSE = "the rest of Python"

Stacks = Mapping[tuple[str, ...], int]
"""Frames from the outermost to the innermost, `function (file)` each -> samples."""


class CannotAttach(Exception):
    """py-spy does not get at the process."""


def main(scale: float) -> None:
    """Print the tables, and put them into the page with a drawing of each run."""
    console = Console(width=118, record=True)
    found = {}
    sold = catalogue(products=max(50, int(PRODUCTS * scale)), categories=max(5, int(CATEGORIES * scale)))
    with works() as at, TemporaryDirectory() as folder:
        worker = at.start(2)
        cast = at.add("profile", sold, storefronts=STOREFRONTS, **STORE)
        try:
            with _watched(worker.child.process.pid, Path(folder, "first")) as raw:
                at.run(cast)
            found[FIRST] = stacks(raw.read_text("utf-8"))
            at.run(cast, refresh=True)
            with _watched(worker.child.process.pid, Path(folder, "unchanged")) as raw:
                at.run(cast, refresh=True)
            found[UNCHANGED] = stacks(raw.read_text("utf-8"))
        except CannotAttach as trouble:
            print(f"profile: {trouble}", file=sys.stderr)  # noqa: T201
            sys.exit(1)
    console.print(_by_part(found))
    for name, one in found.items():
        console.print(_by_function(name, one))
    if scale >= 1:
        drawn = [(f"{name}, by frames", one) for name, one in found.items()]
        page.write_drawn("profile", console.export_text(), lambda path: draw(drawn, path), "where the processor goes")


@contextmanager
def _watched(pid: int, into: Path) -> Iterator[Path]:
    """py-spy looks on; afterwards the file has its stacks."""
    command = ["--pid", str(pid), "--subprocesses", "--gil", "--nonblocking", "--rate", str(RATE)]
    spy = [str(Path(sys.executable).with_name("py-spy")), "record", *command, "--format", "raw", "--duration", "3600"]
    whole = [*spy, "--output", str(into)]
    with subprocess.Popen(whole, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as looking:  # noqa: S603
        time.sleep(SECONDS_TO_ATTACH)
        if looking.poll() is not None:
            said = looking.stderr.read().decode(errors="replace").strip() if looking.stderr else ""
            raise CannotAttach(f"py-spy may not look at the worker; run this as root, or allow ptrace ({said[:200]})")
        try:
            yield into
        finally:  # also where the run has failed: it would look on for an hour
            looking.send_signal(signal.SIGINT)
            try:
                looking.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:  # it does not hear it, where who began all this does not either
                looking.kill()


def stacks(raw: str) -> dict[tuple[str, ...], int]:
    """py-spy's raw format: frames divided by semicolons, a blank, and how often they were seen."""
    found: Counter[tuple[str, ...]] = Counter()
    for line in raw.splitlines():
        frames, _, samples = line.rpartition(" ")
        named = tuple(_named(frame) for frame in frames.split(";"))
        found[named[1:] if named[0].startswith("process ") else named] += int(samples)
    return dict(found)


def _named(frame: str) -> str:
    """Without the line's number, so that a function is one, and without the folders above a package."""
    return re.sub(r"\((?:.*?site-packages/|/.*?lib/python[\d.]+/)", "(", re.sub(r":\d+\)$", ")", frame))


def part_of(frames: Sequence[str]) -> str:
    """What a sample counts for."""
    for frame in reversed(frames):
        for name, pattern in PARTS:
            if re.search(pattern, frame):
                return name
    return ELSE


def shares(found: Stacks) -> dict[str, float]:
    """Part -> its share of all samples; together they are 1."""
    counted: Counter[str] = Counter()
    for frames, samples in found.items():
        counted[part_of(frames)] += samples
    return {name: counted[name] / max(1, counted.total()) for name in (*(name for name, _ in PARTS), ELSE)}


def ours(found: Stacks) -> list[tuple[str, float]]:
    """Functions of ours with the share of samples in which they stand, the largest first."""
    counted: Counter[str] = Counter()
    for frames, samples in found.items():
        counted.update(dict.fromkeys((frame for frame in frames if "(worker/" in frame), samples))
    return [(name, samples / sum(found.values())) for name, samples in counted.most_common()]


def _by_part(found: Mapping[str, Stacks]) -> Table:
    table = Table("where a worker's processor time goes", *found, title=None)
    of = {run: shares(one) for run, one in found.items()}
    for name in (*(name for name, _ in PARTS), ELSE):
        table.add_row(name, *(f"{of[run][name]:.0%}" for run in found))
    table.add_row("samples", *(f"{sum(one.values()):,}" for one in found.values()))
    return table


def _by_function(run: str, found: Stacks) -> Table:
    table = Table(f"{run}: function of ours, with all that it calls", "share", title=None)
    for name, share in [one for one in ours(found) if not _is_a_frame_of_all(one[0])][:SHOWN]:
        table.add_row(name, f"{share:.0%}")
    return table


def _is_a_frame_of_all(name: str) -> bool:
    """Whether it holds a whole slice, or hands on what a thread does."""
    return bool(re.search(r"worker/(?:tasks|scheduling/(?:slice|pool))\.py", name))
