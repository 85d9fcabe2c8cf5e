"""Is the process alive, and can it do its work."""

from __future__ import annotations

import anyio
from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from api.here import Here
from api.problems import ProblemError, told
from worker.commands.desk import Desk
from worker.ledger import schema

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """All is well."""

    status: str = "ok"


@router.get("/livez", summary="Is the process alive")
async def livez() -> Health:
    """Answer at once, whatever the database does: a process that does not is to be restarted."""
    return Health()


@router.get("/readyz", summary="Can it do its work", responses=told(503))
async def readyz(here: Here, request: Request) -> Health:
    """Answer when the database does and has the schema that the code asks for; until then send no requests here."""
    try:
        is_too_old = await anyio.to_thread.run_sync(_ask, here, limiter=request.app.state.readiness)
    except SQLAlchemyError as trouble:
        detail = "The database does not answer just now."
        raise ProblemError(503, "unavailable", detail, headers={"Retry-After": "5"}) from trouble
    if is_too_old:
        detail = "The database has not been migrated yet to what this release asks for."
        raise ProblemError(503, "unavailable", detail, headers={"Retry-After": "5"})
    return Health()


def _ask(here: Desk) -> bool:
    return schema.is_too_old(schema.found(here.engine))
