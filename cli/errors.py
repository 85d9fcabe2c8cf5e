"""Trouble on the command line: one sentence on stderr, no traceback."""

from __future__ import annotations

from typing import Any

import typer
from pydantic import ValidationError
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, ProgrammingError
from typer.core import TyperGroup

from cli.here import Here
from cli.show import plain
from worker.errors import WorkerError
from worker.ledger.vault import KeyMissing

USAGE = 2
"""Exit code of every command that could not do what was asked; `validate` says 1 for what it has found."""


class RefusalError(WorkerError):
    """The command cannot do what was asked; each line is a sentence that says why."""

    def __init__(self, *sentences: str) -> None:
        self.sentences = sentences
        super().__init__(" ".join(sentences))


class OneSentence(TyperGroup):
    """The group of all commands: what is expected to go wrong is told, and the exit code is 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except RefusalError as trouble:
            sentences = trouble.sentences
        except (WorkerError, KeyMissing) as trouble:
            sentences = (str(trouble),)
        except ValidationError as trouble:
            # A setting, or a profile that an older version has stored: the values themselves are not told.
            sentences = tuple(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in trouble.errors())
        except ArgumentError as trouble:
            sentences = (f"DATABASE_URL is no address of a database: {trouble.__class__.__name__}",)
        except DBAPIError as trouble:
            sentences = (_of_the_database(trouble, ctx.find_object(Here)),)
        for sentence in sentences:
            typer.echo(f"connector: {plain(sentence)}", err=True)
        raise typer.Exit(USAGE)


def _of_the_database(trouble: DBAPIError, at: Here | None) -> str:
    where = f"the database {at.database}" if at else "the database"
    said = str(trouble.orig).strip().splitlines()
    reason = said[0] if said else type(trouble.orig).__name__
    if isinstance(trouble, OperationalError):
        return f"{where} is not reachable: {reason}"
    if isinstance(trouble, ProgrammingError) and "does not exist" in reason:
        return f"{where} has no tables of this version ({reason}): run `alembic upgrade head` as the role owner"
    return f"{where} refused: {reason}"
