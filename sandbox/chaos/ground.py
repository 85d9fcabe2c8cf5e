"""The servers and neighbours that all goes on between; gone with the `with`."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.chaos.neighbours import Neighbours
from sandbox.processes.children import Child, Children
from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.servers.redis import EmbeddedRedis
from sandbox.stage.database import migrate
from sandbox.stage.stage import KEY_RING

TEMPLATE = "template"


@dataclass(slots=True)
class Ground:
    """What was started."""

    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    children: Children
    source: Child
    store: Child
    neighbours: Neighbours
    folder: Path
    """Where the children log."""
    is_wanted: bool = False
    """Whether the folder is to stay, for somebody to read what the workers said."""

    def database(self, name: str) -> str:
        """A new database with the schema in it: its address, as the service."""
        self.postgres.clone(TEMPLATE, name)
        return self.postgres.url(name)

    def environment(self, database_url: str) -> dict[str, str]:
        """The product's settings by which a worker finds all this."""
        return {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": self.redis.url,
            "SALESLAYER_URL": self.neighbours.source,
            "BIGCOMMERCE_URL": self.neighbours.store,
            "CREDENTIAL_KEYS": KEY_RING,
            "NO_PROXY": "127.0.0.1,localhost",
        }


@contextmanager
def ground(*, durable: bool) -> Iterator[Ground]:
    """Everything started and answering; the folder of logs stays where something has failed, or is wanted."""
    folder = Path(tempfile.mkdtemp(prefix="slbc-chaos-"))
    children = Children(folder)
    try:
        with EmbeddedPostgres(durable=durable) as postgres, EmbeddedRedis() as redis:
            try:
                postgres.create_database(TEMPLATE)
                migrate(postgres.url(TEMPLATE, "owner"))
                source = children.start("saleslayer", "sandbox.saleslayer", ["--port", "0"], os.environ)
                store = children.start("bigcommerce", "sandbox.bigcommerce", ["--port", "0"], os.environ)
                neighbours = Neighbours(source.address(), store.address())
                opened = Ground(postgres, redis, children, source, store, neighbours, folder)
                yield opened
            finally:
                children.stop()
    except Exception as trouble:
        trouble.add_note(f"logs: {folder}")
        raise
    if not opened.is_wanted:
        shutil.rmtree(folder, ignore_errors=True)
