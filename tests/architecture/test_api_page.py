"""docs/api.md tells what the API says: its problems, the reasons of the queue, its paths, the columns of its files."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from api import exports
from api.problems import STATUS
from models.vocabulary import Scope, Waiting
from tests.architecture.test_docs import bare, page, rows
from worker.commands.refusal import Why

ROOT = Path(__file__).parents[2]
PAGE = page("docs/api.md")
OF_THE_FRAMEWORK = {"no_such_path", "no_such_method", "too_large", "not_valid", "error"}
"""What `_of_the_framework` makes of a status."""


def written_codes() -> set[str]:
    """The codes that are written out where the API makes a problem: the second thing that it is given.

    The pages tell people, in sentences.
    """
    found = set()
    for path in set((ROOT / "api").rglob("*.py")) - set((ROOT / "api" / "pages").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") in {"ProblemError", "_problem"}
                and len(node.args) > 1
                and isinstance(node.args[1], ast.Constant)
            ):
                found.add(str(node.args[1].value))
    return found


def test_every_problem_is_told_and_no_other() -> None:
    told = [bare(code) for code, *_ in rows(PAGE, "| code | status | what it says |")]
    assert len(told) == len(set(told)), "told twice"
    assert set(told) == {one.value for one in Why} | written_codes() | OF_THE_FRAMEWORK


def test_a_problem_has_the_status_that_is_told() -> None:
    told = {bare(code): status for code, status, _ in rows(PAGE, "| code | status | what it says |")}
    assert {why: told[why.value] for why in Why} == {why: str(status) for why, status in STATUS.items()}


def test_every_scope_and_every_reason_to_wait_is_told() -> None:
    assert {bare(row[0]) for row in rows(PAGE, "| scope | opens |")} == {one.value for one in Scope}
    told = [code for row in rows(PAGE, "| why | it waits for |") for code in re.findall(r"`(\w+)`", row[0])]
    assert told == sorted(told, key=told.index)
    assert set(told) == {one.value for one in Waiting}


def test_the_columns_of_the_files_are_told() -> None:
    section = PAGE.partition("## Exports")[2].partition("```")[0]
    for columns in (exports.STATUSES, exports.MESSAGES):
        assert ", ".join(f"`{one}`" for one in columns) in " ".join(section.split())
