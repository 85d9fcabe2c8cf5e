"""Which kind of source column can feed which kind of field.

| field                     | never from a column of the type                                       |
| ------------------------- | --------------------------------------------------------------------- |
| text, words, texts        | image, file                                                           |
| ids                       | boolean, datetime, table, json, image, file                           |
| number, integer           | boolean, datetime, table, json, multi-key, image, file                |
| flag                      | datetime, table, json, key, multi-key, image, file                    |
| choice                    | numeric, number, boolean, datetime, table, json, key, multi-key, image, file |
| date                      | numeric, number, boolean, table, json, key, multi-key, image, file    |
| images                    | all but image                                                         |

Texts and lists feed all but pictures: numbers, dates and flags may come as text (API facts §5.2), and a list with one
value is that value. A type that the API's description does not know counts as text (API facts §5.1). What a single
cell then holds is that item's own trouble (`unreadable_value`).
"""

from __future__ import annotations

from worker.catalog.columns import Column
from worker.catalog.fields import Field, Type

PICTURES = "image"
MEDIA = frozenset({PICTURES, "file"})
KEYS = frozenset({"key", "multi-key"})
NUMBERS = frozenset({"numeric", "number"})
NESTED = frozenset({"table", "json"})
YES_OR_NO = frozenset({"boolean"})
TIMES = frozenset({"datetime"})

NEVER: dict[Type, frozenset[str]] = {
    Type.TEXT: MEDIA,
    Type.WORDS: MEDIA,
    Type.TEXTS: MEDIA,
    Type.IDS: MEDIA | NESTED | YES_OR_NO | TIMES,
    Type.NUMBER: MEDIA | NESTED | YES_OR_NO | TIMES | {"multi-key"},
    Type.INTEGER: MEDIA | NESTED | YES_OR_NO | TIMES | {"multi-key"},
    Type.FLAG: MEDIA | NESTED | TIMES | KEYS,
    Type.CHOICE: MEDIA | NESTED | TIMES | KEYS | NUMBERS | YES_OR_NO,
    Type.DATE: MEDIA | NESTED | KEYS | NUMBERS | YES_OR_NO,
}
"""Field type -> the column types that can never give it a value; pictures come from pictures alone."""

_WANTED = {
    Type.TEXT: "a text",
    Type.WORDS: "a list of words",
    Type.TEXTS: "texts",
    Type.IDS: "ids of the store",
    Type.NUMBER: "a number",
    Type.INTEGER: "a whole number",
    Type.FLAG: "yes or no",
    Type.CHOICE: "one of the field's values",
    Type.DATE: "a date",
}


def misfit(field: Field, column: Column) -> str | None:
    """Why the column can never feed the field, as the end of a sentence; None where it can."""
    if field.type is Type.IMAGES:
        return None if column.type == PICTURES else f"holds no pictures but {column.type}"
    if column.type not in NEVER[field.type]:
        return None
    return media(column) or f"is of the type {column.type} and cannot be read as {_WANTED[field.type]}"


def media(column: Column) -> str | None:
    """That the column holds pictures or files, as the end of a sentence; None where it does not."""
    return f"holds {column.type}s" if column.type in MEDIA else None
