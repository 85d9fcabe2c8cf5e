"""Is the house in order: `connector doctor`."""

from __future__ import annotations

import typer

from cli import show
from cli.find import AsJson
from cli.here import here
from worker.commands import doctor as commands
from worker.commands.doctor import Verdict

FOUND_SOMETHING = 1


def doctor(context: typer.Context, json: AsJson = False) -> None:
    """Look at settings, database, schema, Redis, keys, clocks and workers; exit code 1 where something is bad."""
    found = list(commands.look(here(context)))
    if json:
        show.as_json({"findings": [{"what": one.what, "verdict": one.verdict, "says": one.says} for one in found]})
    else:
        show.table(None, ["what", "", "found"], [(one.what, one.verdict, one.says) for one in found], empty="")
    if any(one.verdict is Verdict.BAD for one in found):
        raise typer.Exit(FOUND_SOMETHING)
