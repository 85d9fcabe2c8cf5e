"""How many processes share the tests."""

from __future__ import annotations

import os

MOST = 8
"""Each has servers of its own, of some hundred MiB."""


def pytest_xdist_auto_num_workers() -> int:
    """Two for each core (`-n auto`), where there are few: half of the tests wait, for workers, leases and browsers."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(cores, min(2 * cores, MOST))
