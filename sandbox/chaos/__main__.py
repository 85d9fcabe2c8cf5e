"""`python -m sandbox.chaos [sweep|storm]`, what `make chaos` runs; without a word, both.

SEED=n repeats the chances of a run. Exit code 1 where anything is lost, doubled, wrong, stuck or late.
"""

from __future__ import annotations

import signal
import sys

from rich.console import Console

from sandbox.chaos.figures import Figures
from sandbox.chaos.ground import ground
from sandbox.chaos.sweep import sweep

PARTS = ("sweep",)


def main(arguments: list[str]) -> int:
    """Play the parts that were asked for; the process's exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    found = Figures()
    with ground(durable=False) as opened:
        found.join(sweep(opened, tell=console.print))
    for sentence in found.said[:40]:
        console.print(sentence, markup=False, soft_wrap=True)
    sys.stdout.write(found.line() + "\n")
    return 0 if found.is_good() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
