"""What the door works with: settings, the database, the keys, the ways out of here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from worker.commands.desk import Desk
from worker.meet import meet
from worker.settings import Settings, settings
from worker.tasks import publish


def desk(chosen: Settings | None = None) -> Desk:
    """The desk of this process; tests bring their own."""
    of = chosen or settings()
    return Desk(of, publish, meet, pool=of.database_pool)


async def _desk(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found


Here = Annotated[Desk, Depends(_desk)]
"""An operation's desk."""
