"""Write the choices of an attribute-list field into Sales Layer.

The call is that of an import connector: signed as the reader signs, a form of `input_data[table][row][field]`
(API facts §14). All choices are told at once, as a list in one row that names no item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from worker.errors import SourceUnreadable
from worker.saleslayer import answer
from worker.saleslayer.client import Client

REFUSED = 2
"""`result`: 2 is an error in every reading of it; what 0 and 1 mean the SDK and its comments tell differently."""


def write(client: Client, columns: Mapping[str, str], choices: Sequence[str]) -> None:
    """The fields (table -> column) offer these choices; SourceUnreadable where Sales Layer does not take them."""
    form = {f"input_data[{table}][0][{column}][]": list(choices) for table, column in columns.items()}
    told = client.import_rows(form).get("input_response")
    if not isinstance(told, Mapping):
        raise SourceUnreadable("Sales Layer did not say what it did with them. Check that the connector is for import.")
    reasons = _reasons(told.get("errors"))
    if reasons or str(told.get("result")) == str(REFUSED):
        raise SourceUnreadable(
            f"Sales Layer refused them: {answer.quoted(reasons) if reasons else 'it gave no reason'}"
        )


def _reasons(errors: Any) -> str:
    """What the answer complains of; its shape is not documented."""
    match errors:
        case None | 0 | "" | "0":
            return ""
        case Mapping():
            return "; ".join(str(one) for one in errors.values())
        case list():
            return "; ".join(map(str, errors))
        case _:
            return str(errors)
