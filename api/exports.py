"""Listings as files, streamed: a page at a time, with no transaction open while somebody reads slowly."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from fastapi.responses import StreamingResponse

from models.vocabulary import ItemKind
from worker.catalog import causes
from worker.commands import runs as commands
from worker.commands.desk import Desk
from worker.commands.items import shown
from worker.ledger import item_register, run_messages
from worker.ledger.item_register import Shown
from worker.ledger.register import NO_NAME
from worker.ledger.session import as_tenant

ROWS_AT_ONCE = 1_000
"""Rows that are read in one transaction, and held in memory."""
STATUSES = (
    "kind", "source_id", "reference", "name", "storefront", "status", "code", "message", "fix", "run", "at",
)  # fmt: skip
MESSAGES = ("run", "level", "code", "message", "fix", "at")
STEERS_A_SPREADSHEET = ("=", "+", "-", "@", "\t", "\r")

Row = Sequence[Any]


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    NDJSON = "ndjson"


MEDIA_TYPES = {Format.CSV: "text/csv; charset=utf-8; header=present", Format.NDJSON: "application/x-ndjson"}


def statuses(desk: Desk, tenant_id: int, connector_id: int, wanted: Mapping[str, Any]) -> Iterator[list[Row]]:
    """The item statuses (those that `item_register.items` lists for `wanted`), so many at a time, under STATUSES.

    What must be refused is refused at once, before the first of them is asked for.
    """
    with as_tenant(desk.engine, tenant_id) as session:
        names = shown(session, connector_id, commands.there(session, connector_id).profile)
    return _statuses(desk, tenant_id, connector_id, names, wanted)


def _statuses(
    desk: Desk, tenant_id: int, connector_id: int, names: Mapping[ItemKind, Shown], wanted: Mapping[str, Any]
) -> Iterator[list[Row]]:
    after = None
    while True:
        with as_tenant(desk.engine, tenant_id) as session:
            found = item_register.items(session, connector_id, shown=names, after=after, limit=ROWS_AT_ONCE, **wanted)
        yield [
            (
                one.kind,
                one.source_id,
                one.reference,
                one.name,
                None if one.storefront == NO_NAME else one.storefront,
                one.outcome,
                one.code,
                one.message,
                causes.remedy(one.code),
                one.run_id,
                one.at,
            )
            for one in found
        ]
        if len(found) < ROWS_AT_ONCE:
            return
        after = found[-1].place


def messages(desk: Desk, tenant_id: int, connector_id: int) -> Iterator[list[Row]]:
    """What the connector's runs said, the newest first, so many at a time, under MESSAGES."""
    before = None
    while True:
        with as_tenant(desk.engine, tenant_id) as session:
            found = run_messages.said(session, connector_id, before=before, limit=ROWS_AT_ONCE)
        yield [(one.run_id, one.level, one.code, one.text, causes.remedy(one.code), one.at) for one in found]
        if len(found) < ROWS_AT_ONCE:
            return
        before = (found[-1].run_id, found[-1].id)


def as_file(pages: Iterable[list[Row]], columns: Sequence[str], form: Format, *, name: str) -> StreamingResponse:
    """The rows as a file that is sent as it is read; `name` without its ending."""
    written = _csv(pages, columns) if form is Format.CSV else _ndjson(pages, columns)
    today = datetime.now(UTC).date()
    return StreamingResponse(
        written,
        headers={
            "Content-Type": MEDIA_TYPES[form],
            "Content-Disposition": f'attachment; filename="{name}-{today}.{form}"',
            "Cache-Control": "no-store",
        },
    )


def _csv(pages: Iterable[list[Row]], columns: Sequence[str]) -> Iterator[str]:
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow(columns)
    for page in pages:
        writer.writerows([_cell(value) for value in row] for row in page)
        yield lines.getvalue()
        lines.seek(0)
        lines.truncate()


def _cell(value: Any) -> Any:
    """The value as a cell; what a spreadsheet would take for a formula begins with an apostrophe."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, str) and value.startswith(STEERS_A_SPREADSHEET):
        return f"'{value}"
    return value


def _ndjson(pages: Iterable[list[Row]], columns: Sequence[str]) -> Iterator[str]:
    for page in pages:
        yield "".join(
            json.dumps(dict(zip(columns, map(_value, row), strict=True)), ensure_ascii=False) + "\n" for row in page
        )


def _value(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
