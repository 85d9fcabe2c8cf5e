"""The servers that the environment names, else embedded ones."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.servers.redis import EmbeddedRedis
from worker.settings import with_driver

DATABASE = "connector"


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers are, in the words of the product's settings."""

    database_url: str
    migration_database_url: str
    redis_url: str


@contextmanager
def servers(*, durable: bool = True) -> Iterator[Servers]:
    """Yield the servers to use; those started here end with the `with`, or with this process.

    The database of an embedded Postgres holds the three roles and no table yet.
    """
    with ExitStack() as stack:
        service, owner = _named_databases() or _embedded_databases(stack, durable=durable)
        redis_url = os.environ.get("REDIS_URL") or stack.enter_context(EmbeddedRedis()).url
        yield Servers(database_url=service, migration_database_url=owner, redis_url=redis_url)


def _named_databases() -> tuple[str, str] | None:
    service, owner = os.environ.get("DATABASE_URL"), os.environ.get("MIGRATION_DATABASE_URL")
    if service and owner:
        return with_driver(service), with_driver(owner)
    if service or owner:
        # One role for both would own the tables that it is to be kept from (law 12).
        raise ValueError("DATABASE_URL (role service) and MIGRATION_DATABASE_URL (role owner) go together: give both")
    return None


def _embedded_databases(stack: ExitStack, *, durable: bool) -> tuple[str, str]:
    postgres = stack.enter_context(EmbeddedPostgres(durable=durable))
    postgres.create_database(DATABASE)
    return postgres.url(DATABASE, "service"), postgres.url(DATABASE, "owner")
