"""What clients write into Sales Layer.

    input_data[table][i][field]=value          one value
    input_data[table][i][field][]=value        one value of a list, repeated
    delete_data[table][i][REF]=value           (API facts §14)

How the original connector writes its list of storefronts is not documented. Here a row that names an item (by `ID` or
`REF`) changes that item; a row that names none sets the choices of its fields, `tag_list` in `data_schema_info`.
"""

import re
from dataclasses import dataclass
from typing import Any

from sandbox.saleslayer.catalogue import Catalogue
from sandbox.saleslayer.tables import Item, Table
from sandbox.saleslayer.trouble import ApiError, ControlRefusal, ErrorCode

NAME = re.compile(r"(input_data|delete_data)\[([^\]]+)\]\[([^\]]+)\]\[([^\]]+)\](\[[^\]]*\])?")
DONE, NONE_DONE = 1, 0
KEYS = ("ID", "REF")


@dataclass(frozen=True, slots=True)
class Written:
    """One row of an import call, as it came."""

    command: str
    table: str
    index: str
    fields: dict[str, Any]


def read(pairs: list[tuple[str, str]]) -> list[Written]:
    """The rows that the parameters write, in their order; raises ApiError for a name that cannot be read."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for name, value in pairs:
        if not name.startswith(("input_data[", "delete_data[")):
            continue
        parts = NAME.fullmatch(name)
        if parts is None:
            raise ApiError(ErrorCode.VALIDATION)
        command, table, index, column, brackets = parts.groups()
        fields = rows.setdefault((command, table, index), {})
        if brackets:
            fields.setdefault(column, []).append(value)
        else:
            fields[column] = value
    return [Written(*where, fields) for where, fields in rows.items()]


def apply(catalogue: Catalogue, rows: list[Written], *, at: int) -> dict[str, Any]:
    """Carries the rows out as far as they name something known; the `input_response` that says so."""
    counts = {"new_items": 0, "updated_items": 0, "deleted_items": 0}
    errors: list[str] = []
    for row in rows:
        try:
            counts[_apply_one(catalogue, row, at)] += 1
        except ControlRefusal as refused:
            errors.append(f"{row.table}[{row.index}]: {refused}")
    affected = sum(counts.values())
    return {
        "result": DONE if affected else NONE_DONE,
        "errors": errors,
        "items_affected": affected,
        **counts,
        "status_tracking": "",  # nothing is left to wait for
    }


def _apply_one(catalogue: Catalogue, row: Written, at: int) -> str:
    """The count to which the row belongs; raises ControlRefusal for one that names something unknown."""
    table = catalogue.table(row.table)
    values = {column: value for column, value in row.fields.items() if column not in KEYS}
    for column in values:
        table.position(column)
    if not set(KEYS) & set(row.fields):
        _set_choices(catalogue, table.name, values)
        return "updated_items"
    item = _find(table, row.fields)
    if row.command == "delete_data":
        catalogue.delete(table.name, item.id if item else 0, at=at)
        return "deleted_items"
    if item is None:
        catalogue.add(table.name, row.fields, at=at)
        return "new_items"
    catalogue.edit(table.name, item.id, values, at=at)
    return "updated_items"


def _set_choices(catalogue: Catalogue, table: str, values: dict[str, Any]) -> None:
    info = catalogue.info.get(table, {})
    changed = {column: info.get(column, {"type": "list"}) | {"tag_list": value} for column, value in values.items()}
    # Replaced and not changed in place: an answer that holds it may just be written, outside the lock.
    catalogue.info = catalogue.info | {table: info | changed}


def _find(table: Table, fields: dict[str, Any]) -> Item | None:
    def is_meant(item: Item) -> bool:
        return all(str(table.cell(item, key)) == fields[key] for key in KEYS if key in fields)

    return next((item for item in table.items.values() if not item.deleted and is_meant(item)), None)
