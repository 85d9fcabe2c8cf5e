"""By which calls an item was sent: kept by the thread that made them, told for the item that they were for."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from models.vocabulary import ItemKind
from worker.bigcommerce import batches, trail
from worker.bigcommerce.answer import Answer
from worker.catalog.calls import LONGEST_SAID, Sent
from worker.errors import RefusedByStore
from worker.rules import provenance


def note(path: str, status: int = 200, *, method: str = "PUT", **answer: object) -> Answer:
    told = Answer(status, **answer)  # type: ignore[arg-type]
    trail.note(method, path, {"x-request-id": f"id-{path}"}, told)
    return told


def paths() -> list[str]:
    return [one.route for one in trail.calls()]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    trail.begin()


def test_the_first_call_and_the_last_ones_are_kept_and_none_that_reads() -> None:
    for number in range(7):
        note(f"/{number}")
        note("/read", method="GET")
    assert paths() == ["/0", "/4", "/5", "/6"]
    assert trail.calls()[0].request_id == "id-/0"


def test_a_success_keeps_no_words_and_a_refusal_few() -> None:
    note("/a", title="OK")
    note("/b", 422, title="no", errors={"0.name": "taken"})
    note("/c", 207, title="x" * 1000)
    trail.lost("POST", "/d", "ReadTimeout")
    said = [(one.status, one.said) for one in trail.calls()]
    assert said == [(200, None), (422, "no 0.name: taken"), (207, "x" * LONGEST_SAID), (None, "ReadTimeout")]


def test_each_part_of_a_batch_has_the_call_that_took_it_and_what_followed_for_it() -> None:
    def call(parts: Sequence[int]) -> Answer:
        name = f"/batch/{'-'.join(map(str, parts))}"
        if 3 in parts:
            note(name, 422)
            raise RefusedByStore(422, "no")
        return note(name)

    found = {}
    for part, _ in batches.send([1, 2, 3, 4], call):
        if part == 1:
            note("/picture/of/1")
        found[part] = paths()
    assert found == {1: ["/batch/1-2", "/picture/of/1"], 2: ["/batch/1-2"], 3: ["/batch/3"], 4: ["/batch/4"]}


def test_threads_do_not_meet() -> None:
    note("/mine")
    others: list[list[str]] = []
    thread = threading.Thread(target=lambda: others.append(paths()))
    thread.start()
    thread.join()
    assert (paths(), others) == (["/mine"], [[]])


def test_what_is_kept_is_read_again() -> None:
    note("/a")
    sent = Sent("update", ("price", "text"), ok=True, calls=trail.calls())
    again = Sent.from_json(sent.to_json())
    assert (again.action, again.groups, again.ok) == ("update", ("price", "text"), True)
    assert [(one.method, one.route, one.status, one.request_id) for one in again.calls] == [("PUT", "/a", 200, "id-/a")]


def test_the_last_change_that_sent_a_field_is_found() -> None:
    def sent(action: str, *groups: str, ok: bool = True) -> Sent:
        return Sent(action, groups, ok=ok, calls=())

    newest_first = [
        (6, sent("metafields")),
        (5, sent("update", "price", ok=False)),
        (4, sent("show")),
        (3, sent("stock")),
        (2, sent("update", "price")),
        (1, sent("create")),
    ]

    def run(field: str) -> int | None:
        found = provenance.last_sent(ItemKind.PRODUCT, field, newest_first)
        return None if found is None else found[0]

    wanted = {"name": 1, "price": 2, "inventory_level": 3, "metafields": 6, "images": 1, "storefronts": None}
    assert {field: run(field) for field in wanted} == wanted
    assert provenance.last_sent(ItemKind.PRODUCT, "name", newest_first[:5]) is None
