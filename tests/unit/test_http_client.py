"""A neighbour's answer is freed when nobody holds it any more, and its cookies are not kept."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from worker.http_client import Client

WORKER = Path(__file__).parents[2] / "worker"
BODY = b"a page of a store" * 1000


@pytest.fixture(autouse=True)
def _without_a_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def answering(request: httpx.Request) -> httpx.Response:
    """As a server answers: in parts, which are read from the line."""
    return httpx.Response(200, content=iter([BODY[:100], BODY[100:]]), request=request)


def gone_after(client: httpx.Client) -> bool:
    answer = client.get("https://store.example/")
    assert answer.content == BODY
    held = weakref.ref(answer)
    del answer
    return held() is None


def test_an_answer_is_freed_when_nobody_holds_it() -> None:
    with Client(transport=httpx.MockTransport(answering)) as client:
        assert gone_after(client)


def test_httpx_s_own_answer_is_not() -> None:
    """Where this fails, httpx frees its answers by itself, and the class has no reason any more."""
    with httpx.Client(transport=httpx.MockTransport(answering)) as client:
        assert not gone_after(client)


def test_nobody_in_the_worker_calls_by_httpx_s_own() -> None:
    found = [path.name for path in WORKER.rglob("*.py") if "httpx.Client(" in path.read_text("utf-8")]
    assert found == []


def test_an_answer_that_is_read_in_parts_is_whole() -> None:
    with (
        Client(transport=httpx.MockTransport(answering)) as client,
        client.stream("GET", "https://store.example/") as it,
    ):
        assert b"".join(it.iter_bytes()) == BODY


def test_a_cookie_is_not_sent_back() -> None:
    heard = []

    def baking(request: httpx.Request) -> httpx.Response:
        heard.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"Set-Cookie": "known=1"}, request=request)

    with Client(transport=httpx.MockTransport(baking)) as client:
        for _ in range(2):
            assert client.get("https://store.example/").status_code == 200
    with httpx.Client(transport=httpx.MockTransport(baking)) as theirs:
        for _ in range(2):
            theirs.get("https://store.example/")
    assert heard == [None, None, None, "known=1"]
