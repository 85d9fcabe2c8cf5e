"""Runs by way of the HTTP API."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.visitors import Door
from worker.ledger import runs
from worker.ledger.session import as_tenant

AConnector = Callable[..., Any]


def test_a_request_is_accepted_once_for_one_idempotency_key(
    door: Door, a_connector: AConnector, engine: Engine
) -> None:
    made = a_connector()
    visitor, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}/runs"
    key = {"Idempotency-Key": "order-1"}
    first = visitor.asks("POST", path, status=202, headers=key)
    with as_tenant(engine, made.tenant_id) as session:
        runs.cancel(session, made.id, first.json()["run"])
    again = visitor.asks("POST", path, status=202, headers=key)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert runs_of(engine, made) == [first.json()["run"]]
    other = visitor.posts(path, {"refresh": True}, status=422, headers=key)
    assert other["code"] == "key_reused"
    assert visitor.posts(path, status=202, headers={"Idempotency-Key": "order-2"})["run"] > first.json()["run"]


def test_the_same_request_many_times_at_once_makes_one_run(door: Door, a_connector: AConnector, engine: Engine) -> None:
    made = a_connector()
    visitor, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}/runs"

    def ask(_number: int) -> Any:
        return visitor.posts(path, status=202, headers={"Idempotency-Key": "order-1"})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(16)))
    assert all(one == answers[0] for one in answers)
    assert len(runs_of(engine, made)) == 1


def test_a_request_while_one_runs_becomes_one_follow_up(door: Door, a_connector: AConnector, engine: Engine) -> None:
    made = a_connector()
    visitor, path = door.writer(made.tenant_id, "spring backend"), f"/v1/connectors/{made.id}/runs"
    first = visitor.posts(path, status=202)
    assert first == {"run": first["run"], "folded": False, "follows": None}
    with as_tenant(engine, made.tenant_id) as session:
        session.execute(text("UPDATE run SET state = 'preparing', started_at = now()"))
    second = visitor.posts(path, status=202)
    assert second == {"run": second["run"], "folded": False, "follows": first["run"]}
    third = visitor.posts(path, {"refresh": True}, status=202)
    assert third == {"run": second["run"], "folded": True, "follows": first["run"]}
    listed = visitor.reads(path)["runs"]
    assert [(one["id"], one["state"], one["refresh"]) for one in listed] == [
        (second["run"], "queued", True),
        (first["run"], "preparing", False),
    ]
    assert listed[0]["requested_by"] == "spring backend (API key)"
    assert door.published, "the connector was woken"


def test_the_register_is_listed_page_by_page(door: Door, a_connector: AConnector, a_row: Callable[..., int]) -> None:
    made = a_connector()
    ids = [a_row(made.tenant_id, "run", connector_id=made.id, state="completed", trigger="request") for _ in range(45)]
    visitor, path, seen = door.reader(made.tenant_id), f"/v1/connectors/{made.id}/runs", []
    page = visitor.reads(path)
    assert len(page["runs"]) == 19
    while True:
        seen += [one["id"] for one in page["runs"]]
        if page["next"] is None:
            break
        page = visitor.reads(path, params={"limit": 20, "after": page["next"]})
    assert seen == ids[::-1]
    for wrong in ("x", "WzFd" * 9, "WyJhIl0", "W10", "WzFlOTld"):
        told = visitor.asks("GET", path, status=422, params={"after": wrong}).json()
        assert [one["field"] for one in told["errors"]] == ["query.after"]


@pytest.mark.parametrize(("verb", "state"), [("approve", "awaiting_approval"), ("pause", "preparing"),
                                              ("resume", "paused"), ("cancel", "paused")])  # fmt: skip
def test_a_run_that_is_not_the_one_meant_is_left_alone(
    door: Door, a_connector: AConnector, a_row: Callable[..., int], verb: str, state: str
) -> None:
    made = a_connector()
    run = a_row(made.tenant_id, "run", connector_id=made.id, state=state, trigger="request")
    visitor, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}"
    told = visitor.posts(f"{path}/{verb}", {"run": run + 1}, status=409)
    assert (told["code"], f"by now it is run {run}" in told["detail"]) == ("no_run", True)
    assert visitor.reads(f"{path}/runs/{run}")["state"] == state
    for odd in ("1", 0, 2**63, True):
        told = visitor.asks("POST", f"{path}/{verb}", status=422, json={"run": odd}).json()
        assert [one["field"] for one in told["errors"]] == ["body.run"]
    assert visitor.reads(f"{path}/journal")["entries"] == []
    assert visitor.posts(f"{path}/{verb}", {"run": run})["run"] == run


def test_what_holds_a_run_up_and_lets_it_go_stands_in_the_journal(door: Door, a_connector: AConnector) -> None:
    made = a_connector()
    visitor, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}"
    assert visitor.posts(f"{path}/pause", status=409)["code"] == "no_run"
    run = visitor.posts(f"{path}/runs", status=202)["run"]
    assert visitor.posts(f"{path}/pause") == {"run": run, "state": "paused"}
    assert visitor.posts(f"{path}/resume") == {"run": run, "state": "queued"}
    assert visitor.posts(f"{path}/approve", status=409)["code"] == "no_run"
    assert visitor.posts(f"{path}/cancel") == {"run": run, "state": "cancelled"}
    told = visitor.reads(f"{path}/journal")["entries"]
    assert [(one["what"], one["who"], one["details"]) for one in told] == [
        (what, "backend (API key)", {"run": run}) for what in ("cancelled", "resumed", "paused")
    ]


def runs_of(engine: Engine, made: Any) -> list[int]:
    with as_tenant(engine, made.tenant_id) as session:
        return list(session.scalars(text("SELECT id FROM run ORDER BY id")))
