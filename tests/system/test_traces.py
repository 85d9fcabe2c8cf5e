"""Spans of a real worker and a real door, as a real receiver gets them; and nothing where none is asked for."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.receiver import Receiver, Span, receiver
from tests.service import SOURCE, TOKEN, service, until
from worker.steps import sequence

OF_THE_CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS = {"traceparent": f"00-{OF_THE_CALLER}-00f067aa0ba902b7-01", "X-Request-ID": "with-a-trace"}
INTERNAL, SERVER, CLIENT, CONSUMER = 1, 2, 3, 5
ENDED_BY_THE_SIGNAL = (0, -signal.SIGTERM)
"""In order: uvicorn raises the signal again when it is done."""


@dataclass
class Told:
    """What has arrived of one run, and what was logged meanwhile."""

    received: Receiver
    tenant: int = 0
    connector: int = 0
    run: int = 0
    logs: dict[str, str] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)

    def lines(self, of: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.logs[of].splitlines()]

    @property
    def slices(self) -> list[Span]:
        """Those of the run."""
        return [
            one
            for one in self.received.of("connector-worker")
            if one.facts.get("run") == self.run and one.kind == CONSUMER
        ]

    def below(self, above: Span) -> list[Span]:
        return [one for one in self.received.spans if one.parent_id == above.span_id]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("traces")
    with receiver() as received:
        found = Told(received)
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": received.address, "LOG_FORMAT": "json"}
        headers = {"OTEL_EXPORTER_OTLP_HEADERS": "x-collector=hello"}
        with service(folder, **settings, **headers) as played:
            played.open_door()
            worker = played.start_worker()
            found.tenant, found.connector = played.tenant_id, played.connect()
            run = played.run(found.connector, **HEADERS)
            assert run["state"] in {"completed", "completed_with_errors"}, run
            found.run = run["id"]
            played.door.get("/v1/connectors?limit=1&search=canary-in-the-query")
            played.door.get("/overview/open?key=canary-key-of-a-link")
            # At once: what is not sent by then goes out at the end.
            for name, one in (("worker", worker), ("api", played.processes["api"])):
                code, seconds = one.ends()
                assert code in ENDED_BY_THE_SIGNAL
                assert seconds < 15
                found.logs[name] = one.said
        found.headers = received.headers
        yield found


def test_a_slice_is_a_trace_of_its_own_with_its_facts(told: Told) -> None:
    assert told.slices
    for one in told.slices:
        assert (one.name, one.parent_id) == ("slice", "")
        assert (one.facts["tenant"], one.facts["connector"]) == (told.tenant, told.connector)
        assert one.facts["slice"] >= 1
        assert one.facts["phase"] in {"preparation", "synchronization"}
        assert one.facts["reason"]
    assert told.slices[-1].facts["reason"] == "work_done"


def test_every_step_of_the_run_has_a_span_within_a_slice(told: Told) -> None:
    steps = [one for part in told.slices for one in told.below(part) if one.name.startswith("step ")]
    assert {one.facts["step"] for one in steps} == set(sequence.SEQUENCE)
    assert {one.facts["step"]: one.facts["phase"] for one in steps} == dict(sequence.PHASES)
    for part in told.slices:
        assert all(part.began <= one.began <= one.ended <= part.ended for one in told.below(part))


def test_every_call_has_a_span_within_its_step(told: Told) -> None:
    steps = {one.span_id: one for part in told.slices for one in told.below(part)}
    calls = [one for one in told.received.of("connector-worker") if one.kind == CLIENT]
    assert calls
    assert {one.parent_id for one in calls} <= set(steps)
    found = {
        (
            steps[one.parent_id].facts["step"],
            one.facts["peer.service"],
            one.name,
            one.facts["http.response.status_code"],
        )
        for one in calls
    }
    assert ("read_source", "source", "POST /", 200) in found
    assert ("read_store", "store", "GET /v3/channels", 200) in found
    assert ("send", "store", "POST /v3/catalog/trees/categories", 201) in found or "send" in {one[0] for one in found}
    for one in calls:
        assert one.name == f"{one.facts['http.request.method']} {one.facts['url.template']}"
        assert not any(letter.isdigit() for letter in one.facts["url.template"].replace("/v2/", "").replace("/v3/", ""))


def test_a_request_has_a_span_in_the_trace_of_whoever_asked(told: Told) -> None:
    [asked] = [one for one in told.received.spans if one.trace_id == OF_THE_CALLER]
    assert (asked.service, asked.kind, asked.parent_id) == ("connector-api", SERVER, "00f067aa0ba902b7")
    assert asked.name == "POST /v1/connectors/{connector_id}/runs"
    assert asked.facts["http.response.status_code"] == 202
    assert asked.facts["tenant"] == told.tenant


def test_log_lines_lead_to_their_spans(told: Told) -> None:
    [line] = [one for one in told.lines("api") if one.get("request") == "with-a-trace"]
    assert line["trace_id"] == OF_THE_CALLER
    ended = [one for one in told.lines("worker") if one["event"] == "slice ended" and one["run"] == told.run]
    assert {(one["trace_id"], one["span_id"]) for one in ended} == {(one.trace_id, one.span_id) for one in told.slices}


def test_no_secret_and_no_query_is_in_any_span(told: Told) -> None:
    sent = b"".join(told.received.bodies)
    assert len(sent) > 1000
    for secret in (SOURCE, TOKEN, "canary", "key256", "search="):
        assert secret.encode() not in sent


def test_the_variables_of_the_library_count(told: Told) -> None:
    assert {one.get("x-collector") for one in told.headers} == {"hello"}


def test_without_an_endpoint_no_line_has_a_trace_and_the_library_is_not_loaded(tmp_path: Path) -> None:
    with service(tmp_path, LOG_FORMAT="json", OTEL_EXPORTER_OTLP_ENDPOINT="") as played:
        door, worker = played.open_door(), played.start_worker()
        played.run(played.connect())
        for one in (door, worker):
            maps = Path(f"/proc/{one.running.pid}/maps")
            assert not maps.exists() or "google/_upb" not in maps.read_text(), "protobuf comes with the exporter"
            one.ends()
            assert "trace_id" not in one.said


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port where nobody answers: connections are taken by the system, and nothing is read."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        yield int(silent.getsockname()[1])


@pytest.mark.parametrize("how", ["refuses", "is silent"])
def test_a_collector_that_is_away_slows_nothing_and_is_told_seldom(tmp_path: Path, dead_port: int, how: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = int(probe.getsockname()[1])
    at = f"http://127.0.0.1:{dead_port if how == 'is silent' else nobody}"
    settings = {"LOG_FORMAT": "json", "OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_BSP_MAX_QUEUE_SIZE": "64"}
    settings["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"] = "16"
    with service(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=at, **settings) as played:
        door, worker = played.open_door(), played.start_worker()
        run = played.run(played.connect())
        assert run["state"] in {"completed", "completed_with_errors"}
        assert run["seconds"] < 20
        began = time.monotonic()
        for _ in range(100):
            assert played.door.get("/v1/connectors").status_code == 200
        assert time.monotonic() - began < 20
        until(lambda: "Failed to export" in door.said, seconds=30)
        for one in (door, worker):
            code, seconds = one.ends()
            assert code in ENDED_BY_THE_SIGNAL
            assert seconds < 12, "an end waits for some seconds at most"
            exporters = [
                line for line in map(json.loads, one.said.splitlines()) if "opentelemetry" in line.get("logger", "")
            ]
            assert len(exporters) <= 2
