"""`make bench`: measure, print tables, and end by itself.

    python -m sandbox.bench [NAME]

SCALE makes every measurement so many times longer (0.1: a quick look, whose figures say little).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

from sandbox.bench import fairness, pages, replica, tables

BENCHES: Mapping[str, Callable[[float], None]] = {
    "fairness": fairness.main,
    "pages": pages.main,
    "replica": replica.main,
    "tables": tables.main,
}


def main() -> int:
    """The exit code: 0, or 2 for a name that there is not."""
    chosen = sys.argv[1:] or list(BENCHES)
    for name in chosen:
        if name not in BENCHES:
            print(f"bench: there is no '{name}'; there is {', '.join(BENCHES)}", file=sys.stderr)  # noqa: T201
            return 2
    for name in chosen:
        BENCHES[name](float(os.environ.get("SCALE") or 1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
