"""Is the process alive, and can it do its work."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from api.here import Here
from api.problems import ProblemError, told

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """All is well."""

    status: str = "ok"


@router.get("/livez", summary="Is the process alive")
async def livez() -> Health:
    """Answer at once, whatever the database does: a process that does not is to be restarted."""
    return Health()


@router.get("/readyz", summary="Can it do its work", responses=told(503))
def readyz(here: Here) -> Health:
    """Answer when the database does; until then no requests should come here."""
    try:
        with Session(here.engine) as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as trouble:
        detail = "The database does not answer just now."
        raise ProblemError(503, "unavailable", detail, headers={"Retry-After": "5"}) from trouble
    return Health()
