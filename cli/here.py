"""What a command works with: settings, the database, the ways out of here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import redis
import typer
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from worker.ledger.session import engine
from worker.ledger.vault import Vault
from worker.meet import meet
from worker.scheduling import dispatch
from worker.scheduling.dispatch import Publish
from worker.scheduling.neighbours import Meet
from worker.settings import Settings, settings
from worker.tasks import publish

WAIT_FOR_REDIS = 3.0


@dataclass
class Here:
    """The composition root of the command line; tests hand in their own."""

    settings: Settings = field(default_factory=settings)
    publish: Publish = publish
    meeting: Callable[[Settings, Vault, redis.Redis], Meet] = meet

    @cached_property
    def engine(self) -> Engine:
        """The service's connections; two are enough for one command."""
        return engine(self.settings.database_url, pool=2)

    @cached_property
    def vault(self) -> Vault:
        """The key ring; KeyMissing where it is malformed."""
        return Vault.from_ring(self.settings.credential_keys.get_secret_value())

    @cached_property
    def meet(self) -> Meet:
        """Makes the clients of a connector's source and store."""
        broker = redis.Redis.from_url(
            self.settings.redis_url, socket_timeout=WAIT_FOR_REDIS, socket_connect_timeout=WAIT_FOR_REDIS
        )
        return self.meeting(self.settings, self.vault, broker)

    def wake(self, connector_id: int) -> None:
        """Let a worker take up the connector as soon as it is its turn."""
        dispatch.wake(self.engine, self.settings, self.publish, connector_id)

    @property
    def database(self) -> str:
        """The database's name and host, without user and password."""
        url = make_url(self.settings.database_url)
        host = url.host or url.query.get("host") or "localhost"
        return f"'{url.database}' at {host}" + (f":{url.port}" if url.port else "")


def here(context: typer.Context) -> Here:
    """What this command works with."""
    found = context.find_object(Here)
    assert found is not None
    return found
