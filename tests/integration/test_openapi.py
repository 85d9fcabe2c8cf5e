"""The document that describes the HTTP API: complete, true, and proof against whatever is sent."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sqlalchemy import Engine

from api.app import build
from api.routes import events
from sandbox.saleslayer import example
from tests.furnished import Furnished, furnish
from tests.serving import served
from tests.visitors import a_door
from worker.commands.desk import Desk
from worker.ledger.vault import Vault
from worker.settings import Settings

METHODS = ("get", "put", "post", "patch", "delete")
WITHOUT_KEY = {"/livez", "/readyz"}


def _nowhere(*_: Any) -> Any:
    raise AssertionError


DOCUMENT = build(Desk(Settings(), _nowhere, _nowhere)).openapi()
OPERATIONS = [
    pytest.param(path, operation, id=f"{method} {path}")
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
]
schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.mark.parametrize(("path", "operation"), OPERATIONS)
def test_every_operation_says_what_it_does_and_what_may_go_wrong(path: str, operation: dict[str, Any]) -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    assert operation["summary"], "a summary"
    assert operation["description"].endswith("."), "a description in sentences"
    answers = operation["responses"]
    if path not in WITHOUT_KEY:
        assert operation["security"] == [{"key": []}]
        wanted = {"400", "401", "403", "422", "429", "503"} | ({"404"} if "{" in path else set())
        assert wanted <= set(answers)
    for status, answer in answers.items():
        assert answer["description"]
        if status >= "400":
            assert answer["content"] == {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }
        elif status != "204":
            assert answer["content"], "what is answered"
    body = operation.get("requestBody")
    if body is not None:
        for content in body["content"].values():
            assert example_of(content["schema"]) or content.get("examples"), "an example of the body"
    for one in operation.get("parameters", []):
        assert one.get("description"), one["name"]


def example_of(shape: dict[str, Any]) -> Any:
    """An example of the shape, of what it refers to, or of one of its alternatives."""
    if "$ref" in shape:
        return example_of(DOCUMENT["components"]["schemas"][shape["$ref"].rpartition("/")[2]])
    return shape.get("examples") or next(filter(None, map(example_of, shape.get("anyOf", []))), None)


@dataclass(frozen=True, slots=True)
class At:
    """A door that is served, and what is behind it."""

    address: str
    there: Furnished
    headers: dict[str, str]


@pytest.fixture
def busy(
    database_url: str,
    key_ring: str,
    engine: Engine,
    a_connector: Callable[..., Any],
    a_row: Callable[..., int],
    vault: Vault,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[At]:
    """A door at which somebody asks all the time, and nobody listens for long."""
    monkeypatch.setattr(events, "STREAM_SECONDS", 0.0)
    with a_door(database_url, key_ring, api_calls_per_minute=1_000_000) as opened:
        opened.stores.open("acmestore", "canary-store-token", plan="Enterprise")
        opened.sources.put_connector("CN1", secret="canary-source-secret", catalogue=example.catalogue())
        there = furnish(engine, a_connector, a_row, vault, tenant="acme")
        with served(cast("FastAPI", opened.client.app)) as address:
            yield At(address, there, opened.operator(acting_for="acme").headers)


@schema.parametrize()
@settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_nothing_that_is_sent_makes_it_fail(case: schemathesis.Case[Any], busy: At) -> None:
    given = case.path_parameters
    # Half of the time at what is there: little is learnt of a connector that nobody has.
    if given and case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE and next(_turns) % 2:
        given |= {name: busy.there.ids[name] for name in given}
    case.call_and_validate(
        base_url=busy.address,
        headers=busy.headers,
        excluded_checks=[positive_data_acceptance] if knows_more_than_the_document(case) else [],
    )


def knows_more_than_the_document(case: schemathesis.Case[Any]) -> bool:
    """Whether what the document allows may be refused.

    Places of pages are the service's own, a repeated Idempotency-Key is remembered, a profile has rules, a tenant's
    name is printable, a time zone is one, and nothing may hold what is no text.
    """
    if "after" in (case.query or {}) or "Idempotency-Key" in (case.headers or {}):
        return True
    if "\\u0000" in json.dumps([case.query, case.body], default=str):
        return True
    return (case.method, case.path) in {
        ("POST", "/v1/tenants"),
        ("PATCH", "/v1/tenants/{tenant_id}"),
        ("POST", "/v1/connectors"),
        ("PUT", "/v1/connectors/{connector_id}/profile"),
        ("PUT", "/v1/connectors/{connector_id}/credentials"),
        ("POST", "/v1/webhooks"),
        ("PUT", "/v1/webhooks/{webhook_id}"),
    }


_turns = itertools.count()
