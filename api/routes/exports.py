"""Listings as files: item statuses, and what runs said."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from api import exports
from api.callers import Reader
from api.exports import Format
from api.here import Here
from api.problems import told
from api.routes.connectors import ConnectorId
from api.routes.items import Wanted
from worker.commands import connectors as known
from worker.commands.desk import Desk
from worker.ledger.session import as_tenant


def _file(csv: str, ndjson: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {
            "description": "The file",
            "content": {
                "text/csv": {"schema": {"type": "string"}, "example": csv},
                "application/x-ndjson": {"schema": {"type": "string"}, "example": ndjson},
            },
        }
    }


router = APIRouter(
    prefix="/v1/connectors/{connector_id}",
    tags=["exports"],
    responses=told(400, 401, 403, 404, 409, 413, 422, 429, 503),
)

As = Annotated[Format, Query(alias="format", description="How the file is written")]


@router.get(
    "/items/export",
    summary="Export the item statuses",
    response_class=StreamingResponse,
    responses=_file(
        "kind,source_id,reference,name,storefront,status,code,message,fix,run,at\r\nproduct,301,SH-1,Shirt,,created,...",
        '{"kind": "product", "source_id": 301, "status": "created", "run": 512}\n',
    ),
)
def items(
    here: Here, by: Reader, connector_id: ConnectorId, wanted: Wanted, form: As = Format.CSV
) -> StreamingResponse:
    """Give the items that the same filters list, as a file that is sent while it is read.

    In CSV, a cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    name = _name(here, by.tenant_id, connector_id)
    pages = exports.statuses(here, by.tenant_id, connector_id, wanted.told())
    return exports.as_file(pages, exports.STATUSES, form, name=f"{name}-items")


@router.get(
    "/messages/export",
    summary="Export what runs said",
    response_class=StreamingResponse,
    responses=_file(
        "run,level,code,message,fix,at\r\n512,warning,drift,...",
        '{"run": 512, "level": "warning", "code": "drift", "message": "..."}\n',
    ),
)
def messages(here: Here, by: Reader, connector_id: ConnectorId, form: As = Format.CSV) -> StreamingResponse:
    """Give the messages of all runs of the register, the newest first, as a file that is sent while it is read."""
    name = _name(here, by.tenant_id, connector_id)
    pages = exports.messages(here, by.tenant_id, connector_id)
    return exports.as_file(pages, exports.MESSAGES, form, name=f"{name}-messages")


def _name(here: Desk, tenant_id: int, connector_id: int) -> str:
    with as_tenant(here.engine, tenant_id) as session:
        return known.known(session, connector_id)[0]
