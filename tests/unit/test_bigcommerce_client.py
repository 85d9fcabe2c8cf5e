"""What the client does with each kind of answer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import fakeredis
import httpx
import pytest

from worker.bigcommerce.answer import LONGEST_TITLE, read
from worker.bigcommerce.client import Client, Stopping
from worker.bigcommerce.quota import Quota
from worker.errors import (
    AnswerLost,
    CredentialsRefused,
    QuotaSpent,
    RefusedByStore,
    ScopeMissing,
    StoreGone,
    StoreUnwell,
    WorkerError,
)

TOKEN = "tok3n-of-the-store"
PATH = "/v3/catalog/products"
LIMITS = {
    "x-rate-limit-time-window-ms": "30000",
    "x-rate-limit-requests-quota": "7000000",
    "x-rate-limit-requests-left": "6999000",
    "x-rate-limit-time-reset-ms": "29000",
}
Step = httpx.Response | Exception


class Play:
    """A store that gives the answers of a script, the last one for ever, in virtual time."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []
        self.now = 1_000_000.0
        self.slept: list[float] = []
        self.quota = Quota(fakeredis.FakeRedis(), store_hash="abc", clock=lambda: self.now)
        self.client = self.open(self.answer)

    def open(self, handler: Callable[[httpx.Request], httpx.Response]) -> Client:
        """A client of this store."""
        return Client(
            base_url="https://api.example.com/",
            store_hash="abc",
            token=TOKEN,
            quota=self.quota,
            transport=httpx.MockTransport(handler),
            sleep=self.sleep,
        )

    def sleep(self, seconds: float) -> None:
        """Time passes at once."""
        self.slept.append(seconds)
        self.now += seconds

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The next line of the script."""
        self.requests.append(request)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step.status_code, headers={**LIMITS, **dict(step.headers)}, content=step.content)


def ok(data: Any = None) -> httpx.Response:
    return httpx.Response(200, json={"data": data, "meta": {}})


def says(status: int, body: Any = None, **headers: str) -> httpx.Response:
    content = body if isinstance(body, str) else json.dumps(body or {})
    return httpx.Response(status, content=content, headers={name.replace("_", "-"): v for name, v in headers.items()})


def test_a_call_carries_token_agent_path_and_compact_body() -> None:
    play = Play(ok({"id": 7}))
    play.client.put(PATH, {"price": Decimal("19.90"), "sort_order": Decimal(3)}, params={"include_fields": "id"})
    request = play.requests[0]
    assert str(request.url) == "https://api.example.com/stores/abc/v3/catalog/products?include_fields=id"
    assert request.headers["X-Auth-Token"] == TOKEN
    assert request.headers["User-Agent"].startswith("saleslayer-bigcommerce")
    assert request.headers["Content-Type"] == "application/json"
    assert request.content == b'{"price":19.9,"sort_order":3}'


def test_a_body_that_is_no_json_is_a_bug_and_is_not_sent() -> None:
    play = Play(ok())
    with pytest.raises(TypeError, match="set is no JSON"):
        play.client.put(PATH, {"ids": {1, 2}})
    assert play.requests == []


def test_an_answer_has_data_meta_and_decimals() -> None:
    answer = Play(says(200, '{"data":[{"price":10.10}],"meta":{"pagination":{"total":1}}}')).client.get(PATH)
    assert answer.data == [{"price": Decimal("10.10")}]
    assert answer.meta == {"pagination": {"total": 1}}
    assert (answer.status, answer.errors, answer.title) == (200, {}, "")


def test_an_answer_without_envelope_is_all_data_and_an_empty_one_is_none() -> None:
    assert Play(says(200, {"id": "abc", "plan_level": "Pro"})).client.get("/v2/store").data["plan_level"] == "Pro"
    assert Play(httpx.Response(204)).client.delete(f"{PATH}/7").data is None


def test_letters_that_no_database_takes_are_left_out_of_what_a_store_says() -> None:
    said = read(422, '{"title": "bad\\u0000 name", "errors": {"na\\u0000me": "no \\ud800 \\ud83d\\ude00"}}')
    assert (said.title, said.errors) == ("bad name", {"name": "no ? \U0001f600"})
    assert read(500, "plain \0text").title == "plain text"
    assert read(200, '{"data": [{"name": "a\\u0000b"}]}').data == [{"name": "ab"}]


def test_a_207_is_an_answer_that_says_what_was_not_saved() -> None:
    said = {"data": {"id": 7}, "errors": {"custom_url": "is taken"}, "meta": {}}
    answer = Play(says(207, said)).client.post(PATH, {})
    assert (answer.status, answer.data, answer.errors) == (207, {"id": 7}, {"custom_url": "is taken"})


@pytest.mark.parametrize(
    ("said", "title", "errors"),
    [
        ({"status": 409, "title": "Dup", "errors": {"name": "is taken"}}, "Dup", {"name": "is taken"}),
        ({"status": 409, "title": "Dup", "errors": {}}, "Dup", {}),
        ({"title": "T", "errors": ["one", "two"]}, "T", {"0": "one; two"}),
        ({"title": "T", "errors": {"name": ["a", "b"], "url": {"path": "c"}}}, "T", {"name": "a; b", "url.path": "c"}),
        (
            {"errors": {"status": 422, "title": "JSON", "errors": {"1.url": "empty"}}, "meta": {"failed": 1}},
            "JSON",
            {"1.url": "empty"},
        ),
        (
            {"batch_errors": [{"status": 422, "title": "Sku", "type": "x", "errors": {"sku": "not unique"}}]},
            "Sku",
            {"0.sku": "not unique"},
        ),
        ({"batch_errors": [{"data": {"id": 1}, "field_errors": {"price": "low"}}]}, "Conflict", {"0.price": "low"}),
        ([{"status": 404, "message": "Not here."}], "Not here.", {"0": "Not here."}),
        ({"title": "T", "errors": {"title": "too long", "message": "too short"}}, "T", {"title": "too long"}),
        ("Bad  request,\n sorry", "Bad request, sorry", {}),
        ("", "Conflict", {}),
        ("[]", "Conflict", {}),
        ("null", "Conflict", {}),
    ],
)
def test_a_refusal_is_read_in_any_shape(said: Any, title: str, errors: dict[str, str]) -> None:
    answer = read(409, said if isinstance(said, str) else json.dumps(said), "Conflict")
    assert answer.title == title
    assert errors.items() <= answer.errors.items()
    assert bool(errors) == bool(answer.errors)


@pytest.mark.parametrize("status", [400, 404, 405, 409, 413, 422, 501, 505, 507])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_refusal_is_raised_at_once_with_its_reasons(method: str, status: int) -> None:
    play = Play(says(status, {"title": "No", "errors": {"sku": "is taken"}}))
    with pytest.raises(RefusedByStore) as refusal:
        play.client.get(PATH) if method == "get" else play.client.post(PATH, {})
    assert (refusal.value.status, refusal.value.title, refusal.value.errors) == (status, "No", {"sku": "is taken"})
    assert '"sku"' in refusal.value.body
    assert play.client.calls == 1


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (says(401, "Unauthorized"), CredentialsRefused),
        (says(403, {"title": "You don't have a required scope to access the endpoint"}), ScopeMissing),
        (says(403, {"title": "The limit of brands is reached"}), RefusedByStore),
        (says(301, "", Location="https://elsewhere"), StoreGone),
        (says(200, "<html>maintenance</html>"), StoreUnwell),
    ],
)
def test_what_stops_more_than_an_item_says_so(answer: httpx.Response, trouble: type[WorkerError]) -> None:
    play = Play(answer)
    with pytest.raises(trouble):
        play.client.get(PATH)
    assert play.client.calls == 1


def test_a_missing_scope_names_the_call() -> None:
    play = Play(says(403, {"title": "You don't have a required scope to access the endpoint"}))
    with pytest.raises(ScopeMissing, match="GET /v3/channels"):
        play.client.get("/v3/channels")


LOST: list[Step] = [
    httpx.ReadTimeout("late"),
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.RemoteProtocolError("closed"),
    says(408),
    says(500),
    says(503, "busy"),
]
NOT_SENT: list[Step] = [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.PoolTimeout("full")]


@pytest.mark.parametrize("lost", LOST, ids=repr)
def test_a_create_whose_answer_is_lost_is_not_repeated(lost: Step) -> None:
    play = Play(lost, ok())
    with pytest.raises(AnswerLost):
        play.client.post(PATH, {})
    assert play.client.calls == 1


def test_a_create_answered_with_something_unreadable_may_have_acted() -> None:
    with pytest.raises(AnswerLost):
        Play(says(200, "<html>")).client.post(PATH, {})


@pytest.mark.parametrize("lost", [*LOST, *NOT_SENT], ids=repr)
@pytest.mark.parametrize("method", ["get", "put", "delete", "post"])
def test_what_may_be_repeated_is_repeated(method: str, lost: Step) -> None:
    play = Play(lost, lost, lost, ok("done"))
    client = play.client
    calls: dict[str, Callable[[], Any]] = {
        "get": lambda: client.get(PATH),
        "put": lambda: client.put(PATH, {}),
        "delete": lambda: client.delete(PATH),
        "post": lambda: client.post(PATH, {}, repeatable=True),
    }
    assert calls[method]().data == "done"
    assert len(play.requests) == 4


@pytest.mark.parametrize("step", NOT_SENT, ids=repr)
def test_a_create_that_never_left_is_sent_again_and_counted_once(step: Step) -> None:
    play = Play(step, ok("made"))
    assert play.client.post(PATH, {}).data == "made"
    assert play.client.calls == 1


def test_after_four_tries_the_store_is_unwell() -> None:
    play = Play(says(502))
    with pytest.raises(StoreUnwell) as trouble:
        play.client.get(PATH)
    assert trouble.value.is_failure
    assert trouble.value.retry_after == 0, "the store has said nothing of when"
    assert play.client.calls == 4
    assert sum(play.slept) <= (0.5 + 1 + 2) + 0.3 + 1.1  # back-off, the little more, and the first calls' pace
    assert max(play.slept) <= 0.25


def test_a_repeated_delete_that_finds_nothing_is_done_but_a_first_one_is_refused() -> None:
    gone = says(404, {"title": "not found"})
    assert Play(httpx.ReadTimeout("late"), gone).client.delete(f"{PATH}/7").status == 404
    for steps in ([gone], [httpx.ConnectError("no"), gone]):
        with pytest.raises(RefusedByStore):
            Play(*steps).client.delete(f"{PATH}/7")


def test_a_call_turned_away_waits_as_told_and_is_sent_again() -> None:
    spent = {"X-Rate-Limit-Requests-Left": "0", "X-Rate-Limit-Time-Reset-Ms": "4000", "X-Retry-After": "6"}
    play = Play(httpx.Response(429, headers=spent), ok("made"))
    began = play.now
    assert play.client.post(PATH, {}).data == "made"
    assert 6 <= play.now - began <= 7.5
    assert play.client.calls == 2


def test_a_store_that_always_turns_away_is_unwell_in_the_end() -> None:
    play = Play(says(429, X_Retry_After="1"))
    with pytest.raises(StoreUnwell):
        play.client.post(PATH, {})
    assert play.client.calls == 10


def test_impatience_is_told_how_long_the_quota_needs() -> None:
    play = Play(httpx.Response(200, headers={"X-Rate-Limit-Requests-Left": "0"}), ok())
    play.client.get(PATH)
    asked: list[float] = []

    def no_patience(seconds: float) -> bool:
        asked.append(seconds)
        return False

    play.client.patience = no_patience
    with pytest.raises(QuotaSpent) as spent:
        play.client.get(PATH)
    assert spent.value.retry_after == asked[0] == pytest.approx(29.1, abs=0.2)
    assert play.client.calls == 1


def test_a_stopped_client_sends_nothing() -> None:
    play = Play(ok())
    play.client.stop.set()
    with pytest.raises(Stopping):
        play.client.get(PATH)
    assert play.requests == []


def test_a_thread_that_waits_notices_the_stop_within_a_quarter_second() -> None:
    play = Play(httpx.Response(200, headers={"X-Rate-Limit-Requests-Left": "0"}), ok())
    play.client.get(PATH)

    def stop_meanwhile(_seconds: float) -> bool:
        play.client.stop.set()
        return True

    play.client.patience = stop_meanwhile
    with pytest.raises(Stopping):
        play.client.get(PATH)
    assert sum(play.slept) <= 0.25


def test_a_stop_during_a_long_wait_is_noticed_at_the_next_short_sleep() -> None:
    play = Play(httpx.Response(200, headers={"X-Rate-Limit-Requests-Left": "0"}), ok())
    play.client.get(PATH)
    stop_at = play.now + 3
    play.client.patience = lambda _seconds: True
    sleep = play.sleep

    def sleep_and_stop(seconds: float) -> None:
        sleep(seconds)
        if play.now >= stop_at:
            play.client.stop.set()

    play.client._sleep = sleep_and_stop
    with pytest.raises(Stopping):
        play.client.get(PATH)
    assert play.now <= stop_at + 0.25


def test_an_update_that_may_have_acted_is_never_said_not_to_have_been_sent() -> None:
    play = Play(httpx.ReadTimeout("late"), ok())

    def answer(request: httpx.Request) -> httpx.Response:
        client.stop.set()
        return play.answer(request)

    client = play.open(answer)
    with pytest.raises(StoreUnwell) as trouble:
        client.put(PATH, {})
    assert not trouble.value.is_failure, "it is our own haste"


@pytest.mark.parametrize("step", [*LOST[:1], says(401, TOKEN), says(422, {"title": TOKEN}), says(500, TOKEN)], ids=repr)
def test_the_token_is_in_no_text(step: Step) -> None:
    play = Play(step)
    assert TOKEN not in repr(play.client)
    with pytest.raises(WorkerError) as trouble:
        play.client.get(PATH)
    assert TOKEN not in f"{trouble.value!r} {trouble.value} {vars(trouble.value)}"


def test_many_threads_share_one_client() -> None:
    play = Play(ok())
    play.client.get(PATH)
    most, here = 0, 0
    lock = threading.Lock()
    together = threading.Barrier(16, timeout=10)

    def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal most, here
        with lock:
            here += 1
            most = max(most, here)
        if client.answers:
            together.wait()
        with lock:
            here -= 1
        return httpx.Response(200, json={"data": []}, headers=LIMITS)

    client = play.open(answer)
    client.get(PATH)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: client.get(PATH), range(64)))
    assert client.calls == 65
    assert most == 16


def test_the_latency_follows_what_is_measured() -> None:
    play = Play(ok())
    for _ in range(60):
        play.client.get(PATH)
    assert play.client.latency < 0.5


def test_until_the_store_has_answered_calls_go_one_at_a_time() -> None:
    play = Play(ok())
    most, here = 0, 0
    lock = threading.Lock()

    def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal most, here
        with lock:
            here += 1
            most = max(most, here)
        time.sleep(0.02)
        with lock:
            here -= 1
        return httpx.Response(500, headers=LIMITS)

    client = play.open(answer)
    with ThreadPoolExecutor(8) as pool:
        troubles = [future.exception() for future in [pool.submit(client.get, PATH) for _ in range(8)]]
    assert most == 1
    assert all(isinstance(trouble, StoreUnwell) for trouble in troubles)


def test_after_the_first_refused_token_no_thread_sends_another_call() -> None:
    play = Play(ok())
    together = threading.Barrier(4, timeout=10)

    def answer(_request: httpx.Request) -> httpx.Response:
        if not client.answers:
            return httpx.Response(200, json={"data": []}, headers=LIMITS)
        together.wait()
        return httpx.Response(401, headers=LIMITS)

    client = play.open(answer)
    client.get(PATH)
    with ThreadPoolExecutor(4) as pool:
        troubles = [future.exception() for future in [pool.submit(client.get, PATH) for _ in range(40)]]
    assert client.calls == 1 + 4, "those that were in the air with the first"
    assert sum(isinstance(trouble, CredentialsRefused) for trouble in troubles) == 4
    assert sum(isinstance(trouble, Stopping) for trouble in troubles) == 36


def test_our_own_pace_parks_nobody() -> None:
    play = Play(httpx.Response(200, headers={"X-Rate-Limit-Requests-Quota": "7", "X-Rate-Limit-Requests-Left": "6"}))
    play.client.patience = lambda _seconds: False
    began = play.now
    for _ in range(6):
        play.client.get(PATH)
    assert play.now - began > 3


def test_threads_ask_for_leave_one_after_the_other() -> None:
    play = Play(ok())
    play.client.get(PATH)
    most, asking = 0, 0
    ask = play.quota.ask

    def watched() -> Any:
        nonlocal most, asking
        asking += 1
        most = max(most, asking)
        time.sleep(0.005)
        unit = ask()
        asking -= 1
        return unit

    play.quota.ask = watched  # type: ignore[method-assign]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: play.client.get(PATH), range(16)))
    assert most == 1


def test_a_token_that_stands_where_a_text_is_cut_is_hidden_too() -> None:
    play = Play(says(422, {"title": "y" * (LONGEST_TITLE - len(TOKEN) // 2) + TOKEN, "errors": {}}))
    with pytest.raises(RefusedByStore) as caught:
        play.client.get(PATH)
    assert TOKEN[:4] not in f"{caught.value}{caught.value.body}"
