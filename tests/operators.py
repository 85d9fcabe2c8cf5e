"""Somebody at the command line, on a real Postgres, with the sandbox as neighbours."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fakeredis
import jsonschema
from pydantic import SecretStr
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from cli.here import Here
from cli.main import app
from models.vocabulary import ItemKind
from sandbox.bigcommerce.core import Sandbox as Stores
from sandbox.bigcommerce.transport import SandboxTransport as StoreTransport
from sandbox.saleslayer.sandbox import Sandbox as Sources
from sandbox.saleslayer.transport import SandboxTransport as SourceTransport
from worker.catalog.columns import Column, Columns
from worker.ledger import connectors
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.turns import Dispatched
from worker.meet import meet
from worker.settings import Settings

DOCS = (Path(__file__).parents[1] / "docs" / "cli.md").read_text("utf-8")
SHAPES = {
    name: json.loads(shape)
    for name, shape in re.findall(r"<!-- shape: ([a-z ]+) -->\n```json\n(.*?)```", DOCS, re.DOTALL)
}
EXAMPLE = json.loads(re.findall(r"<!-- example: profile -->\n```json\n(.*?)```", DOCS, re.DOTALL)[0])
KEY = "A" * 43  # what every key of the tests' ring holds
CANARY = "canary-secret-8f1c"
TOKEN = "canary-token-77aa"
FILE: dict[str, Any] = {
    "name": "spring-shop",
    "source": {"code": "CN1", "secret": CANARY},
    "store": {"hash": "abc", "access_token": TOKEN},
}


class Operator:
    """Somebody at the command line."""

    def __init__(self, here: Here, folder: Path) -> None:
        self.here, self._folder = here, folder
        self.published: list[Dispatched] = []
        self.stores, self.sources = Stores(opens_stores=False), Sources()
        self.here.publish = self.published.append

    def says(self, *words: str, code: int = 0) -> Result:
        """The command's result, once it is sure that its exit code is right and that it tells no secret."""
        result = CliRunner().invoke(app, list(words), obj=self.here)
        assert result.exit_code == code, result.output
        for secret in (CANARY, TOKEN, KEY):
            assert secret not in result.output
        return result

    def reads(self, *words: str, shape: str, code: int = 0) -> Any:
        """The JSON that the command prints, in the shape of the docs."""
        found = json.loads(self.says(*words, "--json", code=code).stdout)
        checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
        jsonschema.Draft202012Validator(SHAPES[shape], format_checker=checker).validate(found)
        return found

    def file(self, content: object = None, **changes: object) -> str:
        """The path of a profile file with this content, by default a good one with these changes."""
        path = self._folder / "profile.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content or {**FILE, **changes}))
        return str(path)

    def adds(self, **changes: object) -> None:
        """Add the good connector to the tenant acme."""
        self.says("add", "--tenant", "acme", "--file", self.file(**changes))


def an_operator(database_url: str, key_ring: str, folder: Path) -> Iterator[Operator]:
    """Somebody who works with this database, until the connections are given back."""
    settings = Settings(
        database_url=database_url, credential_keys=SecretStr(key_ring), redis_url="redis://127.0.0.1:1/0"
    )
    here = Here(settings)
    one = Operator(here, folder)
    here.meeting = lambda settings, vault, _redis: meet(
        settings,
        vault,
        fakeredis.FakeRedis(),
        source_transport=SourceTransport(one.sources),
        store_transport=StoreTransport(one.stores),
    )
    yield one
    for used in (here, one.here):
        used.engine.dispose()


def in_its_name(engine: Engine, connector: str = "spring-shop") -> tuple[int, int]:
    with as_scheduler(engine) as session:
        [(tenant_id, connector_id, *_)] = connectors.find(session, tenant="acme", connector=connector)
    return tenant_id, connector_id


def keep_columns(engine: Engine, a_row: Callable[..., int]) -> None:
    """The mirror has been read: two columns of products, category 11."""
    tenant_id, connector_id = in_its_name(engine)
    product = (Column("product_name", "product_name", "string"), Column("product_sku", "product_sku", "string"))
    columns = Columns(
        {ItemKind.PRODUCT: product, ItemKind.CATEGORY: (Column("section_name", "section_name", "string"),)}
    )
    with as_tenant(engine, tenant_id) as session:
        session.exec_driver_sql("UPDATE mirror SET columns = %s", (json.dumps(columns.to_json()),))
    a_row(tenant_id, "source_item", connector_id=connector_id, kind="category", source_id=11, cells={}, raw_hash="x")


def with_keys(operator: Operator, ring: str) -> Here:
    """The same place with another key ring."""
    settings = operator.here.settings.model_copy(update={"credential_keys": SecretStr(ring)})
    return Here(settings, operator.published.append, operator.here.meeting)
