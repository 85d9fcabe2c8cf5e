"""What integration tests share: a migrated Postgres, a copy of it for each test, and rows to begin with."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from sandbox.servers.postgres import EmbeddedPostgres
from tests.mirrored import Source
from tests.operators import Operator, an_operator
from tests.patient import patient_engine
from tests.turning import Turns
from tests.visitors import Door, a_door
from worker.catalog.profile import Profile
from worker.ledger import connectors
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.vault import Vault

ROOT = Path(__file__).parents[2]
TEMPLATE = "migrated"
RING = "test:" + base64.b64encode(bytes(32)).decode()
CREDENTIALS = {"source_code": "CN1", "source_secret": "canary-source-secret", "store_token": "canary-store-token"}
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def migrated() -> Iterator[EmbeddedPostgres]:
    """A Postgres that holds one migrated database to be copied; nobody may stay connected to that one."""
    with EmbeddedPostgres(durable=False) as server:
        server.create_database(TEMPLATE)
        config = Config(ROOT / "alembic.ini")
        config.set_main_option("sqlalchemy.url", server.url(TEMPLATE, "owner").replace("%", "%%"))
        command.upgrade(config, "head")
        yield server


@pytest.fixture
def database_url(migrated: EmbeddedPostgres) -> Iterator[str]:
    """A migrated database of the test's own, as the role service."""
    name = f"test_{next(_numbers)}"
    migrated.clone(TEMPLATE, name)
    yield migrated.url(name)
    migrated.drop_database(name)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The service's connections to the test's own database; a machine that stands still for some seconds ends none."""
    opened = patient_engine(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def vault() -> Vault:
    """A vault whose ring is `RING`; `key_ring` gives the ring itself, for CREDENTIAL_KEYS."""
    return Vault.from_ring(RING)


@pytest.fixture
def key_ring() -> str:
    """The ring of `vault`, as CREDENTIAL_KEYS takes it."""
    return RING


@dataclass(frozen=True, slots=True)
class Made:
    """A connector that a test made."""

    tenant_id: int
    id: int


class MakeConnector(Protocol):
    """Makes a connector, and its tenant where there is none of this name."""

    def __call__(
        self,
        name: str = "shop",
        *,
        tenant: str = "acme",
        weight: float = 1.0,
        max_slots: int | None = None,
        store_hash: str | None = None,
        profile: Profile | None = None,
        credentials: Mapping[str, str] = CREDENTIALS,
        first_check_in: float = 3600.0,
    ) -> Made:
        """The connector's and its tenant's ids; without a `store_hash` it gets a store of its own."""


@pytest.fixture
def a_tenant(engine: Engine) -> Callable[[str], int]:
    """The id of the tenant of this name, made where there is none."""
    return lambda name: _tenant(engine, name, weight=1.0, max_slots=None)


@pytest.fixture
def a_connector(engine: Engine, vault: Vault) -> MakeConnector:
    """Makes connectors with sealed credentials in the test's own database."""

    def make(
        name: str = "shop",
        *,
        tenant: str = "acme",
        weight: float = 1.0,
        max_slots: int | None = None,
        store_hash: str | None = None,
        profile: Profile | None = None,
        credentials: Mapping[str, str] = CREDENTIALS,
        first_check_in: float = 3600.0,
    ) -> Made:
        tenant_id = _tenant(engine, tenant, weight=weight, max_slots=max_slots)
        with as_tenant(engine, tenant_id) as session:
            made = connectors.add(
                session,
                tenant_id,
                name=name,
                store_hash=store_hash or f"store{next(_numbers)}",
                profile=profile or Profile(),
                first_check_in=first_check_in,
            )
            connectors.keep_credentials(session, vault, tenant_id=tenant_id, connector_id=made, secrets=credentials)
        return Made(tenant_id, made)

    return make


def _tenant(engine: Engine, name: str, *, weight: float, max_slots: int | None) -> int:
    with as_scheduler(engine) as session:
        known = connectors.find_tenant(session, name)
    if known is not None:
        return known
    with as_tenant(engine, 0) as session:
        tenant_id = connectors.next_tenant_id(session)
    with as_tenant(engine, tenant_id) as session:
        connectors.add_tenant(session, tenant_id, name=name, weight=weight, max_slots=max_slots)
    return tenant_id


class MakeRow(Protocol):
    """Inserts one row."""

    def __call__(self, tenant_id: int, table: str, **values: object) -> int:
        """The row's id, where its table has one, else 0; dicts and lists become JSON."""


@pytest.fixture
def a_row(engine: Engine) -> MakeRow:
    """Inserts rows in a tenant's name."""

    def insert(tenant_id: int, table: str, **values: object) -> int:
        row = {"tenant_id": tenant_id, **values}
        kept = {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in row.items()}
        returning = " RETURNING id" if table in {"run", "run_message", "pending_change"} else ""
        into = f"INSERT INTO {table} ({', '.join(row)}) VALUES (:{', :'.join(row)}){returning}"  # noqa: S608 a test's own
        with as_tenant(engine, tenant_id) as session:
            made = session.execute(text(into), kept)
            return int(made.scalar_one()) if returning else 0

    return insert


@pytest.fixture
def operator(database_url: str, key_ring: str, tmp_path: Path) -> Iterator[Operator]:
    """Somebody at the command line, on the test's own database."""
    yield from an_operator(database_url, key_ring, tmp_path)


@pytest.fixture
def acme(operator: Operator) -> Operator:
    """The operator, who has added the tenant acme."""
    operator.says("tenant", "add", "acme")
    return operator


@pytest.fixture
def door(database_url: str, key_ring: str) -> Iterator[Door]:
    """The HTTP door, on the test's own database."""
    with a_door(database_url, key_ring) as opened:
        yield opened


@pytest.fixture
def at(engine: Engine) -> Turns:
    return Turns(engine)


@pytest.fixture
def source(engine: Engine, a_connector: MakeConnector) -> Iterator[Source]:
    """A connector's mirror, within one transaction."""
    made = a_connector()
    with as_tenant(engine, made.tenant_id) as session:
        yield Source(session, made)
