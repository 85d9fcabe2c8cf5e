"""Is the process alive, and can it do its work."""

from __future__ import annotations

import anyio
from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from api.here import Here
from api.problems import ProblemError, told
from worker.commands.desk import Desk

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
    """Answer when the database does; until then no requests should come here."""
    try:
        await anyio.to_thread.run_sync(_ask, here, limiter=request.app.state.readiness)
    except SQLAlchemyError as trouble:
        detail = "The database does not answer just now."
        raise ProblemError(503, "unavailable", detail, headers={"Retry-After": "5"}) from trouble
    return Health()


def _ask(here: Desk) -> None:
    with Session(here.engine) as session:
        session.execute(text("SELECT 1"))
