"""What the door counts: every request once, by the template of its address, whatever becomes of it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import CapturingLogger

from api import measured
from api.bodies import LARGEST
from tests import scraping
from tests.visitors import Door, a_door
from worker.metrics import page

AConnector = Callable[..., Any]
Requests = dict[tuple[str, str, str], float]


def requests() -> Requests:
    """(route, method, status) -> how many."""
    return {
        (one.labels["route"], one.labels["method"], one.labels["status"]): one.value
        for family in measured.REQUESTS.collect()
        for one in family.samples
        if one.name.endswith("_total")
    }


def new(before: Requests) -> Requests:
    return {at: value - before.get(at, 0) for at, value in requests().items() if value != before.get(at, 0)}


def test_each_request_is_counted_once_by_what_it_found(door: Door, a_connector: AConnector) -> None:
    made = a_connector(tenant="a")
    before = requests()
    door.reader(made.tenant_id).reads(f"/v1/connectors/{made.id}")
    for method, path in (
        ("GET", "/livez"),
        ("GET", "/v1/connectors/77"),
        ("GET", "/made/up/by/somebody"),
        ("GET", "/pages/made-up.css"),
        ("BREW", "/made/up/by/somebody"),
        ("DELETE", "/livez"),
    ):
        door.client.request(method, path)
    assert new(before) == {
        ("/v1/connectors/{connector_id}", "GET", "200"): 1,
        ("/livez", "GET", "200"): 1,
        ("/v1/connectors/{connector_id}", "GET", "401"): 1,
        ("none", "GET", "404"): 1,
        ("/pages", "GET", "404"): 1,
        ("none", "other", "404"): 1,
        ("/livez", "DELETE", "405"): 1,
    }


def test_a_body_that_is_too_large_and_a_bug_are_counted_too(door: Door) -> None:
    def bug() -> None:
        raise ZeroDivisionError

    app = cast("FastAPI", door.client.app)
    app.router.add_api_route("/bug/{number}", bug)
    before = requests()
    assert door.client.get("/bug/7").status_code == 500
    assert door.client.post("/v1/connectors", content=b"x" * (LARGEST + 1)).status_code == 413
    assert new(before) == {("/bug/{number}", "GET", "500"): 1, ("none", "POST", "413"): 1}


def test_streams_are_those_that_are_open(door: Door) -> None:
    app = cast("FastAPI", door.client.app)
    [gauge] = [one for one in measured.metrics(app.state.streams) if next(iter(one.collect())).name.endswith("streams")]

    def told() -> float:
        return next(iter(gauge.collect())).samples[0].value

    with app.state.streams.one(1), app.state.streams.one(2):
        assert told() == 2
    assert told() == 0


def test_metrics_have_a_port_of_their_own_which_is_given_back(database_url: str, key_ring: str) -> None:
    port = scraping.a_free_port()
    with a_door(database_url, key_ring, metrics_port=port) as door:
        assert ("connector_service_up",) in scraping.samples(scraping.page(port))
        assert door.client.get("/metrics").status_code == 404
    with pytest.raises(httpx.ConnectError):
        scraping.page(port)


def test_a_door_whose_port_is_taken_says_so_and_opens(
    database_url: str, key_ring: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = CapturingLogger()
    monkeypatch.setattr(page, "log", told)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with a_door(database_url, key_ring, metrics_port=taken.getsockname()[1]) as door:
            assert door.client.get("/readyz").status_code == 200
    assert [(one.method_name, one.args) for one in told.calls] == [("warning", ("metrics not served",))]
