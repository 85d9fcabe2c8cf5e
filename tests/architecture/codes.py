"""Every coded cause that the product can write into a status or a message, found in its source.

A code is the first argument of `Problem(...)`, the `code` of an error class, what a function takes as its `code`, or
what a variable or a table called `code` is given on its way there. What cannot be told from the
source is listed in `untold`, so that nobody hides a code from docs/errors.md by accident.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_CODE = re.compile(r"[a-z]+(_[a-z]+)*")
_TABLES = {"MISSING": None, "_DISPENSABLE": 0}
"""Table of codes by field -> which part of its values is the code; None = the whole."""

_OTHER_CODES = {"saleslayer", "ledger"}
"""In the one room a code is the number of an error of the source; the other only keeps and compares codes."""


@dataclass
class Codes:
    """Code -> the places that can write it; and places that write what nobody can tell."""

    told: dict[str, set[str]] = field(default_factory=dict)
    untold: set[str] = field(default_factory=set)

    def add(self, node: ast.AST, where: str) -> None:
        """The codes that this expression can come to."""
        for text in texts(node):
            if _CODE.fullmatch(text):
                self.told.setdefault(text, set()).add(where)


def found() -> Codes:
    """The codes of all that stands below worker/."""
    codes = Codes()
    files = [path for path in sorted((ROOT / "worker").rglob("*.py")) if path.parent.name not in _OTHER_CODES]
    trees = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in files}
    places = {"Problem": 0} | {name: at for tree in trees.values() for name, at in _takers(tree)}
    for name, tree in trees.items():
        for node in ast.walk(tree):
            for expression in _codes_in(node, places):
                where = f"{name}:{getattr(expression, 'lineno', 0)}"
                codes.add(expression, where)
                if not list(texts(expression)) and not _is_passed_on(expression):
                    codes.untold.add(where)
    return codes


def _takers(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Function -> which of its positional arguments is a code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [one.arg for one in node.args.args if one.arg != "self"]
            if "code" in names:
                yield node.name, names.index("code")


def _codes_in(node: ast.AST, places: Mapping[str, int]) -> Iterator[ast.AST]:
    match node:
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=arguments, keywords=named):
            place = places.get(called, len(arguments))
            yield from arguments[place : place + 1]
            if called == "say" or called in places:
                yield from (one.value for one in named if one.arg == "code")
        case (
            ast.Assign(targets=[ast.Name(id="code")], value=value)
            | ast.AnnAssign(target=ast.Name(id="code"), value=ast.expr() as value)
        ):
            yield value
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
            pairs = zip(names, values, strict=False)
            yield from (value for one, value in pairs if isinstance(one, ast.Name) and one.id == "code")
        case ast.For(target=ast.Tuple(elts=[ast.Name(id="code"), *_]), iter=ast.Tuple(elts=rows)):
            yield from (row.elts[0] for row in rows if isinstance(row, ast.Tuple))
        case ast.Assign(targets=[ast.Name(id=table)], value=ast.Dict(values=values)) if table in _TABLES:
            part = _TABLES[table]
            for value in values:
                yield value if part is None or not isinstance(value, ast.Tuple) else value.elts[part]
        case _:
            pass


def texts(node: ast.AST) -> Iterator[str]:
    """Every text that the expression can come to, f-strings with a choice in them spelt out."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from texts(body)
            yield from texts(orelse)
        case ast.Call(func=ast.Attribute(attr="get"), args=[_, default]):
            yield from texts(default)
        case ast.JoinedStr(values=parts):
            spelt = [""]
            for part in parts:
                said = list(texts(part.value if isinstance(part, ast.FormattedValue) else part))
                spelt = [before + text for before in spelt for text in said]
            yield from spelt
        case _:
            pass


def _is_passed_on(node: ast.AST) -> bool:
    """Whether it is a code that was told elsewhere: `code`, `trouble.code`, `None`, a column of a query."""
    match node:
        case ast.Name(id="code") | ast.Attribute(attr="code") | ast.Constant(value=None):
            return True
        case ast.IfExp(body=body, orelse=orelse):
            return _is_passed_on(body) and _is_passed_on(orelse)
        case ast.Subscript(value=ast.Name(id=table)):
            return table in _TABLES
        case _:
            return False
