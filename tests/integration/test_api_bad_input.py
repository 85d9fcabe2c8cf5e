"""Bad input is told as a fault of its field, whatever it is made of; none of it is a fault of the service."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.visitors import PROBLEM, Door, Visitor

AConnector = Callable[..., Any]
HUGE = 10**30


@pytest.mark.parametrize(("body", "field"), [
    ({"mapping": {"product": {"name": "a\0b"}}}, "body.mapping.product.name"),
    ({"custom_fields": ["a", "b\0"]}, "body.custom_fields.1"),
    ({"mapping": {"product": {"na\0me": "x"}}}, "body.mapping.product.name"),
    ({"language": "\ud800"}, "body.language"),
    ({"stock_location": HUGE}, "body.stock_location"),
    ({"storefronts": [{"storefront": HUGE}]}, "body.storefronts.0.storefront"),
    ({"storefronts": [{"storefront": 1, "root": -HUGE}]}, "body.storefronts.0.root"),
    ({"check_every_seconds": HUGE}, "body.check_every_seconds"),
    ({"brake": "NaN"}, "body.brake"),
    ({"brake": 1.5}, "body.brake"),
    ({"unknown": 1}, "body.unknown"),
    ([], "body"),
    (None, "body"),
])  # fmt: skip
def test_a_profile_that_cannot_be_is_refused_by_its_field(
    door: Door, a_connector: AConnector, body: Any, field: str
) -> None:
    made = a_connector()
    visitor, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}/profile"
    before = visitor.reads(path)
    sent = {"content": json.dumps(body), "headers": {"Content-Type": "application/json"}}
    told = visitor.asks("PUT", path, status=422, **sent).json()
    assert field in [one["field"] for one in told["errors"]], told
    assert visitor.reads(path) == before


@pytest.mark.parametrize("kind", ["Application/JSON", "application/JSON; charset=utf-8", "application/vnd.x+JSON"])
def test_the_media_type_may_be_written_in_any_case(door: Door, a_connector: AConnector, kind: str) -> None:
    made = a_connector()
    visitor, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}"
    sent = {"content": '{"reason": "a\\u0000b"}', "headers": {"Content-Type": kind}}
    told = visitor.asks("POST", f"{path}/disable", status=422, **sent).json()
    assert [one["field"] for one in told["errors"]] == ["body.reason"]
    assert visitor.reads(path)["enabled"] is True


@pytest.mark.parametrize(("content", "kind", "status"), [
    ("{", "application/json", 422),
    (b"\xff\xfe{}", "application/json", 400),
    ("[" * 100_000, "application/json", 400),
    ('{"reason": ' + "9" * 5000 + "}", "application/json", 400),
    ("reason=x", "application/x-www-form-urlencoded", 422),
    ("<a/>", "text/xml", 422),
    (b"\0\0\0", "application/octet-stream", 422),
    ("", "application/json", 422),
    ('{"reason": "x", "reason": "\\u0000"}', "application/json", 422),
    ('{"reason": "' + "x" * 2_000_000 + '"}', "application/json", 413),
])  # fmt: skip
def test_a_body_that_cannot_be_read_is_refused(
    door: Door, a_connector: AConnector, content: Any, kind: str, status: int
) -> None:
    made = a_connector()
    visitor, path = door.writer(made.tenant_id), f"/v1/connectors/{made.id}"
    answer = visitor.client.request(
        "POST", f"{path}/disable", content=content, headers=visitor.headers | {"Content-Type": kind}
    )
    assert answer.status_code in {status, 400, 422} if status != 413 else answer.status_code == 413, answer.text
    assert answer.headers["content-type"] == PROBLEM
    assert visitor.reads(path)["enabled"] is True


@pytest.mark.parametrize("query", [
    "search=%00", "search=%ED%A0%80", "search=%FF", "code=%00", "run=99999999999999999999", "run=1.5", "limit=-1",
    "after=%00", "after=WyJcdTAwMDAiLDEsMV0", "after=WyJcdWQ4MDAiLDEsMV0", "storefront=abc", "kind=product%00",
    "limit=100&limit=x", "search=" + "x" * 300,
])  # fmt: skip
def test_no_query_is_a_fault_of_the_service(door: Door, a_connector: AConnector, query: str) -> None:
    made = a_connector()
    visitor = door.reader(made.tenant_id)
    for path in ("items", "items/counts", "items/export", "categories", "runs", "journal"):
        answer = visitor.client.get(f"/v1/connectors/{made.id}/{path}?{query}", headers=visitor.headers)
        assert answer.status_code in {200, 422}, (path, answer.text)
        if answer.status_code == 422:
            assert answer.json()["errors"][0]["field"].startswith("query.")


@pytest.mark.parametrize("number", ["0", "-1", "9223372036854775808", str(HUGE), "1.0", "x", "%00", "1%2F2", "१"])
def test_no_id_is_a_fault_of_the_service(door: Door, a_connector: AConnector, number: str) -> None:
    made = a_connector()
    visitor = door.reader(made.tenant_id)
    for path in (f"/v1/connectors/{number}", f"/v1/connectors/{made.id}/runs/{number}",
                 f"/v1/connectors/{made.id}/items/product/{number}"):  # fmt: skip
        answer = visitor.client.get(path, headers=visitor.headers)
        assert answer.status_code in {200, 404, 422}, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == PROBLEM


def test_a_tenant_of_another_script_is_named_in_a_header(door: Door, a_tenant: Callable[[str], int]) -> None:
    a_tenant("Öl & Käse 株式会社")
    visitor = door.operator()

    def acting_for(name: bytes) -> Any:
        headers = {**as_bytes(visitor), b"X-Tenant": name}
        return door.client.get("/v1/connectors", headers=headers)

    answer = acting_for("Öl & Käse 株式会社".encode())
    assert answer.status_code == 200, answer.text
    for odd in (b"\xff\xfe", b"x" * 5000, b"a b"):
        assert acting_for(odd).status_code in {404, 422}


def as_bytes(visitor: Visitor) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in visitor.headers.items()}


@pytest.mark.parametrize("key", ["", " ", "x y", "\x7f", "é", "x" * 256])
def test_an_idempotency_key_is_printable_ascii(door: Door, a_connector: AConnector, key: str) -> None:
    made = a_connector()
    visitor = door.writer(made.tenant_id)
    headers = {**as_bytes(visitor), b"Idempotency-Key": key.encode("latin-1")}
    answer = door.client.post(f"/v1/connectors/{made.id}/runs", headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "header.Idempotency-Key"


def test_wrong_methods_and_paths_are_problems(door: Door) -> None:
    nobody = Visitor(door.client, {})
    told = nobody.asks("TRACE", "/v1/connectors/1", status=405)
    assert told.headers["allow"] == "GET, DELETE"
    assert nobody.asks("GET", "/v1/nothing", status=404).json()["code"] == "no_such_path"
