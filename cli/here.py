"""What a command of the command line works with."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import dataclass, field

import redis
import typer

from worker.commands.desk import Desk
from worker.ledger.vault import Vault
from worker.meet import meet
from worker.scheduling.dispatch import Publish
from worker.scheduling.neighbours import Meet
from worker.settings import Settings, settings
from worker.tasks import publish


@dataclass
class Here(Desk):
    """The composition root of the command line; tests hand in their own."""

    settings: Settings = field(default_factory=settings)
    publish: Publish = publish
    meeting: Callable[[Settings, Vault, redis.Redis], Meet] = meet

    @property
    def who(self) -> str:
        """Who is at the command line, as the journal names them."""
        try:
            return f"{getpass.getuser()} (command line)"
        except (KeyError, OSError):  # an account without a name, as in a container
            return "command line"


def here(context: typer.Context) -> Here:
    """What this command works with."""
    found = context.find_object(Here)
    assert found is not None
    return found
