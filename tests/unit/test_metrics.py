"""What is counted of calls and quotas, and that no label grows without bound."""

from __future__ import annotations

import fakeredis
import httpx
import pytest
from prometheus_client.metrics import MetricWrapperBase

from sandbox.bigcommerce.routing import TABLE
from worker.bigcommerce.client import Client as StoreClient
from worker.bigcommerce.endpoints import ENDPOINTS, OTHER, endpoint
from worker.bigcommerce.quota import Quota
from worker.errors import WorkerError
from worker.metrics import calls, quota
from worker.metrics.quota import Shown
from worker.saleslayer import client as sources

STORE = "unit-store"
LIMITS = {
    "x-rate-limit-time-window-ms": "30000",
    "x-rate-limit-requests-quota": "150",
    "x-rate-limit-requests-left": "149",
    "x-rate-limit-time-reset-ms": "29000",
}
Step = httpx.Response | Exception


def told(metric: MetricWrapperBase, **labels: str) -> dict[tuple[str, ...], float]:
    """The samples with these labels: values of the other labels -> value."""
    return {
        tuple(value for name, value in sorted(sample.labels.items()) if name not in labels): sample.value
        for family in metric.collect()
        for sample in family.samples
        if labels.items() <= sample.labels.items() and not sample.name.endswith("_created")
    }


def a_store(*script: Step, store_hash: str = STORE) -> StoreClient:
    steps = list(script)

    def answer(_request: httpx.Request) -> httpx.Response:
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step.status_code, headers={**LIMITS, **dict(step.headers)}, json={"data": []})

    return StoreClient(
        base_url="https://store.test", store_hash=store_hash, token="t", transport=httpx.MockTransport(answer),
        quota=Quota(fakeredis.FakeRedis(), store_hash=store_hash), sleep=lambda _seconds: None,
    )  # fmt: skip


# ---- endpoints


def test_every_endpoint_of_ours_is_one_that_the_store_has() -> None:
    assert set(TABLE) >= ENDPOINTS


@pytest.mark.parametrize(("path", "name"), [
    ("/v2/store", "/v2/store"),
    ("/v3/catalog/products/77", "/v3/catalog/products/{id}"),
    ("/v3/catalog/products/77/variants/123456789", "/v3/catalog/products/{id}/variants/{id}"),
    ("/v3/catalog/products/channel-assignments", "/v3/catalog/products/channel-assignments"),
    ("/v3/catalog/products/a-name-that-a-store-made-up", OTHER),
    ("/v3/catalog/products/7e0/variants/1", OTHER),
    ("/v3/secret/7", OTHER),
    ("", OTHER),
])  # fmt: skip
def test_an_endpoint_is_a_path_without_its_numbers_and_nothing_else(path: str, name: str) -> None:
    assert endpoint(path) == name


# ---- calls


@pytest.mark.parametrize(("step", "status"), [
    (httpx.Response(503), "503"),
    (httpx.Response(423), "423"),
    (httpx.Response(777), "other"),
    (httpx.ReadTimeout("slow"), "timeout"),
    (httpx.ConnectError("no"), "connection"),
    (httpx.ConnectTimeout("no"), "connection"),
    (httpx.RemoteProtocolError("cut"), "connection"),
])  # fmt: skip
def test_a_call_to_a_store_is_counted_by_how_it_ended_and_so_is_its_repetition(step: Step, status: str) -> None:
    at = {"neighbour": "store", "method": "GET", "endpoint": "/v3/catalog/summary", "status": status}
    before, again = told(calls.CALLS, **at), told(calls.RETRIES, neighbour="store")
    client = a_store(step, httpx.Response(200))
    client.get("/v3/catalog/summary")
    client.close()
    assert told(calls.CALLS, **at)[()] == before.get((), 0) + 1
    assert told(calls.RETRIES, neighbour="store")[status,] == again.get((status,), 0) + 1


def test_a_refusal_is_counted_and_not_repeated() -> None:
    at = {"neighbour": "store", "method": "POST", "endpoint": "/v3/catalog/products", "status": "409"}
    before, again = told(calls.CALLS, **at), told(calls.RETRIES)
    client = a_store(httpx.Response(409))
    with pytest.raises(WorkerError):
        client.post("/v3/catalog/products", {})
    client.close()
    assert told(calls.CALLS, **at)[()] == before.get((), 0) + 1
    assert told(calls.RETRIES) == again


def test_a_call_to_a_source_is_counted_by_what_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LONGEST_PAUSE", 0.1)
    steps: list[Step] = [
        httpx.ConnectError("no"),
        httpx.Response(200, json={"error": 3}),
        httpx.Response(200, json={"action": "testing"}),
    ]

    def answer(_request: httpx.Request) -> httpx.Response:
        step = steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    at = {"neighbour": "source", "method": "GET", "endpoint": "test"}
    before, again = told(calls.CALLS, **at), told(calls.RETRIES, neighbour="source")
    sources.Client(base_url="https://pim.test", code="c", secret="s", transport=httpx.MockTransport(answer)).check()
    after = told(calls.CALLS, **at)
    assert {status: after[status] - before.get(status, 0) for status in after if status[0] in {"200", "connection"}
            and after[status] != before.get(status, 0)} == {("200",): 2, ("connection",): 1}  # fmt: skip
    for reason in ("connection", "error_3"):
        assert told(calls.RETRIES, neighbour="source")[reason,] == again.get((reason,), 0) + 1


# ---- the quota


def test_a_store_is_shown_from_its_first_answer_until_its_client_is_closed() -> None:
    client = a_store(httpx.Response(200))
    assert told(quota.LEFT, store=STORE) == {}
    client.get("/v2/store")
    assert [told(gauge, store=STORE) for gauge in quota.METRICS] == [{(): 149}, {(): 150}, {(): 30}]
    client.close()
    assert [told(gauge, store=STORE) for gauge in quota.METRICS] == [{}, {}, {}]


def test_the_last_client_of_a_store_takes_it_away_and_what_comes_late_does_not_bring_it_back() -> None:
    one, other = Shown("shared"), Shown("shared")
    for shown in (one, other):
        shown.told(left=1, quota=2, window_ms=3000)
    one.forget()
    one.forget()
    one.told(left=9, quota=9, window_ms=9000)
    assert told(quota.LEFT, store="shared") == {(): 1}
    other.forget()
    assert told(quota.LEFT, store="shared") == {}


def test_a_client_that_was_told_nothing_takes_nothing_away() -> None:
    shown = Shown("seen")
    shown.told(left=1, quota=2, window_ms=3000)
    Shown("seen").forget()
    assert told(quota.LEFT, store="seen") == {(): 1}
    shown.forget()
