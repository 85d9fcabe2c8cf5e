"""What an answer looks like, and how it is cut into pages."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.saleslayer import example
from sandbox.saleslayer.calls import bucket
from sandbox.saleslayer.sandbox import Sandbox
from sandbox.saleslayer.switches import Fault, Options, Switches
from sandbox.saleslayer.transport import SandboxTransport
from sandbox.saleslayer.visitor import HOST, Visitor, decoded, merged

LUMA = Path(__file__).parents[2].parent / "shared" / "catalogues" / "luma.json"


@dataclass
class Clock:
    """A clock that stands still until it is told to go on."""

    now: float = float(example.TIME)

    def __call__(self) -> float:
        """The time that it was told."""
        return self.now


def a_sandbox(clock: Clock | None = None, **options: Any) -> tuple[Sandbox, Visitor]:
    clock = clock or Clock()
    sandbox = Sandbox(clock=clock)
    sandbox.put_connector(
        example.CODE, secret=example.SECRET, catalogue=example.catalogue(), options=Options(**options)
    )
    return sandbox, Visitor.of(sandbox, example.CODE, example.SECRET, clock=clock)


@pytest.fixture
def luma() -> dict[str, Any]:
    if not LUMA.exists():
        pytest.skip("the shared catalogue is not here")
    catalogue: dict[str, Any] = json.loads(LUMA.read_text("utf-8"))
    return catalogue


def test_the_worked_example_is_answered_as_it_is_written() -> None:
    clock = Clock()
    sandbox, visitor = a_sandbox(clock)
    sandbox.set_switches(example.CODE, Switches(page_rows=3))
    first = visitor.page()
    clock.now += 4
    second = decoded(httpx.Client(transport=SandboxTransport(sandbox)).get(first["next_page"]))
    varying = {"next_page", "schema", "ver"}
    for given, expected in zip((first, second), example.PAGES, strict=True):
        assert {k: v for k, v in given.items() if k not in varying} == {
            k: v for k, v in expected.items() if k not in varying
        }
        assert given["schema"] | expected["schema"] == given["schema"]
        assert bool(given["next_page"]) == bool(expected["next_page"])
    assert "data_schema_info" not in second


def test_the_later_call_of_the_worked_example_brings_the_same_changes() -> None:
    clock = Clock()
    sandbox, visitor = a_sandbox(clock)
    visitor.read()
    clock.now += 86400
    sandbox.edit(example.CODE, "products", 301, {"product_name_en": "Laurel invitation (new)", "product_price": 3.1})
    sandbox.delete(example.CODE, "catalogue", 12)
    sandbox.delete(example.CODE, "product_formats", 9002)
    answer = visitor.page(last_update=example.TIME, same_parent_variants=None, parents_category_tree=None)
    assert (answer["action"], answer["time"]) == ("update", example.TIME + 86400)
    # The written example leaves columns out: only those that it has are compared.
    for table, schema in example.UPDATE["data_schema"].items():
        wanted = [column if isinstance(column, str) else next(iter(column)) for column in schema]
        columns = [column if isinstance(column, str) else next(iter(column)) for column in answer["data_schema"][table]]
        found = [
            [dict(zip(columns, row, strict=False))[column] for column in wanted[: len(row)]]
            for row in answer["data"][table]
        ]
        assert found == example.UPDATE["data"][table]


def test_luma_comes_back_whole_in_pages_of_five_hundred(luma: dict[str, Any]) -> None:
    sandbox, visitor = a_sandbox()
    sandbox.put_connector(example.CODE, catalogue=luma)
    pages = visitor.read()
    assert merged(pages) == luma["data"]
    sizes = [sum(len(rows) for rows in page["data"].values()) for page in pages]
    assert sizes == [500, 500, 500, 500, 76]
    assert [page["page_count"] for page in pages] == [1, 2, 3, 4, 5]
    # Tables come in their order, and a page may hold the end of one and the beginning of the next.
    assert {table: len(rows) for table, rows in pages[0]["data"].items()} == {
        "catalogue": 39,
        "products": 190,
        "product_formats": 271,
    }


def test_version_1_17_answers_with_everything_at_once(luma: dict[str, Any]) -> None:
    sandbox, visitor = a_sandbox()
    sandbox.put_connector(example.CODE, catalogue=luma)
    for version in ("1.17", None):  # 1.17 is what a client gets that names no version
        (page,) = visitor.read(ver=version)
        assert page["data"] == luma["data"]
        assert page["version"] == "1.17"
        assert "next_page" not in page


@pytest.mark.parametrize(
    ("pagination", "rows"), [("1", 500), ("999", 500), ("1000", 1000), ("1001", 1000), ("1500", 1000), ("5000", 5000)]
)
def test_page_sizes_come_in_buckets(pagination: str, rows: int) -> None:
    assert bucket(pagination) == rows
    _, visitor = a_sandbox()
    assert visitor.page(body={"pagination": pagination})["page_length"] == rows


def test_pages_are_a_snapshot_of_the_moment_of_the_first() -> None:
    clock = Clock()
    sandbox, visitor = a_sandbox(clock)
    sandbox.set_switches(example.CODE, Switches(page_rows=1))
    first = visitor.page()
    clock.now += 5
    sandbox.edit(example.CODE, "products", 301, {"product_price": 9})
    sandbox.delete(example.CODE, "product_formats", 9002)
    client = httpx.Client(transport=SandboxTransport(sandbox), base_url=HOST)
    pages = [first]
    while pages[-1]["next_page"]:
        pages.append(decoded(client.get(pages[-1]["next_page"])))
    assert merged(pages) == example.catalogue()["data"]
    # What changed in between is found by the next call.
    sandbox.set_switches(example.CODE, Switches())
    update = visitor.page(last_update=first["time"])
    assert ["D", 9002] in update["data"]["product_formats"]
    assert [row[6] for row in update["data"]["products"]] == [9]


def test_the_next_page_is_on_the_host_that_was_asked() -> None:
    sandbox, _ = a_sandbox()
    sandbox.set_switches(example.CODE, Switches(page_rows=1))
    client = httpx.Client(transport=SandboxTransport(sandbox), base_url="http://127.0.0.1:8200")
    visitor = Visitor(client, example.CODE, example.SECRET, clock=Clock())
    page = visitor.page()
    assert page["next_page"].startswith("http://127.0.0.1:8200/?page_token=")
    assert example.SECRET not in page["next_page"]


def test_many_readers_see_whole_snapshots_while_items_change() -> None:
    sandbox, _ = a_sandbox()
    sandbox.set_switches(example.CODE, Switches(page_rows=1))

    def read(_: int) -> list[int]:
        visitor = Visitor.of(sandbox, example.CODE, example.SECRET, clock=Clock())
        return sorted(row[1] for rows in merged(visitor.read()).values() for row in rows)

    with ThreadPoolExecutor(8) as readers:
        found = readers.map(read, range(40))
        for price in range(200):
            sandbox.edit(example.CODE, "product_formats", 9001, {"format_price": price})
        assert list(found) == [[11, 12, 301, 9001, 9002]] * 40


def test_a_page_can_be_read_again_but_not_guessed() -> None:
    sandbox, visitor = a_sandbox()
    sandbox.set_switches(example.CODE, Switches(page_rows=2))
    client = httpx.Client(transport=SandboxTransport(sandbox))
    address = visitor.page()["next_page"]
    assert decoded(client.get(address))["data"] == decoded(client.get(address))["data"]
    for wrong in (address[:-1] + "9", address[:-6] + "000000", address.replace("page_token=", "page_token=0")):
        assert decoded(client.get(wrong))["error"] == 1


def test_an_abandoned_read_is_forgotten_when_many_others_were_begun() -> None:
    sandbox, visitor = a_sandbox()
    sandbox.set_switches(example.CODE, Switches(page_rows=1))
    client = httpx.Client(transport=SandboxTransport(sandbox))
    abandoned = visitor.page()["next_page"]
    for _ in range(100):
        visitor.read()  # finished reads push nobody out
    assert "error" not in decoded(client.get(abandoned))
    for _ in range(64):
        visitor.page()
    assert decoded(client.get(abandoned))["error"] == 1


def test_a_page_expires() -> None:
    clock = Clock()
    sandbox, visitor = a_sandbox(clock, page_lifetime_seconds=60)
    sandbox.set_switches(example.CODE, Switches(page_rows=1))
    address = visitor.page()["next_page"]
    client = httpx.Client(transport=SandboxTransport(sandbox))
    clock.now += 60
    assert "error" not in decoded(client.get(address))
    clock.now += 1
    assert decoded(client.get(address))["error"] == 13


def test_products_come_once_for_each_category_unless_they_are_grouped() -> None:
    _, visitor = a_sandbox()
    assert [row[2] for row in visitor.page()["data"]["products"]] == [[11, 12]]
    assert [row[2] for row in visitor.page(group_category_id=None)["data"]["products"]] == [11, 12]


def test_file_references_come_when_they_are_asked_for() -> None:
    _, visitor = a_sandbox()
    product = visitor.page(body={"get_file_refereneces": "1"})["data"]["products"][0]
    assert product[11][0][:3] == ["M", "701.jpg", "https://img.example.test/o/701.jpg"]
    assert visitor.page()["data"]["products"][0][11][0][1] == "img-701"


@pytest.mark.parametrize(
    ("kind", "sign"),
    [
        ("error", lambda response: decoded(response)["error"] == 11),
        ("expired", lambda response: decoded(response)["error"] == 13),
        ("http", lambda response: response.status_code == 500),
        ("html", lambda response: response.status_code == 200 and response.text.startswith("<!DOCTYPE html>")),
        ("repeat", lambda response: decoded(response)["next_page"] == str(response.url)),
        ("empty", lambda response: not any(decoded(response)["data"].values()) and decoded(response)["next_page"]),
        ("no_data", lambda response: not {"data", "error"} & set(decoded(response))),
        ("cut", lambda response: not response.text.endswith("}")),
    ],
)
def test_a_page_can_fail_in_every_way_and_is_right_afterwards(kind: str, sign: Any) -> None:
    sandbox, visitor = a_sandbox()
    sandbox.set_switches(example.CODE, Switches(page_rows=2, faults=(Fault(kind, page=2),)))
    address = visitor.page()["next_page"]
    client = httpx.Client(transport=SandboxTransport(sandbox))
    assert sign(client.get(address))
    again = decoded(client.get(address))
    assert merged([again]) == {
        "products": example.catalogue()["data"]["products"],
        "product_formats": again["data"]["product_formats"],
    }


def test_the_switches_change_what_an_envelope_holds() -> None:
    sandbox, visitor = a_sandbox()
    assert {"version", "ver"} <= set(visitor.page())
    sandbox.set_switches(
        example.CODE,
        Switches(ver_only=True, without_info=True, waiting_images=3, later_pages_without_schema=True, page_rows=3),
    )
    first, second = visitor.read()
    assert (first["ver"], "version" in first, "data_schema_info" in first) == ("1.18", False, False)
    assert first["waiting"] == {"images": {"total": 3, "partial": 3}, "files": 0}
    assert "data_schema" not in second


def test_bom_and_gzip_lie_around_the_same_content() -> None:
    sandbox, visitor = a_sandbox()
    plain = visitor.page()
    sandbox.set_switches(example.CODE, Switches(bom=True, gzip=True))
    response = visitor.send()
    assert response.headers["content-encoding"] == "gzip"
    assert response.content.startswith(b"\xef\xbb\xbf")
    assert decoded(response) == plain
    assert "content-encoding" not in visitor.send(compression=0).headers


def test_a_dropped_call_and_one_that_lasts_too_long_are_timeouts() -> None:
    sandbox, visitor = a_sandbox()
    sandbox.set_switches(example.CODE, Switches(faults=(Fault("drop"),)))
    with pytest.raises(httpx.ReadTimeout):
        visitor.send()
    assert visitor.send().status_code == 200
    sandbox.set_switches(example.CODE, Switches(latency_seconds=60))
    with pytest.raises(httpx.ReadTimeout):
        visitor.send()


def test_latency_is_slept_by_the_door() -> None:
    slept: list[float] = []
    sandbox, _ = a_sandbox()
    sandbox.set_switches(example.CODE, Switches(latency_seconds=2))
    client = httpx.Client(transport=SandboxTransport(sandbox, sleep=slept.append), base_url=HOST)
    Visitor(client, example.CODE, example.SECRET, clock=Clock()).send()
    assert slept == [2]
