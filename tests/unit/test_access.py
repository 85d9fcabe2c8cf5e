"""Each request has one line, by its route; a bug's line says which request it was."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient

from api import access, problems
from worker import logs
from worker.settings import Settings


@pytest.fixture
def client() -> Iterator[TestClient]:
    """Somebody at a small application that fails where it is told to."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    logs.configure(Settings(log_format="json"))
    app = FastAPI()
    app.add_api_route("/things/{thing_id}", lambda thing_id: PlainTextResponse(f"{1 / int(thing_id)}"))
    app.mount("/pages", PlainTextResponse("p { }"))
    access.attach(app)
    problems.attach(app)
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str], event: str) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    return [one for one in told if one["event"] == event]


def test_a_line_names_the_route_and_not_the_address(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    answer = client.get("/things/7?key=hunter2", headers={"X-Request-ID": "mine.1"})
    assert answer.headers["X-Request-ID"] == "mine.1"
    [line] = lines(capsys, "request answered")
    assert line["seconds"] >= 0
    told = {name: line[name] for name in ("method", "route", "status", "request", "tenant")}
    assert told == {"method": "GET", "route": "/things/{thing_id}", "status": 200, "request": "mine.1", "tenant": None}
    assert "hunter2" not in json.dumps(line)


def test_a_bug_says_which_request_it_was_in_its_line_and_in_the_answer(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = client.get("/things/0")
    assert answer.status_code == 500
    told = capsys.readouterr().err
    lines = {one["event"]: one for one in map(json.loads, told.splitlines())}
    assert lines["request answered"]["status"] == 500
    assert "ZeroDivisionError" in lines["request failed"]["exception"]
    assert answer.headers["X-Request-ID"] == lines["request failed"]["request"] == lines["request answered"]["request"]


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>", "é", 'a"b'])
def test_an_id_that_is_none_is_replaced(client: TestClient, given: str) -> None:
    answer = client.get("/things/7", headers=[(b"X-Request-ID", given.encode())])
    assert len(answer.headers["X-Request-ID"]) == 32


def test_two_requests_have_two_ids(client: TestClient) -> None:
    assert len({client.get("/things/7").headers["X-Request-ID"] for _ in range(5)}) == 5


def test_what_comes_along_with_a_page_is_for_debugging(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    assert client.get("/pages/pages.css").status_code == 200
    assert lines(capsys, "request answered") == []
    client.get("/nowhere")
    assert [one["route"] for one in lines(capsys, "request answered")] == [None]
