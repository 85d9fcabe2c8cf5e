"""The client reads a whole catalogue out of a simulated Sales Layer."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import ItemKind
from sandbox.saleslayer.sandbox import Sandbox
from sandbox.saleslayer.switches import Fault, Options, Switches
from sandbox.saleslayer.transport import SandboxTransport
from worker.catalog.columns import Columns, Page, Row
from worker.errors import CredentialsRefused, SourceUnreadable, SourceUnwell
from worker.saleslayer.client import Client

LUMA = Path(__file__).parents[2].parent / "shared" / "catalogues" / "luma.json"
CODE, SECRET = "CN12345H6789C0123", "0123456789abcdef0123456789abcdef"
START = 1767225600.0
CATALOGUE: dict[str, Any] = {
    "schema": {"company_ID": 4211, "default_language": "en", "languages": ["en"]},
    "data_schema": {
        "catalogue": ["STATUS", "ID", "ID_PARENT", "REF", "section_name_en"],
        "products": ["STATUS", "ID", "ID_catalogue", "REF", "product_price", {"photo": ["STATUS", "ID", "TH", "ORG"]}],
        "product_formats": ["STATUS", "ID", "ID_products", "REF", "format_price"],
    },
    "data_schema_info": {
        "catalogue": {"section_name_en": {"type": "string", "language_code": "en", "basename": "section_name"}},
        "products": {"photo": {"type": "image", "sizes": {"TH": {"width": 9, "height": 9}, "ORG": {}}}},
        "product_formats": {"format_price": {"type": "numeric"}},
    },
    "data": {
        "catalogue": [["M", 1, 0, "C-1", "Cards"], ["M", 2, 1, "C-2", "Wedding cards"]],
        "products": [
            ["M", 10, [1, 2], "P-10", 2.95, [["M", "i1", "https://img.test/t/1.jpg", "https://img.test/o/1.jpg"]]],
            ["M", 11, [2], "P-11", 52, []],
        ],
        "product_formats": [["M", 100 + one, 10, f"V-{one}", 3.5] for one in range(7)],
    },
}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Sandbox:
    found = Sandbox(clock=clock)
    found.put_connector(CODE, secret=SECRET, catalogue=CATALOGUE)
    return found


@pytest.fixture
def client(sandbox: Sandbox, clock: Clock) -> Iterator[Client]:
    found = a_client(sandbox, clock)
    yield found
    found.close()


def a_client(sandbox: Sandbox, clock: Callable[[], float], *, secret: str = SECRET, code: str = CODE) -> Client:
    transport = SandboxTransport(sandbox)
    return Client(base_url="https://pim.test", code=code, secret=secret, transport=transport, clock=clock)


def all_pages(client: Client, *, last_update: int | None = None, page_size: int = 500) -> list[Page]:
    """The pages of one attempt to read, as the step asks for them."""
    pages = [client.first_page(last_update=last_update, page_size=page_size)]
    while pages[-1].next_url:
        pages.append(client.next_page(pages[-1].next_url, columns=pages[-1].columns))
    return pages


def rows_of(pages: list[Page]) -> dict[tuple[ItemKind, int], Row]:
    found = [row for page in pages for row in page.rows]
    assert len({(row.kind, row.source_id) for row in found}) == len(found)
    return {(row.kind, row.source_id): row for row in found}


@pytest.mark.parametrize(
    "switches",
    [
        Switches(),
        Switches(bom=True),
        Switches(gzip=True),
        Switches(ver_only=True),
        Switches(later_pages_without_schema=True),
        Switches(bom=True, gzip=True, ver_only=True, later_pages_without_schema=True, waiting_images=3),
    ],
)
def test_however_the_source_answers_the_rows_are_the_same(sandbox: Sandbox, client: Client, switches: Switches) -> None:
    plain = rows_of(all_pages(client))
    sandbox.set_switches(CODE, replace(switches, page_rows=2))
    pages = all_pages(client)
    assert len(pages) == 6
    assert rows_of(pages) == plain
    assert plain[ItemKind.PRODUCT, 10].cells["photo"] == [["i1", "https://img.test/o/1.jpg"]]
    assert plain[ItemKind.PRODUCT, 10].cells["product_price"] == "2.95"
    assert all(page.is_refresh and page.company_id == 4211 for page in pages)
    assert pages[0].media_pending == switches.waiting_images


@pytest.mark.skipif(not LUMA.exists(), reason="the shared catalogues are not here")
def test_a_real_catalogue_is_read_whole(sandbox: Sandbox, client: Client) -> None:
    catalogue = json.loads(LUMA.read_text())
    sandbox.put_connector(CODE, catalogue=catalogue, options=Options(include_empty_categories=True, cascade=False))
    pages = all_pages(client)
    rows = rows_of(pages)
    assert len(pages) == 5
    assert Counter(kind for kind, _ in rows) == {"category": 39, "product": 190, "variant": 1847}
    assert rows[ItemKind.CATEGORY, 11].parent_id is None
    hoodie = rows[ItemKind.VARIANT, 50001]
    assert (hoodie.parent_id, hoodie.cells["REF"], hoodie.cells["color"]) == (1001, "MH01-XS-Black", "Black#000000")
    picture_id, url = hoodie.cells["format_image"][0]
    assert (picture_id, "cache" in url) == ("img-7003", False)
    kept = Columns.from_json(json.loads(json.dumps(pages[0].columns.to_json())))
    assert kept == pages[0].columns


def test_an_update_tells_what_changed_what_is_gone_and_what_pictures_stay(
    sandbox: Sandbox, client: Client, clock: Clock
) -> None:
    before = all_pages(client)
    clock.now += 60
    sandbox.edit(CODE, "products", 10, {"product_price": 3.1})
    sandbox.delete(CODE, "product_formats", 106)
    sandbox.set_switches(CODE, Switches(ghost_deletes=1))
    pages = all_pages(client, last_update=before[0].time)
    rows = rows_of(pages)
    assert not pages[0].is_refresh
    changed = rows[ItemKind.PRODUCT, 10]
    assert (changed.cells["product_price"], changed.unchanged_cells) == ("3.1", ("photo",))
    assert "photo" not in changed.cells
    assert rows[ItemKind.VARIANT, 106].gone
    assert len([row for row in rows.values() if row.gone]) == 4


def test_an_update_with_nothing_new_is_empty(client: Client, clock: Clock) -> None:
    cursor = all_pages(client)[0].time
    clock.now += 60
    (page,) = all_pages(client, last_update=cursor)
    assert (page.is_refresh, page.rows, page.next_url) == (False, (), None)
    assert page.time > cursor


def test_a_changed_connector_answers_with_everything_in_spite_of_the_cursor(
    sandbox: Sandbox, client: Client, clock: Clock
) -> None:
    cursor = all_pages(client)[0].time
    clock.now += 60
    sandbox.touch_config(CODE)
    assert client.first_page(last_update=cursor, page_size=500).is_refresh


def test_wrong_credentials_are_refused(sandbox: Sandbox, clock: Clock) -> None:
    a_client(sandbox, clock).check()
    for wrong in (a_client(sandbox, clock, secret="f" * 32), a_client(sandbox, clock, code="CN0")):
        with pytest.raises(CredentialsRefused):
            wrong.check()
        with pytest.raises(CredentialsRefused):
            wrong.first_page(last_update=None, page_size=500)


def test_a_wrong_clock_is_named_after_a_second_try(sandbox: Sandbox) -> None:
    late = a_client(sandbox, lambda: START - 3600)
    with pytest.raises(SourceUnreadable, match="clock"):
        late.check()
    assert late.calls == 2


def test_a_connector_that_is_switched_off_is_named(sandbox: Sandbox, client: Client) -> None:
    sandbox.put_connector(CODE, options=Options(enabled=False))
    with pytest.raises(SourceUnreadable, match="enabled"):
        client.first_page(last_update=None, page_size=500)


def test_data_that_is_being_prepared_is_waited_for(sandbox: Sandbox, client: Client) -> None:
    sandbox.set_switches(CODE, Switches(without_info=True))
    with pytest.raises(SourceUnwell, match="preparing"):
        client.first_page(last_update=None, page_size=500)


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (Fault("error", error=11), SourceUnwell),
        (Fault("http", status=502), SourceUnwell),
        (Fault("html"), SourceUnreadable),
        (Fault("drop"), SourceUnwell),
        (Fault("expired"), SourceUnwell),
        (Fault("no_data"), SourceUnreadable),
        (Fault("cut"), SourceUnreadable),
    ],
)
def test_a_broken_page_breaks_the_attempt_and_the_next_one_succeeds(
    sandbox: Sandbox, client: Client, fault: Fault, trouble: type[Exception]
) -> None:
    sandbox.set_switches(CODE, Switches(page_rows=4, faults=(replace(fault, page=2),)))
    with pytest.raises(trouble):
        all_pages(client)
    assert len(rows_of(all_pages(client))) == 11


def test_pages_that_were_forgotten_are_a_broken_attempt(sandbox: Sandbox, client: Client, clock: Clock) -> None:
    sandbox.set_switches(CODE, Switches(page_rows=4))
    first = client.first_page(last_update=None, page_size=500)
    assert first.next_url
    clock.now += 86_400
    with pytest.raises(SourceUnwell, match="expired"):
        client.next_page(first.next_url, columns=first.columns)
    with pytest.raises(SourceUnwell, match="expired"):
        client.next_page("https://pim.test/?page_token=never-given", columns=first.columns)
