"""`make bench`: measure, print tables, and end with the figures as JSON.

    python -m sandbox.bench [NAME ...]

Without a name all figures are measured. A name is a measurement, one of the figures that it brings, or a study, which
has tables and no figures. SCALE makes every measurement so many times longer (0.1: a quick look, whose figures say
little); what is measured at full length is written into docs/benchmarks.md, the table of figures by a whole run alone.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import psutil
from rich.console import Console

from sandbox.bench import page
from sandbox.bench.figures import as_json, table
from sandbox.bench.measuring import MEASURED, WIDTH, measured
from sandbox.bench.studies import fairness, pages, profile, replica, tables

STUDIES: Mapping[str, Callable[[float], None]] = {
    "fairness": fairness.main,
    "pages": pages.main,
    "profile": profile.main,
    "replica": replica.main,
    "tables": tables.main,
}
YARDSTICK = 10_000_000


def main() -> int:
    """The exit code: 0, or 2 for a name that there is not."""
    asked = sys.argv[1:]
    of_key = {key: name for name, (_, keys) in MEASURED.items() for key in keys}
    if unknown := [one for one in asked if one not in {*MEASURED, *STUDIES, *of_key}]:
        there = f"measurements: {', '.join(MEASURED)}; figures: {', '.join(of_key)}; studies: {', '.join(STUDIES)}"
        print(f"bench: there is no '{unknown[0]}'. There are {there}", file=sys.stderr)  # noqa: T201
        return 2
    scale = float(os.environ.get("SCALE") or 1)
    for name in asked:
        if name in STUDIES:
            STUDIES[name](scale)
    chosen = list(dict.fromkeys(of_key.get(one, one) for one in asked or MEASURED if one not in STUDIES))
    results, before = {}, _yardstick()
    for name, result, text in measured(chosen, scale):
        results[name] = result
        if scale >= 1:
            page.write(name, result, text)
    wanted = {key for one in asked or MEASURED for key in (MEASURED[one][1] if one in MEASURED else (one,))}
    figures = [one for result in results.values() for one in result.figures if one.key in wanted]
    if figures:
        Console(width=WIDTH).print(table(figures))
    if not asked and scale >= 1:
        page.write_figures(results, on=_machine(before))
    print(json.dumps(as_json(figures)))  # noqa: T201 the last line is for machines
    return 0


def _machine(before: float) -> str:
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with {os.cpu_count()} cores, {memory:.0f} GiB, Python"
        f" {platform.python_version()}, by one `make bench`. Yardstick, before and after:"
        f" {before:.2f} and {_yardstick():.2f} s."
    )


def _yardstick() -> float:
    """Seconds of a loop of pure Python, by which seconds of two runs can be compared."""
    began, found = time.process_time(), 0
    for number in range(YARDSTICK):
        found += number * number % 7
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
