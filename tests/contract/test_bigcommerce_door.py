"""The door of the simulated store: tokens, quota, faults, control, a real socket."""

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.bigcommerce.core import Sandbox
from sandbox.bigcommerce.transport import SandboxTransport

ROOT = Path(__file__).parents[2]
HOST = "https://api.bigcommerce.com"
PRODUCTS = "/stores/abc/v3/catalog/products"
PRODUCT = {"name": "Shirt", "type": "physical", "weight": 1, "price": 10}


class Clock:
    """A time that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        """The time that it is."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """The time moves on."""
        self.now += seconds


def a_client(clock: Clock, *, opens_stores: bool = True, **settings: Any) -> httpx.Client:
    sandbox = Sandbox(clock, opens_stores=opens_stores, **settings)
    return httpx.Client(
        transport=SandboxTransport(sandbox, clock.sleep), base_url=HOST, headers={"X-Auth-Token": "first"}
    )


def faulty(client: httpx.Client, **fault: Any) -> None:
    assert client.post("/_control/stores/abc/faults", json=fault).status_code == 200


def test_a_store_opens_for_the_first_token_and_knows_no_other() -> None:
    client = a_client(Clock())
    assert client.get("/stores/abc/v2/time").status_code == 200
    stranger = client.get("/stores/abc/v2/time", headers={"X-Auth-Token": "second"})
    assert (stranger.status_code, stranger.headers["content-type"]) == (401, "text/plain")
    assert client.get("/stores/other/v2/time", headers={"X-Auth-Token": "second"}).status_code == 200


def test_no_store_opens_by_itself_when_told_so() -> None:
    client = a_client(Clock(), opens_stores=False)
    assert client.get("/stores/abc/v2/time").status_code == 401
    client.put("/_control/stores/abc", json={"token": "first"})
    assert client.get("/stores/abc/v2/time").status_code == 200


ANSWERS = [
    ("GET", "/stores/abc/v3/catalog/products/", 404),
    ("GET", "/stores/abc/v3/catalog/nothing", 404),
    ("GET", "/elsewhere", 404),
    ("DELETE", "/stores/abc/v2/time", 405),
    ("GET", "/stores/abc/v3/catalog/products/999", 404),
    ("POST", "/stores/abc/v3/catalog/products", 415),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_what_is_not_there_is_not_answered_well(method: str, path: str, status: int) -> None:
    assert a_client(Clock()).request(method, path).status_code == status


def test_a_missing_scope_is_a_403_and_full_scopes_include_reading() -> None:
    client = a_client(Clock())
    client.put("/_control/stores/abc", json={"token": "first", "scopes": ["store_v2_information"]})
    assert client.get("/stores/abc/v2/time").status_code == 200
    answer = client.get(PRODUCTS)
    assert (answer.status_code, answer.json()["title"]) == (
        403,
        "You don't have a required scope to access the endpoint",
    )


def test_the_quota_counts_down_and_is_fresh_in_the_next_window() -> None:
    clock = Clock()
    client = a_client(clock, quota=3)
    left = [client.get("/stores/abc/v2/time").headers["x-rate-limit-requests-left"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    clock.sleep(10.5)
    refused = client.get("/stores/abc/v2/time")
    assert refused.status_code == 429
    assert refused.headers["x-rate-limit-time-reset-ms"] == "19500"
    assert refused.headers["x-rate-limit-time-window-ms"] == "30000"
    assert refused.headers["x-rate-limit-requests-quota"] == "3"
    assert refused.headers["x-retry-after"] == "20"
    clock.sleep(19.5)
    assert client.get("/stores/abc/v2/time").status_code == 200


@pytest.mark.parametrize(("plan", "quota"), [("Standard", "150"), ("Pro", "450"), ("Enterprise", "7000000")])
def test_the_quota_goes_by_the_plan(plan: str, quota: str) -> None:
    client = a_client(Clock(), plan=plan)
    assert client.get("/stores/abc/v2/time").headers["x-rate-limit-requests-quota"] == quota


def test_errors_carry_the_headers_of_the_quota_too() -> None:
    answer = a_client(Clock()).get("/stores/abc/v3/catalog/products/999")
    assert answer.headers["x-rate-limit-requests-left"] == "149"


def test_another_app_eats_from_the_same_quota() -> None:
    client = a_client(Clock(), quota=10)
    client.get("/stores/abc/v2/time")
    assert client.post("/_control/stores/abc/quota/eat", json={"units": 8}).json() == {"left": 1}
    assert client.get("/stores/abc/v2/time").status_code == 200
    assert client.get("/stores/abc/v2/time").status_code == 429


def test_a_lost_answer_was_acted_upon_and_the_repeat_is_a_duplicate() -> None:
    client = a_client(Clock())
    client.get("/stores/abc/v2/time")
    faulty(client, action="drop_after_commit", match={"method": "POST", "path": "/catalog/products$", "nth": 1})
    with pytest.raises(httpx.ReadError):
        client.post(PRODUCTS, json=PRODUCT)
    assert client.post(PRODUCTS, json=PRODUCT).status_code == 409
    log = client.get("/_control/stores/abc/log").json()
    assert (log["counters"]["dropped"], log["counters"]["created"]["products"]) == (1, 1)


FAULTS = [
    # (fault, status of the answer, headers of the quota, products afterwards)
    ({"action": "status_before", "status": 502}, 502, True, 0),
    ({"action": "status_after", "status": 504}, 504, True, 1),
    ({"action": "429"}, 429, True, 0),
    ({"action": "429", "headers": False}, 429, False, 0),
    ({"action": "partial", "what": "inventory"}, 207, True, 1),
    ({"action": "slow", "seconds": 5}, 200, True, 1),
]


@pytest.mark.parametrize(("fault", "status", "headers", "products"), FAULTS)
def test_a_fault_strikes_once_before_or_after_the_work(
    fault: dict[str, Any], status: int, headers: bool, products: int
) -> None:
    client = a_client(Clock())
    client.get("/stores/abc/v2/time")
    faulty(client, match={"path": "products", "times": 1}, **fault)
    answer = client.post(PRODUCTS, json=PRODUCT)
    assert answer.status_code == status
    assert ("x-rate-limit-requests-left" in answer.headers) is headers
    assert len(client.get(PRODUCTS).json()["data"]) == products


def test_a_request_that_never_arrived_left_nothing() -> None:
    client = a_client(Clock())
    client.get("/stores/abc/v2/time")
    faulty(client, action="drop_before", match={"method": "POST", "times": 1})
    with pytest.raises(httpx.ReadError):
        client.post(PRODUCTS, json=PRODUCT)
    assert client.get("/_control/stores/abc/log").json()["counters"]["by_status"] == {"0": 1, "200": 1}
    assert client.post(PRODUCTS, json=PRODUCT).status_code == 200


def test_a_slow_answer_outlasts_an_impatient_caller_and_the_work_is_done() -> None:
    clock = Clock()
    client = a_client(clock, latency=2)
    start = clock.now
    with pytest.raises(httpx.ReadTimeout):
        client.post(PRODUCTS, json=PRODUCT, timeout=1)
    assert clock.now == start + 1
    assert len(client.get(PRODUCTS).json()["data"]) == 1
    assert clock.now == start + 3


def test_a_fault_can_be_likely_late_and_taken_back() -> None:
    client = a_client(Clock())
    client.get("/stores/abc/v2/time")
    faulty(client, action="status_before", status=500, match={"path": "time", "nth": 2})
    assert [client.get("/stores/abc/v2/time").status_code for _ in range(3)] == [200, 500, 200]
    faulty(client, action="status_before", status=500, match={"path": "time", "probability": 0.5})
    answers = {client.get("/stores/abc/v2/time").status_code for _ in range(40)}
    assert answers == {200, 500}
    client.delete("/_control/stores/abc/faults")
    assert {client.get("/stores/abc/v2/time").status_code for _ in range(10)} == {200}


@pytest.mark.parametrize(
    ("path", "body"), [("", {"plan": "Gold"}), ("", {"colour": 1}), ("/faults", {"action": "explode"})]
)
def test_a_lever_that_does_not_exist_is_named(path: str, body: dict[str, Any]) -> None:
    client = a_client(Clock())
    client.get("/stores/abc/v2/time")
    answer = client.request("POST" if path else "PUT", f"/_control/stores/abc{path}", json=body)
    assert answer.status_code == 400
    assert "known:" in answer.json()["error"]


def test_the_log_tells_every_request_and_is_cleared() -> None:
    client = a_client(Clock())
    client.post(PRODUCTS, json=PRODUCT)
    client.get(f"{PRODUCTS}/112?include=variants")
    log = client.get("/_control/stores/abc/log?bodies=1").json()
    assert log["counters"]["by_route"] == {"GET /v3/catalog/products/{id}": 1, "POST /v3/catalog/products": 1}
    assert log["counters"]["writes"] == 1
    assert '"name":"Shirt"' in log["entries"][0]["body"]
    assert log["entries"][1]["query"] == [["include", "variants"]]
    client.delete("/_control/stores/abc/log")
    assert client.get("/_control/stores/abc/log").json()["counters"]["requests"] == 0


def test_a_removed_store_is_empty_when_it_opens_again() -> None:
    client = a_client(Clock())
    client.post(PRODUCTS, json=PRODUCT)
    client.delete("/_control/stores/abc")
    assert client.get("/_control/stores/abc").status_code == 404
    assert client.get(PRODUCTS).json()["data"] == []


@contextlib.contextmanager
def a_server(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "sandbox.bigcommerce", "--port", "0", *arguments]
    with subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            announced = re.fullmatch(r"listening (http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
            assert announced is not None
            yield announced.group(1), process
        finally:
            process.terminate()


def test_the_server_answers_many_slow_calls_at_once_drops_and_ends_when_told() -> None:
    with a_server("--latency", "0.5", "--plan", "Pro") as (address, process):
        limits = httpx.Limits(max_connections=48)
        with httpx.Client(base_url=address, headers={"X-Auth-Token": "t"}, limits=limits, timeout=20) as client:
            client.put("/_control/stores/abc", json={"token": "t"})
            start = time.monotonic()
            with ThreadPoolExecutor(48) as pool:
                bodies = [{**PRODUCT, "name": f"P{n}"} for n in range(48)]
                answers = list(pool.map(lambda body: client.post(PRODUCTS, json=body).status_code, bodies))
            assert answers == [200] * 48
            # One after the other they would take 24 seconds.
            assert 0.5 <= time.monotonic() - start < 10
            faulty(client, action="drop_after_commit", match={"method": "POST", "times": 1})
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                client.post(PRODUCTS, json=PRODUCT)
            assert client.get(PRODUCTS).json()["meta"]["pagination"]["total"] == 49
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) in {0, -signal.SIGTERM}
        assert process.stdout is not None
        assert process.stdout.read() == ""
