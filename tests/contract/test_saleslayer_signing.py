"""Who may call: signature, clock and the error numbers."""

from typing import Any

import httpx
import pytest

from sandbox.saleslayer import example
from sandbox.saleslayer.messages import Request
from sandbox.saleslayer.sandbox import Sandbox
from sandbox.saleslayer.signing import digest
from sandbox.saleslayer.switches import Fault, Options, Switches
from sandbox.saleslayer.visitor import Visitor, decoded

UNIQUE = 1804289383
OLD_SECRET = "fedcba9876543210fedcba9876543210"


def a_sandbox(**options: Any) -> Sandbox:
    sandbox = Sandbox(clock=lambda: float(example.TIME))
    options = {"revoked_secrets": (OLD_SECRET,)} | options
    sandbox.put_connector(
        example.CODE, secret=example.SECRET, catalogue=example.catalogue(), options=Options(**options)
    )
    return sandbox


def a_visitor(sandbox: Sandbox, secret: str = example.SECRET) -> Visitor:
    return Visitor.of(sandbox, example.CODE, secret, clock=lambda: float(example.TIME))


def test_the_worked_example_of_the_hash_comes_out() -> None:
    proof = digest("CN12345H6789C0123", example.SECRET, "1767225600", "1804289383")
    assert proof == "3acc43815cecc6116c83d58101817fe6161ad0755eb5d7e1aff64c0f1ea40bf1"
    older = digest("CN12345H6789C0123", example.SECRET, "1767225600", "1804289383", algorithm="sha1")
    assert older == "8bd9a2bfd3e07f3de3ab3c0d2a78122b8cde5bbb"


def test_the_example_url_is_answered_as_a_get_and_as_a_form() -> None:
    query = (
        f"code={example.CODE}&time=1767225600&unique={UNIQUE}&ver=1.18"
        "&key256=3acc43815cecc6116c83d58101817fe6161ad0755eb5d7e1aff64c0f1ea40bf1"
    )
    sandbox = a_sandbox()
    by_get = sandbox.handle(Request("GET", f"https://api.saleslayer.com/?{query}"))
    form = {"content-type": "application/x-www-form-urlencoded"}
    by_form = sandbox.handle(Request("POST", "https://api.saleslayer.com/", form, query.encode()))
    for answer in (by_get, by_form):
        content = decoded(httpx.Response(200, content=answer.body))
        assert content["action"] == "refresh"
        assert "error" not in content


def test_the_older_sha1_key_is_accepted() -> None:
    older = digest(example.CODE, example.SECRET, str(example.TIME), str(UNIQUE), algorithm="sha1")
    assert "error" not in a_visitor(a_sandbox()).page(key256=None, key=older)


def test_a_connector_may_have_several_secrets() -> None:
    second = "11112222333344445555666677778888"
    assert a_visitor(a_sandbox(), second).page()["error"] == 4
    assert "error" not in a_visitor(a_sandbox(other_secrets=(second,)), second).page()


@pytest.mark.parametrize(
    ("wishes", "error"),
    [
        ({"code": None}, 1),  # a call without code names no connector
        ({"body": {"pagination": "many"}}, 1),
        ({"code": "CN00000NOBODY001"}, 2),
        ({"unique": None}, 3),
        ({"unique": "-5"}, 3),
        ({"key256": "0" * 64}, 4),
        ({"unique": str(UNIQUE + 1)}, 4),  # the digest was made of another one
        ({"key256": None}, 4),
        ({"time": "yesterday"}, 12),
    ],
)
def test_a_wrong_call_gets_its_error_and_no_data(wishes: dict[str, Any], error: int) -> None:
    response = a_visitor(a_sandbox()).send(**wishes)
    assert response.status_code == 200
    assert decoded(response)["error"] == error
    assert "data" not in decoded(response)


@pytest.mark.parametrize(
    ("wishes", "error"),
    [({"last_update": "yesterday"}, 5), ({"ver": "2.0"}, 6), ({"output": "xml"}, 7), ({"compression": "zip"}, 8)],
)
def test_an_informative_error_comes_with_all_data(wishes: dict[str, Any], error: int) -> None:
    content = a_visitor(a_sandbox()).page(**wishes)
    assert content["error"] == error
    assert content["action"] == "refresh"
    assert len(content["data"]["product_formats"]) == 2


def test_a_key_that_was_revoked_is_an_invalid_private_key() -> None:
    assert a_visitor(a_sandbox(), OLD_SECRET).page()["error"] == 9


@pytest.mark.parametrize("error", [10, 11, 14])
def test_a_service_that_is_unwell_says_so_for_as_many_calls_as_it_is_told(error: int) -> None:
    sandbox = a_sandbox()
    sandbox.set_switches(example.CODE, Switches(faults=(Fault("error", error=error, times=2),)))
    answers = [a_visitor(sandbox).page() for _ in range(3)]
    assert [answer.get("error") for answer in answers] == [error, error, None]


@pytest.mark.parametrize(("late", "error"), [(300, None), (301, 13), (-300, None), (-301, 13)])
def test_a_call_is_valid_within_the_clock_window(late: int, error: int | None) -> None:
    sandbox = a_sandbox()
    visitor = Visitor.of(sandbox, example.CODE, example.SECRET, clock=lambda: float(example.TIME - late))
    assert visitor.page().get("error") == error


def test_the_clock_window_can_be_switched_off() -> None:
    visitor = Visitor.of(
        a_sandbox(clock_window_seconds=None), example.CODE, example.SECRET, clock=lambda: float(example.TIME - 10**6)
    )
    assert "error" not in visitor.page()


def test_a_test_call_checks_the_signature_and_brings_no_data() -> None:
    content = a_visitor(a_sandbox()).page(test=1)
    assert content["action"] == "testing"
    assert "data" not in content
    assert a_visitor(a_sandbox(), "wrong").page(test=1)["error"] == 4


def test_a_disabled_connector_answers_without_data() -> None:
    content = a_visitor(a_sandbox(enabled=False)).page()
    assert "data" not in content
    assert "error" not in content


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v2", 404), ("DELETE", "/", 405)])
def test_other_paths_and_methods_are_no_api(method: str, path: str, status: int) -> None:
    assert a_sandbox().handle(Request(method, f"https://api.saleslayer.com{path}")).status == status
