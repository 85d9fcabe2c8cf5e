"""What the door and a worker write while runs go on: every line is JSON, and says whose it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sandbox.servers.postgres import EmbeddedPostgres
from tests.service import ROOT, SOURCE, TOKEN, service, until

FORGED = 'x\n{"event": "all is well", "level": "info"}\r\x1b[2K\x1b[31m\u2028\u202e'


class Hostile(BaseHTTPRequestHandler):
    """A store that refuses every token, with words that would forge a line and hold a secret."""

    def do_GET(self) -> None:
        body = json.dumps({"title": f"{FORGED} X-Auth-Token: {self.headers['X-Auth-Token']}"}).encode()
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 names of the library

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Told:
    """What was written by whom; `run` = (connector, run) of a run that ended well."""

    logs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    tenant: int = 0
    well: tuple[int, int] = (0, 0)
    refused: tuple[int, int] = (0, 0)

    def lines(self, of: str) -> list[dict[str, Any]]:
        return [json.loads(line, parse_constant=pytest.fail) for line in self.logs[of].splitlines()]


@pytest.fixture(scope="module")
def hostile() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, hostile: str) -> Told:
    """A run that ends well, one that a hostile store refuses, Redis gone in the midst, requests of all kinds."""
    found = Told()
    with service(tmp_path_factory.mktemp("logs"), LOG_FORMAT="json", LOG_LEVEL="info") as played:
        found.tenant = played.tenant_id
        played.open_door(words="")
        worker = played.start_worker()
        connector = played.connect()
        run = played.run(connector)
        assert run["state"] in {"completed", "completed_with_errors"}, run
        found.well = (connector, run["id"])
        ask(played.door)
        worker.ends()
        found.logs["worker"], found.outputs["worker"] = worker.said, worker.out.read_text()

        other = played.connect("summer-shop", store_hash="def")
        worker = played.start_worker(BIGCOMMERCE_URL=hostile)
        run = played.run(other)
        assert run["state"] == "failed", run
        found.refused = (other, run["id"])
        played.ground.redis.stop()
        until(lambda: "Connection" in worker.said)
        worker.ends()
        found.logs["refused"] = worker.said

        api = played.processes["api"]
        api.ends()
        found.logs["api"], found.outputs["api"] = api.said, api.out.read_text()
    return found


def ask(door: Any) -> None:
    """Requests that go well, and others."""
    door.get("/v1/connectors?limit=1&search=canary-in-the-query", headers={"X-Request-ID": "given-by-the-proxy"})
    door.get("/v1/connectors/999999")
    door.get("/nowhere/%0A%7B%22event%22%3A%20%22all%20is%20well%22%7D", headers={"X-Request-ID": "a b\tc" * 40})
    door.get("/overview/open?key=canary-key-of-a-link")
    door.request("BREW", "/v1/connectors")
    door.get("/v1/connectors", headers={"Authorization": "Bearer slbc_canarycanarycanary"})


@pytest.mark.parametrize("of", ["worker", "refused", "api"])
def test_every_line_is_json_with_a_time_and_a_level(told: Told, of: str) -> None:
    lines = told.lines(of)
    assert len(lines) >= 4
    assert [line for line in lines if not {"event", "level", "timestamp"} <= set(line)] == []


def test_a_worker_in_json_shows_no_banner(told: Told) -> None:
    assert told.outputs["worker"].split("\n") in ([""], ["", "worker: Warm shutdown (MainProcess)", ""])


@pytest.mark.parametrize("of", ["worker", "refused"])
def test_every_line_of_a_slice_says_tenant_connector_run_and_slice(told: Told, of: str) -> None:
    connector, run = told.well if of == "worker" else told.refused
    mine = [line for line in told.lines(of) if "slice" in line]
    ended = [line for line in mine if line["event"] == "slice ended"]
    assert ended
    for line in mine:
        assert (line["tenant"], line["connector"]) == (told.tenant, connector)
        assert isinstance(line["slice"], int)
        assert line["run"] in (run, None)
    assert run in {line["run"] for line in ended}
    assert {line["phase"] for line in ended if line["run"] == run} <= {"preparation", "synchronization"}


def test_words_of_a_store_forge_no_line_and_bring_no_secret(told: Told) -> None:
    [stopped] = [line for line in told.lines("refused") if line["event"] == "run stopped"]
    assert "all is well" in stopped["reason"], "it is escaped, not dropped"
    assert stopped["reason"].isprintable()
    assert "X-Auth-Token: ***" in stopped["reason"]
    assert [line for line in told.lines("refused") if line["event"] == "all is well"] == []


def test_the_lines_of_celery_come_in_the_same_format(told: Told) -> None:
    assert {"celery", "kombu"} & {line.get("logger", "").partition(".")[0] for line in told.lines("refused")}


def test_a_request_has_a_line_with_its_route(told: Told) -> None:
    lines = [line for line in told.lines("api") if line["event"] == "request answered"]
    assert all(set(line) >= {"request", "method", "route", "status", "seconds", "tenant"} for line in lines)
    found = {(line["method"], line["route"], line["status"], line["tenant"]) for line in lines}
    assert ("GET", "/v1/connectors", 200, told.tenant) in found
    assert ("GET", "/v1/connectors/{connector_id}", 404, told.tenant) in found
    assert ("GET", None, 404, None) in found
    assert ("GET", "/v1/connectors", 401, None) in found
    assert ("other", "/v1/connectors", 405, None) in found
    assert ("POST", "/v1/connectors/{connector_id}/runs", 202, told.tenant) in found
    named = [line["request"] for line in lines]
    assert "given-by-the-proxy" in named
    assert all(len(one) <= 64 and one.isprintable() for one in named)
    assert "/livez" not in {line["route"] for line in lines}, "those are for debugging"


def test_uvicorn_speaks_the_same_way_and_writes_no_addresses(told: Told) -> None:
    assert "Uvicorn running on" in " ".join(line["event"] for line in told.lines("api"))
    assert told.outputs["api"] == ""


@pytest.mark.parametrize("of", ["worker", "refused", "api"])
def test_no_secret_and_no_query_is_in_any_line(told: Told, of: str) -> None:
    assert "canary" not in told.logs[of]
    assert SOURCE not in told.logs[of]
    assert TOKEN not in told.logs[of]


def test_for_a_terminal_the_lines_can_be_read(tmp_path: Path) -> None:
    with service(tmp_path, LOG_FORMAT="console") as played:
        played.open_door()
        worker = played.start_worker()
        run = played.run(played.connect())
        worker.ends()
        [ended, *_] = [
            line for line in worker.said.splitlines() if "slice ended" in line and f"run={run['id']}" in line
        ]
        assert f"tenant={played.tenant_id}" in ended
        assert "reason=" in ended
        assert "{" not in ended
        assert "celery@" in worker.out.read_text(), "the banner"
        assert all(line.isprintable() for line in worker.said.splitlines())


def test_a_migration_by_the_command_logs_the_same_way(tmp_path: Path) -> None:
    with EmbeddedPostgres(durable=False) as postgres:
        postgres.create_database("migrated")
        known = {"MIGRATION_DATABASE_URL": postgres.url("migrated", "owner"), "LOG_FORMAT": "json"}
        with (tmp_path / "err").open("wb") as err:
            command = [sys.executable, "-m", "alembic", "upgrade", "head"]
            subprocess.run(command, cwd=ROOT, env=os.environ | known, stderr=err, check=True)  # noqa: S603
    lines = [json.loads(line) for line in (tmp_path / "err").read_text().splitlines()]
    assert lines
    assert all(line["logger"].startswith("alembic") for line in lines)
    assert any(line["event"].startswith("Running upgrade") for line in lines)
