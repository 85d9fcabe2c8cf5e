"""What a command works with: settings, the database, the keys, the ways out of here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from worker.ledger.session import engine
from worker.ledger.vault import Vault
from worker.scheduling import dispatch
from worker.scheduling.dispatch import Publish
from worker.scheduling.neighbours import Meet
from worker.settings import Settings

log = structlog.get_logger(__name__)

WAIT_FOR_REDIS = 3.0
WAIT_FOR_NEIGHBOURS = 15.0
"""Seconds that one call may take."""


@dataclass
class Desk:
    """Where commands are given; each thing is made when it is first needed."""

    settings: Settings
    publish: Publish
    meeting: Callable[[Settings, Vault, redis.Redis], Meet]
    pool: int = 2
    """Connections to the database; two are enough for one command at a time."""
    connections: Engine | None = None
    """Those of a process that has some already."""

    @cached_property
    def engine(self) -> Engine:
        """The service's connections."""
        return self.connections or engine(self.settings.database_url, pool=self.pool)

    @cached_property
    def vault(self) -> Vault:
        """The key ring; KeyMissing where it is malformed."""
        return Vault.from_ring(self.settings.credential_keys.get_secret_value())

    @cached_property
    def broker(self) -> redis.Redis:
        """Redis, which nobody waits for for long: a connection that has broken is made anew, a silent one given up."""
        return redis.Redis.from_url(
            self.settings.redis_url,
            socket_timeout=WAIT_FOR_REDIS,
            socket_connect_timeout=WAIT_FOR_REDIS,
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        )

    @cached_property
    def meet(self) -> Meet:
        """Makes the clients of a connector's source and store; somebody waits for what they answer."""
        shorter = {
            name: min(getattr(self.settings, name), WAIT_FOR_NEIGHBOURS)
            for name in ("call_timeout_seconds", "source_timeout_seconds")
        }
        return self.meeting(self.settings.model_copy(update=shorter), self.vault, self.broker)

    def wake(self, connector_id: int) -> None:
        """Let a worker take up the connector as soon as it is its turn.

        Only to be quicker than the pacemaker, who finds what is due: that it fails is no trouble of whoever asked.
        """
        try:
            dispatch.wake(self.engine, self.settings, self.publish, connector_id)
        except SQLAlchemyError as trouble:
            log.warning("connector not woken", connector=connector_id, error=type(trouble).__name__)

    @property
    def database(self) -> str:
        """The database's name and host, without user and password."""
        url = make_url(self.settings.database_url)
        host = url.host or url.query.get("host") or "localhost"
        return f"'{url.database}' at {host}" + (f":{url.port}" if url.port else "")
