"""Choices are written in one signed form, and what the answer says of them is believed only where it is good."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from worker.errors import SourceUnreadable
from worker.saleslayer import choices
from worker.saleslayer.client import Client


def written(response: Any) -> httpx.Request:
    """The request that was sent to a source with this `input_response`."""
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"time": 1, "action": "update"} | response)

    client = Client(base_url="https://pim.test", code="CN2", secret="s" * 32, transport=httpx.MockTransport(answer))
    choices.write(client, {"catalogue": "shops", "products": "sold on"}, ["Main (1)", "Outlet (2)"])
    [request] = asked
    return request


def test_all_choices_go_out_in_one_signed_form() -> None:
    request = written({"input_response": {"result": 1, "errors": [], "updated_items": 2}})
    assert {"code", "time", "unique", "key256"} <= set(request.url.params)
    assert request.url.params["ver"] == "1.18"
    assert parse_qsl(request.content.decode()) == [
        ("input_data[catalogue][0][shops][]", "Main (1)"),
        ("input_data[catalogue][0][shops][]", "Outlet (2)"),
        ("input_data[products][0][sold on][]", "Main (1)"),
        ("input_data[products][0][sold on][]", "Outlet (2)"),
    ]


@pytest.mark.parametrize("response", [{"result": 1}, {"result": 0, "errors": 0}, {"result": "1", "errors": {}}])
def test_an_answer_without_a_complaint_is_good(response: dict[str, Any]) -> None:
    written({"input_response": response})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param({}, "did not say", id="no import answer"),
        pytest.param({"input_response": {"result": 2}}, "no reason", id="denied"),
        pytest.param({"input_response": {"result": "2"}}, "no reason", id="denied, as text"),
        pytest.param({"input_response": {"result": 1, "errors": ["no field shops"]}}, "no field shops", id="a list"),
        pytest.param({"input_response": {"errors": {"0": "no field"}}}, "no field", id="a map"),
        pytest.param({"input_response": {"errors": 3}}, "'3'", id="a number"),
    ],
)
def test_a_complaint_is_trouble(answer: dict[str, Any], said: str) -> None:
    with pytest.raises(SourceUnreadable, match=said):
        written(answer)
