"""The control API, imports, and the server as a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.saleslayer import example
from sandbox.saleslayer.credentials import DEFAULT_SECRET, default_code
from sandbox.saleslayer.sandbox import Sandbox
from sandbox.saleslayer.transport import SandboxTransport
from sandbox.saleslayer.visitor import HOST, Visitor, merged

CONNECTOR = f"/_control/connectors/{example.CODE}"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def client() -> httpx.Client:
    client = httpx.Client(transport=SandboxTransport(Sandbox()), base_url=HOST)
    client.put(CONNECTOR, json={"secret": example.SECRET, "catalogue": example.catalogue()}).raise_for_status()
    return client


@pytest.fixture
def visitor(client: httpx.Client) -> Visitor:
    return Visitor(client, example.CODE, example.SECRET)


def test_the_state_counts_and_hides_the_secret(client: httpx.Client) -> None:
    answer = client.get(CONNECTOR)
    assert answer.json()["tables"]["product_formats"] == {"exported": 2, "hidden": 0, "deleted": 0}
    assert answer.json()["company_ID"] == 4211
    assert example.SECRET not in answer.text
    assert client.get("/_control/connectors").json() == {"codes": [example.CODE]}


def test_items_are_edited_hidden_shown_added_and_deleted(client: httpx.Client, visitor: Visitor) -> None:
    cursor = visitor.page()["time"]
    items = f"{CONNECTOR}/items"
    edited = client.patch(f"{items}/products/301", json={"product_price": 5}).json()
    assert edited["values"]["product_price"] == 5
    client.post(f"{items}/product_formats/9001/hide").raise_for_status()
    client.delete(f"{items}/product_formats/9002").raise_for_status()
    assert client.post(f"{items}/product_formats", json={"ID_products": 301, "REF": "V-N"}).json() == {"id": 9003}
    changes = visitor.page(last_update=cursor)["data"]
    assert [row[:2] for row in changes["product_formats"]] == [["D", 9001], ["D", 9002], ["M", 9003]]
    assert client.get(CONNECTOR).json()["tables"]["product_formats"] == {"exported": 1, "hidden": 1, "deleted": 1}
    client.post(f"{items}/product_formats/9001/show").raise_for_status()
    assert client.get(f"{items}/product_formats/9001").json()["exported"] is True


def test_the_configuration_is_touched_and_switches_are_replaced(client: httpx.Client, visitor: Visitor) -> None:
    cursor = visitor.page()["time"]
    client.post(f"{CONNECTOR}/touch-config").raise_for_status()
    assert visitor.page(last_update=cursor)["action"] == "refresh"
    given = {"page_rows": 1, "faults": [{"kind": "error", "error": 14, "times": 1}]}
    assert client.put(f"{CONNECTOR}/switches", json=given).json()["switches"]["page_rows"] == 1
    assert visitor.page()["error"] == 14
    assert len(visitor.read()) == 5
    client.put(f"{CONNECTOR}/switches", json={})
    assert len(visitor.read()) == 1


def test_the_log_says_what_was_asked_and_answered_without_keys(client: httpx.Client, visitor: Visitor) -> None:
    client.put(f"{CONNECTOR}/switches", json={"page_rows": 3, "faults": [{"kind": "drop", "page": 2}]})
    with pytest.raises(httpx.ReadTimeout):
        visitor.read()
    first, second = client.get(f"{CONNECTOR}/log").json()["log"]
    assert (first["method"], first["page"], first["action"], first["has_next"]) == ("POST", 1, "refresh", True)
    assert first["rows"] == {"catalogue": 2, "products": 1, "product_formats": 0}
    assert first["parameters"]["pagination"] == "500"
    assert "key256" not in first["parameters"]
    assert (second["method"], second["page"], second["fault"]) == ("GET", 2, "drop")


def test_a_connector_keeps_its_catalogue_when_only_its_options_change(client: httpx.Client, visitor: Visitor) -> None:
    answer = client.put(CONNECTOR, json={"options": {"clock_window_seconds": None, "enabled": False}})
    assert answer.json()["options"]["enabled"] is False
    assert answer.json()["tables"]["products"]["exported"] == 1
    assert "data" not in visitor.page()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/_control/connectors/CN1", {}, 404),
        ("PUT", "/_control/connectors/CN1", {"secret": "x"}, 422),  # a new one needs a catalogue
        ("PUT", "/_control/connectors/CN1", {"secret": "x", "catalogue": {"data": {}}}, 422),
        ("PUT", CONNECTOR, {"password": "x"}, 422),
        ("PUT", CONNECTOR, {"options": {"enabled": "perhaps"}}, 422),
        ("PUT", f"{CONNECTOR}/switches", {"page_size": 3}, 422),
        ("PUT", f"{CONNECTOR}/switches", {"faults": [{"kind": "explode"}]}, 422),
        ("PATCH", f"{CONNECTOR}/items/products/301", {"colour": "red"}, 422),
        ("PATCH", f"{CONNECTOR}/items/products/301", {"ID": 5}, 422),
        ("PATCH", f"{CONNECTOR}/items/products/999", {"product_price": 1}, 404),
        ("PATCH", f"{CONNECTOR}/items/brands/1", {}, 404),
        ("POST", f"{CONNECTOR}/items/products", {"ID": 301}, 422),  # it is there already
        ("POST", f"{CONNECTOR}/items/products", {"ID": "new"}, 422),
        ("POST", f"{CONNECTOR}/explode", {}, 404),
    ],
)
def test_a_control_request_that_makes_no_sense_is_refused_with_a_sentence(
    client: httpx.Client, method: str, path: str, body: dict[str, Any], status: int
) -> None:
    answer = client.request(method, path, json=body)
    assert answer.status_code == status
    assert len(answer.json()["error"]) > 10


def test_a_body_that_is_not_an_object_is_refused(client: httpx.Client) -> None:
    assert client.put(CONNECTOR, content=b"{").status_code == 400
    assert client.put(CONNECTOR, json=[1]).status_code == 400


def test_the_storefronts_written_into_an_attribute_list_are_recorded_and_become_its_choices(
    client: httpx.Client, visitor: Visitor
) -> None:
    body = {
        "input_data[products][0][product_tags][0]": "Main shop",
        "input_data[products][0][product_tags][1]": "Outlet",
    }
    answer = visitor.page(body=body)
    assert answer["input_response"] == {
        "result": 1,
        "errors": [],
        "items_affected": 1,
        "new_items": 0,
        "updated_items": 1,
        "deleted_items": 0,
        "status_tracking": "",
    }
    written = client.get(CONNECTOR).json()["written"]
    assert [row["fields"] for row in written] == [{"product_tags": ["Main shop", "Outlet"]}]
    assert visitor.page()["data_schema_info"]["products"]["product_tags"]["tag_list"] == ["Main shop", "Outlet"]


def test_an_import_changes_adds_and_deletes_items_by_their_reference(visitor: Visitor) -> None:
    cursor = visitor.page()["time"]
    answer = visitor.page(
        body={
            "input_data[products][0][REF]": "P-301",
            "input_data[products][0][product_price]": "7",
            "input_data[products][1][REF]": "P-NEW",
            "delete_data[product_formats][0][REF]": "V-301-S",
            "delete_data[product_formats][1][REF]": "V-UNKNOWN",
            "input_data[brands][0][REF]": "B-1",
        }
    )["input_response"]
    assert (answer["new_items"], answer["updated_items"], answer["deleted_items"]) == (1, 1, 1)
    assert [error.partition(":")[0] for error in answer["errors"]] == ["product_formats[1]", "brands[0]"]
    changes = visitor.page(last_update=cursor)["data"]
    assert [(row[1], row[3], row[6]) for row in changes["products"]] == [(301, "P-301", "7"), (302, "P-NEW", "")]
    assert ["D", 9001] in changes["product_formats"]


def test_an_import_that_cannot_be_read_is_a_validation_error(visitor: Visitor) -> None:
    assert visitor.page(body={"input_data[products][REF]": "P-301"})["error"] == 1


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_text(json.dumps(example.catalogue()), "utf-8")
    command = [sys.executable, "-m", "sandbox.saleslayer", "--port", "0"]
    command += ["--catalogue", str(tmp_path / "one.json"), "--catalogue", str(tmp_path / "two.json")]
    command += ["--code", example.CODE, "--secret", example.SECRET]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own command
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline().split() for _ in range(3)]
        assert [line[0] for line in lines] == ["connector", "connector", "listening"]
        assert [line[1] for line in lines[:2]] == [example.CODE, default_code(2)]
        yield lines[2][1]
    finally:
        process.terminate()
        assert process.wait(timeout=10) is not None
        process.stdout.close()


def test_the_server_answers_pages_drops_calls_and_ends(server: str) -> None:
    with httpx.Client(base_url=server) as client:
        client.put(f"{CONNECTOR}/switches", json={"page_rows": 2, "gzip": True}).raise_for_status()
        visitor = Visitor(client, example.CODE, example.SECRET)
        pages = visitor.read()
        assert pages[0]["next_page"].startswith(f"{server}/?page_token=")
        assert merged(pages) == example.catalogue()["data"]
        client.put(f"{CONNECTOR}/switches", json={"faults": [{"kind": "drop", "times": 1}]})
        with pytest.raises(httpx.TransportError):
            visitor.page()
        assert visitor.page()["action"] == "refresh"
        assert Visitor(client, default_code(2), DEFAULT_SECRET).page()["action"] == "refresh"
        assert client.get("/elsewhere").status_code == 404
