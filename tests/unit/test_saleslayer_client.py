"""What the client sends to the source, and what it makes of its answers."""

import logging
import traceback
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest

from worker.catalog.columns import Columns
from worker.errors import CredentialsRefused, SourceUnreadable, SourceUnwell, WorkerError
from worker.saleslayer import client as clients
from worker.saleslayer.client import Client, signed

CODE = "CN12345H6789C0123"
SECRET = "0123456789abcdef0123456789abcdef"
TOKEN = "tok-3f9a"
NOW = 1767225600.9
EMPTY = {"time": 1, "action": "update", "data": {}}
NEXT = f"https://pim.test/?page_token={TOKEN}"
Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "LONGEST_PAUSE", 0.1)


def a_client(handler: Handler, *, base_url: str = "https://pim.test", secret: str = SECRET) -> Client:
    transport = httpx.MockTransport(handler)
    return Client(base_url=base_url, code=CODE, secret=secret, transport=transport, clock=lambda: NOW)


class Script:
    """A source that answers what it was told to, one after the other, and the last for ever."""

    def __init__(self, *answers: Any) -> None:
        self.asked: list[httpx.Request] = []
        self._answers: Iterator[Any] = iter(answers)
        self._now: Any = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The next answer: an exception, a response, or JSON."""
        self.asked.append(request)
        self._now = next(self._answers, self._now)
        if isinstance(self._now, Exception):
            raise self._now
        return self._now if isinstance(self._now, httpx.Response) else httpx.Response(200, json=self._now)


def first_page(script: Script, *, last_update: int | None = 5) -> None:
    a_client(script).first_page(last_update=last_update, page_size=500)


def next_page(script: Script, url: str = NEXT) -> None:
    a_client(script).next_page(url, columns=Columns())


def test_the_signature_is_that_of_the_worked_example() -> None:
    assert signed(CODE, SECRET, at=1767225600, unique=1804289383) == {
        "code": CODE,
        "time": "1767225600",
        "unique": "1804289383",
        "key256": "3acc43815cecc6116c83d58101817fe6161ad0755eb5d7e1aff64c0f1ea40bf1",
    }


def test_the_first_page_is_asked_for_as_the_sdk_does() -> None:
    script = Script(EMPTY)
    first_page(script, last_update=1767000000)
    (request,) = script.asked
    sent = dict(request.url.params)
    body = b"pagination=500&add_empty_categories=1"
    assert (request.method, request.url.path, request.content) == ("POST", "/", body)
    assert sent == signed(CODE, SECRET, at=1767225600, unique=int(sent["unique"])) | {
        "last_update": "1767000000",
        "ver": "1.18",
        "group_category_id": "1",
        "same_parent_variants": "1",
        "parents_category_tree": "1",
    }


@pytest.mark.parametrize("none", [None, 0])
def test_without_a_cursor_no_date_is_sent(none: int | None) -> None:
    script = Script(EMPTY)
    first_page(script, last_update=none)
    assert "last_update" not in script.asked[0].url.params


def test_a_later_page_is_fetched_unsigned_and_as_it_was_named() -> None:
    script = Script(EMPTY)
    next_page(script)
    assert [(request.method, str(request.url), request.content) for request in script.asked] == [("GET", NEXT, b"")]


@pytest.mark.parametrize(
    ("code", "trouble", "pause", "says"),
    [
        (1, SourceUnreadable, None, "not valid"),
        (2, CredentialsRefused, None, "source code"),
        (3, SourceUnreadable, None, "twice"),
        (4, CredentialsRefused, None, "source secret"),
        (5, SourceUnreadable, None, "last update"),
        (6, SourceUnreadable, None, "1.18"),
        (7, SourceUnreadable, None, "JSON"),
        (8, SourceUnreadable, None, "compression"),
        (9, CredentialsRefused, None, "private key"),
        (10, SourceUnwell, 600, "blocked"),
        (11, SourceUnwell, 60, "unavailable"),
        (12, SourceUnreadable, None, "clock"),
        (13, SourceUnreadable, None, "clock"),
        (14, SourceUnwell, 180, "preparing its data"),
        (99, SourceUnreadable, None, "99"),
        ("4", CredentialsRefused, None, "source secret"),
        ("no", SourceUnreadable, None, "does not know"),
    ],
)
def test_each_error_number_stops_what_it_should(
    code: Any, trouble: type[WorkerError], pause: float | None, says: str
) -> None:
    script = Script({"version": "1.18", "time": 1, "error": code})
    with pytest.raises(trouble, match=says) as raised:
        first_page(script)
    assert getattr(raised.value, "retry_after", None) == pause
    assert len(script.asked) == (2 if code in {3, 5, 13} else 1)


@pytest.mark.parametrize("code", [7, 8, "8"])
def test_an_error_that_only_informs_is_none_where_data_came_with_it(code: Any) -> None:
    for ask in (first_page, next_page):
        script = Script(EMPTY | {"error": code})
        ask(script)
        assert len(script.asked) == 1


@pytest.mark.parametrize("code", [1, 2, 4, 6, 9, 10, 11, 12, 14])
def test_data_beside_any_other_error_is_not_taken(code: int) -> None:
    with pytest.raises(WorkerError):
        first_page(Script(EMPTY | {"error": code}))


@pytest.mark.parametrize("none", [0, "0", "", None, False])
def test_an_error_of_zero_is_none(none: Any) -> None:
    first_page(Script(EMPTY | {"error": none}))


@pytest.mark.parametrize("code", [3, 13])
def test_what_a_new_signature_mends_is_asked_once_again_with_one(code: int) -> None:
    script = Script({"error": code}, EMPTY)
    first_page(script)
    one, other = (request.url.params for request in script.asked)
    assert one["unique"] != other["unique"]
    assert one["key256"] != other["key256"]
    assert other["last_update"] == "5"


def test_a_refused_cursor_is_left_out_the_second_time_even_if_data_came_with_the_error() -> None:
    script = Script(EMPTY | {"error": 5}, EMPTY)
    first_page(script)
    assert ["last_update" in request.url.params for request in script.asked] == [True, False]


def test_different_errors_are_mended_one_after_the_other_but_each_only_once() -> None:
    script = Script({"error": 3}, {"error": 5}, {"error": 13}, {"error": 3})
    with pytest.raises(SourceUnreadable, match="one-time number"):
        first_page(script)
    assert len(script.asked) == 4
    assert all(one.url.params["unique"] != other.url.params["unique"] for one, other in pairwise(script.asked))


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 9, 12, 13])
def test_a_later_page_whose_token_is_refused_is_a_broken_attempt_and_no_trouble_with_credentials(code: int) -> None:
    script = Script({"error": code})
    with pytest.raises(SourceUnwell, match="expired"):
        next_page(script)
    assert len(script.asked) == 1


def test_a_later_page_that_is_refused_with_401_has_expired() -> None:
    with pytest.raises(SourceUnwell, match="expired"):
        next_page(Script(httpx.Response(401, text="no")))


@pytest.mark.parametrize(("code", "trouble"), [(6, SourceUnreadable), (10, SourceUnwell), (14, SourceUnwell)])
def test_other_errors_of_a_later_page_are_those_of_a_first_one(code: int, trouble: type[WorkerError]) -> None:
    with pytest.raises(trouble):
        next_page(Script({"error": code}))


@pytest.mark.parametrize(
    ("answer", "trouble", "says", "calls"),
    [
        (httpx.Response(500, text="<h1>Oops</h1>"), SourceUnwell, "HTTP status 500", 1),
        (httpx.Response(503, json={"error": 4}), SourceUnwell, "HTTP status 503", 1),
        (httpx.Response(429), SourceUnwell, "HTTP status 429", 1),
        (httpx.Response(302, headers={"location": "https://evil.test/"}), SourceUnreadable, "redirect", 1),
        (httpx.Response(200, text="<h1>Maintenance</h1>"), SourceUnreadable, "'Maintenance'", 1),
        (httpx.Response(403, text="<h1>Forbidden</h1>"), SourceUnreadable, "403.*'Forbidden'", 1),
        (httpx.Response(401, text="<h1>Unauthorized</h1>"), CredentialsRefused, "HTTP status 401", 1),
        (httpx.Response(401, json={"title": "Unauthorized"}), CredentialsRefused, "HTTP status 401", 1),
        (httpx.Response(401, json={"error": 10}), SourceUnwell, "blocked", 1),
        (httpx.Response(404, json={"error": 2}), CredentialsRefused, "connector code", 1),
        (httpx.Response(200, json=[]), SourceUnreadable, "not an object", 1),
        (httpx.Response(200, json={"time": 1, "action": "update"}), SourceUnreadable, "neither data nor", 1),
        (httpx.ReadTimeout("slow"), SourceUnwell, "in time", 1),
        (httpx.ConnectTimeout("slow"), SourceUnwell, "in time", 2),
        (httpx.ConnectError("refused"), SourceUnwell, "reached", 2),
        (httpx.RemoteProtocolError("gone"), SourceUnwell, "reached", 2),
        (httpx.DecodingError("bad gzip"), SourceUnwell, "broke off", 1),
    ],
)
def test_what_is_no_answer_is_named(answer: Any, trouble: type[WorkerError], says: str, calls: int) -> None:
    script = Script(answer)
    with pytest.raises(trouble, match=says) as raised:
        first_page(script)
    assert len(script.asked) == calls
    if isinstance(raised.value, SourceUnwell):
        assert raised.value.retry_after == (30 if says != "blocked" else 600)


def test_a_source_that_names_its_pause_is_given_it() -> None:
    with pytest.raises(SourceUnwell) as raised:
        first_page(Script(httpx.Response(503, headers={"retry-after": "120"})))
    assert raised.value.retry_after == 120


def test_a_connection_that_broke_once_does_no_harm_and_every_call_is_counted() -> None:
    script = Script(httpx.ConnectError("refused"), EMPTY)
    client = a_client(script)
    client.first_page(last_update=None, page_size=500)
    assert client.calls == 2
    one, other = (request.url.params["unique"] for request in script.asked)
    assert one != other
    client.close()
    with pytest.raises(RuntimeError):
        client.check()


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.test/?page_token=x",
        "https://pim.test.evil.test/",
        "https://pim.test@evil.test/",
        "https://pim.test:8443/",
        "https://sub.pim.test/",
        "//evil.test/",
        "/?page_token=x",
        "ftp://pim.test/",
        "file:///etc/passwd",
        "https://",
        "https://pim.test:99999999/",
        "https://\ud800/",
        "not a url\x00",
        "",
    ],
)
def test_a_next_page_on_another_host_is_never_fetched(elsewhere: str) -> None:
    script = Script(EMPTY)
    with pytest.raises(SourceUnreadable, match="not on its own host"):
        next_page(script, elsewhere)
    assert script.asked == []


@pytest.mark.parametrize("behind", ["https://api.saleslayer.com", "http://127.0.0.1:8200", "http://localhost"])
def test_a_next_page_on_the_server_behind_a_recorder_is_fetched_through_the_recorder(behind: str) -> None:
    script = Script(EMPTY)
    next_page(script, f"{behind}/?page_token={TOKEN}")
    assert str(script.asked[0].url) == NEXT


def test_a_next_page_is_fetched_by_our_own_scheme_and_without_a_login() -> None:
    script = Script(EMPTY)
    next_page(script, f"http://user:word@PIM.test/?page_token={TOKEN}#part")
    assert str(script.asked[0].url) == NEXT
    assert "authorization" not in script.asked[0].headers


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        ({"action": "testing"}, None),
        ({"action": "testing", "error": 0}, None),
        (EMPTY, None),
        ({"error": 4}, CredentialsRefused),
        ({"error": 10}, SourceUnwell),
        ({"version": "1.18"}, SourceUnreadable),
    ],
)
def test_the_check_asks_for_no_data(answer: Any, trouble: type[WorkerError] | None) -> None:
    script = Script(answer)
    if trouble is None:
        a_client(script).check()
    else:
        with pytest.raises(trouble):
            a_client(script).check()
    assert script.asked[0].url.params["test"] == "1"


def leaking(how: str, request: httpx.Request, secret: str) -> httpx.Response:
    """An answer that tells all that the source was sent, and the secret as well."""
    everything = f"{secret} {request.url} {dict(request.url.params)} {TOKEN} {TOKEN.encode()!r}"
    if how == "connection":
        raise httpx.ConnectError(everything, request=request)
    answers = {
        "html": httpx.Response(200, text=f"<p>{everything}</p>"),
        "words": httpx.Response(200, text=" ".join([secret, *request.url.params.values()])),
        "list": httpx.Response(200, json=[everything]),
        "number": httpx.Response(200, json={"error": everything}),
        "status": httpx.Response(500, text=everything),
        "redirect": httpx.Response(302, headers={"location": str(request.url)}),
        "action": httpx.Response(200, json={"data": {}, "action": everything}),
        "row": httpx.Response(200, json=EMPTY | {"data": {"products": [["M", everything]]}}),
    }
    return answers[how]


@pytest.mark.parametrize(
    "how", ["html", "words", "list", "number", "status", "redirect", "connection", "action", "row"]
)
@pytest.mark.parametrize("secret", [SECRET, 'short/pw &<"é', "two words"])
@pytest.mark.parametrize("is_first", [True, False])
def test_no_trouble_tells_a_secret_a_signature_or_a_token(
    how: str, secret: str, is_first: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return leaking(how, request, secret)

    client = a_client(handler, secret=secret)
    try:
        if is_first:
            client.first_page(last_update=None, page_size=500)
        else:
            client.next_page(NEXT, columns=Columns())
    except WorkerError as trouble:
        seen = "".join(traceback.format_exception(trouble)) + repr(trouble)
    else:
        seen = ""
    assert seen or (how == "action" and not is_first)
    seen += repr(client) + caplog.text
    hidden = {secret, TOKEN, *(request.url.params.get("key256", TOKEN) for request in asked)}
    assert not [one for one in hidden if one in seen]
