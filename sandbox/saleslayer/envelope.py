"""The JSON object around the rows (API facts §4)."""

from collections.abc import Iterable
from typing import Any

from sandbox.saleslayer.connector import Connector
from sandbox.saleslayer.reads import OpenRead
from sandbox.saleslayer.switches import Switches

Envelope = dict[str, Any]


def opening(version: str, time: int, switches: Switches | None = None) -> Envelope:
    """The first keys of every answer; both names of the version, unless a switch wants `ver` alone."""
    names = ("ver",) if switches is not None and switches.ver_only else ("version", "ver")
    return dict.fromkeys(names, version) | {"time": time}


def refusal(code: int, version: str, time: int, switches: Switches | None = None) -> Envelope:
    """The minimal error answer (API facts §10)."""
    return {**opening(version, time, switches), "error": code}


def auth_test(connector: Connector, version: str, time: int) -> Envelope:
    """Says that connection and signature are right, without data."""
    return {**opening(version, time, connector.switches), "action": "testing", "schema": connector.catalogue.schema}


def without_data(connector: Connector, version: str, time: int) -> Envelope:
    """What a connector that is switched off answers: neither data nor an error (API facts §1)."""
    return {**opening(version, time, connector.switches), "action": "update", "schema": connector.catalogue.schema}


def import_answer(connector: Connector, version: str, time: int, response: dict[str, Any]) -> Envelope:
    """The answer to a call that wrote something (API facts §14)."""
    return {**opening(version, time, connector.switches), "action": "update", "input_response": response}


def first_page(connector: Connector, read: OpenRead, time: int, *, origin: str) -> Envelope:
    """Page 1: the schema of everything, and a list for every table."""
    catalogue, switches = connector.catalogue, connector.switches
    rows = read.page(1)
    envelope = {
        **opening(read.version, time, switches),
        "action": read.action,
        "schema": catalogue.schema,
        "data_schema": _data_schema(connector, catalogue.tables),
        "data_schema_info": catalogue.info,
        "data": {name: rows.get(name, []) for name in catalogue.tables},
    }
    if switches.without_info:
        del envelope["data_schema_info"]
    if switches.waiting_images or switches.waiting_files:
        total = switches.waiting_images
        envelope["waiting"] = {"images": {"total": total, "partial": total}, "files": switches.waiting_files}
    return envelope | _paging(read, 1, origin)


def later_page(connector: Connector, read: OpenRead, number: int, time: int, *, origin: str) -> Envelope:
    """A page after the first: no `data_schema_info`, and the schema of its own tables at most (API facts §8)."""
    rows = read.page(number)
    envelope = {
        **opening(read.version, time, connector.switches),
        "action": read.action,
        "schema": connector.catalogue.schema,
        "data_schema": _data_schema(connector, rows),
        "data": rows,
    }
    if connector.switches.later_pages_without_schema:
        del envelope["data_schema"]
    return envelope | _paging(read, number, origin)


def _data_schema(connector: Connector, names: Iterable[str]) -> dict[str, list[Any]]:
    tables = connector.catalogue.tables
    return {name: tables[name].schema for name in names if name in tables}


def _paging(read: OpenRead, number: int, origin: str) -> Envelope:
    """Nothing for 1.17, which answers with everything at once."""
    if read.version == "1.17":
        return {}
    return {"page_count": number, "page_length": read.page_rows, "next_page": read.address(origin, number + 1)}
