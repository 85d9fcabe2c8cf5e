"""What Flower reads at its start (docs/operations.md, "Flower"); who may look is told by FLOWER_BASIC_AUTH alone."""

from __future__ import annotations

import ast
from typing import Any

# Whose slice, of which run, in which phase; how it ended, how long it took, where.
tasks_columns = "name,uuid,kwargs,state,result,received,runtime,worker"
# For looking alone: no task is sent, revoked or cut short, no worker shut down, from here.
read_only = True
# What is remembered; the register remembers for good.
max_tasks = 10_000
purge_offline_workers = 300


def format_task(task: Any) -> Any:
    """The task as its row is shown: a slice's arguments in few letters, since a row has room for some fifty."""
    told = ast.literal_eval(task.kwargs or "{}")
    if "slice" in told:
        run = ("run {run}, {phase}: {step}" if "run" in told else "has not begun").format(**told)
        task.kwargs = f"{told['tenant']}, {told['connector']}, {run}"
    return task
