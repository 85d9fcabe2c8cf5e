"""`python -m sandbox.chaos [sweep|storm]`, what `make chaos` runs; without a word, both.

SEED=n repeats what a storm draws: the order of the faults, the points at which workers die, the edits. The last line is
one JSON object; exit code 1 where anything is lost, doubled, wrong or stuck, or was claimed again too late.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Sequence

from rich.console import Console

from sandbox.chaos import report
from sandbox.chaos.figures import Figures
from sandbox.chaos.ground import ground
from sandbox.chaos.storm import Plan, Storm, storm
from sandbox.chaos.sweep import sweep
from sandbox.processes.trouble import CannotPlay
from sandbox.servers.kept import ServerDidNotStart

PARTS = ("sweep", "storm")
NOT_UNDERSTOOD, INTERRUPTED, TERMINATED = 2, 130, 143


def main(arguments: Sequence[str]) -> int:
    """Play the parts that were asked for; the process's exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    errors = Console(stderr=True, highlight=False)
    if not set(arguments) <= set(PARTS):
        errors.print(f"there is no {' '.join(arguments)}; T is one of {', '.join(PARTS)}, or nothing for both")
        return NOT_UNDERSTOOD
    given = os.environ.get("SEED", "").strip()
    if given and not given.isdecimal():
        errors.print(f"SEED is {given!r}; it has to be a whole number")
        return NOT_UNDERSTOOD
    seed = int(given) if given else random.randrange(10_000)
    try:
        return _play(arguments or PARTS, seed, console)
    except (CannotPlay, ServerDidNotStart) as trouble:
        errors.print(str(trouble), style="red", markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _play(asked: Sequence[str], seed: int, console: Console) -> int:
    parts: dict[str, tuple[Figures, float]] = {}
    storms: list[Storm] = []
    if "sweep" in asked:
        began = time.monotonic()
        with ground(durable=False) as opened:
            parts["sweep"] = sweep(opened, tell=console.print), time.monotonic() - began
    if "storm" in asked:
        console.print(f"storm: SEED={seed}")
        with ground(durable=True) as opened:
            storms.append(storm(opened, seed, Plan(), tell=console.print))
            if opened.is_wanted:
                console.print(f"storm: what the workers said is in {opened.folder}", soft_wrap=True)
        parts["storm"] = storms[0].figures, storms[0].seconds
    report.write(console, parts, storms[0] if storms else None)
    whole = Figures()
    for figures, _ in parts.values():
        whole.join(figures)
    sys.stdout.write(whole.line() + "\n")
    sys.stdout.flush()
    return 0 if whole.is_good() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
