"""Which kind of column can feed which kind of field: the whole table."""

from __future__ import annotations

import pytest

from models.vocabulary import ItemKind
from tests.builders import a_column
from worker.catalog.fields import FIELDS, Field, Type
from worker.rules import fitting

COLUMNS = (
    "string", "big_string", "list", "numeric", "number", "boolean", "datetime", "table", "json", "key", "multi-key",
    "image", "file", "a type of tomorrow",
)  # fmt: skip
"""The types of API facts §5.1, and one that nobody knows yet."""

# field type -> for each of the columns above: y = it can feed it
POSSIBLE = {
    Type.TEXT:    "yyyyyyyyyyy--y",
    Type.WORDS:   "yyyyyyyyyyy--y",
    Type.TEXTS:   "yyyyyyyyyyy--y",
    Type.IDS:     "yyyyy----yy--y",
    Type.NUMBER:  "yyyyy----y---y",
    Type.INTEGER: "yyyyy----y---y",
    Type.FLAG:    "yyyyyy-------y",
    Type.CHOICE:  "yyy----------y",
    Type.DATE:    "yyy---y------y",
    Type.IMAGES:  "-----------y--",
}  # fmt: skip


def a_field(of: Type) -> Field:
    return next(field for kind in ItemKind for field in FIELDS[kind].values() if field.type is of)


def test_every_type_of_field_stands_in_the_table() -> None:
    assert set(fitting.NEVER) | {Type.IMAGES} == set(Type)


@pytest.mark.parametrize(
    ("of", "column", "fits"),
    [
        pytest.param(of, column, mark == "y", id=f"{column} to {of}")
        for of, marks in POSSIBLE.items()
        for column, mark in zip(COLUMNS, marks, strict=True)
    ],
)
def test_a_column_feeds_a_field_or_says_why_not(of: Type, column: str, *, fits: bool) -> None:
    said = fitting.misfit(a_field(of), a_column("some", column))
    assert (said is None) == fits
    assert fits or column in str(said)
