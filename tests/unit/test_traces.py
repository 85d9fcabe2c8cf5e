"""Spans where somebody listens, nothing where nobody does; endpoints without ids."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from opentelemetry.trace import INVALID_SPAN

from tests.receiver import Receiver, receiver
from worker import traces
from worker.scheduling.pool import Pool
from worker.settings import Settings

ERROR = 2


def test_where_no_endpoint_is_set_nothing_is_made() -> None:
    traces.configure(Settings(otel_exporter_otlp_endpoint=""), service="test")
    with traces.slice_(1, 7, 3) as outer, traces.call("store", "GET", "/v2/store") as inner:
        traces.heard(200)
        traces.again("500")
        traces.note(run=4)
    assert outer is inner is INVALID_SPAN


def test_where_no_endpoint_is_set_the_library_is_not_loaded() -> None:
    asked = "import sys, worker.tasks, api.main; sys.exit('opentelemetry.sdk.trace' in sys.modules)"
    known = subprocess.run([sys.executable, "-c", asked], cwd=Path(__file__).parents[2], check=False)  # noqa: S603
    assert known.returncode == 0


@pytest.fixture
def received() -> Iterator[Receiver]:
    """A receiver that gets this process's spans when it closes."""
    with receiver() as opened:
        traces.configure(Settings(otel_exporter_otlp_endpoint=opened.address), service="test")
        yield opened
        traces.close()


def test_the_spans_of_calls_hang_on_what_asked_for_them_in_whichever_thread(received: Receiver) -> None:
    def call() -> None:
        with traces.call("store", "PUT", "/v3/catalog/products"):
            traces.again("503")
            traces.again("time-out")
            traces.heard(200)

    with Pool(2) as pool, traces.slice_(1, 7, 3), traces.step("send", phase="synchronization", run=4):
        pool.submit(call).result()
    traces.close()
    found = {one.name: one for one in received.spans}
    asked = found["PUT /v3/catalog/products"]
    assert asked.parent_id == found["step send"].span_id
    assert found["step send"].parent_id == found["slice"].span_id
    assert (asked.facts["http.response.status_code"], asked.facts["http.request.resend_count"]) == (200, 2)
    assert asked.events == ("not answered", "not answered")


def test_of_an_error_its_name_alone_is_sent(received: Receiver) -> None:
    with suppress(ValueError), traces.call("source", "GET", "/"):
        raise ValueError("canary")
    traces.close()
    [one] = received.spans
    assert one.status == (ERROR, "ValueError")
    assert b"canary" not in b"".join(received.bodies)
