"""Items by way of the HTTP API, their export, and what a profile can be tied to."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text

from api import exports
from models.vocabulary import ItemKind
from sandbox.saleslayer import example
from tests.furnished import Furnished, furnish
from tests.lookers import a_looker
from tests.visitors import Door
from worker.catalog.columns import Column, Columns
from worker.ledger.session import as_tenant
from worker.ledger.vault import Vault


@pytest.fixture
def acme(engine: Engine, a_connector: Callable[..., Any], a_row: Callable[..., int], vault: Vault) -> Furnished:
    """A furnished tenant whose source has been read."""
    there = furnish(engine, a_connector, a_row, vault, tenant="acme")
    columns = Columns({
        ItemKind.PRODUCT: (Column("product_name", "product_name", "string"),),
        ItemKind.CATEGORY: (Column("section_name", "section_name", "string"),),
    })  # fmt: skip
    with as_tenant(engine, there.tenant_id) as session:
        session.execute(text("UPDATE mirror SET columns = CAST(:of AS jsonb)"), {"of": json.dumps(columns.to_json())})
    return there


def path_of(there: Furnished, *more: object) -> str:
    return "/".join(["/v1/connectors", str(there.connector_id), *map(str, more)])


def test_items_are_listed_filtered_and_counted(engine: Engine, door: Door, acme: Furnished) -> None:
    visitor, path = door.reader(acme.tenant_id), path_of(acme, "items")
    seen, after = [], None
    while True:
        page = visitor.reads(path, params={"limit": 3} | ({"after": after} if after else {}))
        seen += [one["source_id"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [301, 302, 303, 304]
    [failed] = visitor.reads(path, params={"outcome": "failed"})["items"]
    assert (failed["source_id"], failed["code"], failed["name"]) == (302, "name_taken", "acme shirt 302")
    assert failed["do"]
    for search in ("SHIRT 302", "acme-302", "302"):
        assert [one["source_id"] for one in visitor.reads(path, params={"search": search})["items"]] == [302]
    assert visitor.reads(path, params={"run": acme.run_id + 1})["items"] == []
    with as_tenant(engine, acme.tenant_id) as session:
        session.execute(text("DELETE FROM item_status WHERE source_id = 303"))
    [untouched] = visitor.reads(path, params={"search": "shirt 303"})["items"]
    assert (untouched["source_id"], untouched["outcome"], untouched["run"]) == (303, "unchanged", None)
    assert [one["source_id"] for one in visitor.reads(path)["items"]] == [301, 302, 303, 304]
    counted = visitor.reads(f"{path}/counts", params={"kind": "product"})
    assert counted["outcomes"] | {"failed": 1, "created": 1, "blocked": 1} == counted["outcomes"]
    for wrong in ({"kind": "thing"}, {"outcome": "x"}, {"limit": 0}, {"storefront": -1}, {"run": 2**63}):
        told = visitor.asks("GET", path, params=wrong, status=422).json()
        assert [one["field"] for one in told["errors"]] == [f"query.{next(iter(wrong))}"]


def test_one_item_is_told_with_its_history_and_synchronised(
    door: Door, acme: Furnished, a_row: Callable[..., int]
) -> None:
    for run in range(1, 4):
        a_row(acme.tenant_id, "item_history", connector_id=acme.connector_id, kind="product", source_id=302,
              storefront_id=0, run_id=run, outcome="failed", code="name_taken")  # fmt: skip
    visitor, path = door.writer(acme.tenant_id), path_of(acme, "items", "product", 302)
    told = visitor.reads(path)
    assert (told["name"], told["reference"], told["at_source"]) == ("acme shirt 302", "acme-302", True)
    [place] = told["places"]
    assert (place["outcome"], place["code"], place["run"]) == ("failed", "name_taken", acme.run_id)
    assert {"field": "name", "source": "acme shirt 302", "sent": None, "store": None} in place["values"]
    first = visitor.reads(f"{path}/history", params={"limit": 2})
    rest = visitor.reads(f"{path}/history", params={"limit": 2, "after": first["next"]})
    assert [one["run"] for one in first["history"] + rest["history"]] == [3, 2, 1]
    assert rest["next"] is None
    key = {"Idempotency-Key": "one"}
    made = visitor.posts(f"{path}/synchronise", status=202, headers=key)
    assert visitor.posts(f"{path}/synchronise", status=202, headers=key) == made
    assert visitor.reads(path_of(acme, "runs", made["run"]))["state"] == "queued"
    for unknown in ("", "/history"):
        visitor.asks("GET", f"{path_of(acme, 'items', 'product', 999)}{unknown}", status=404)
    visitor.asks("POST", path_of(acme, "items", "product", 999, "synchronise"), status=404)


def test_an_item_is_told_with_the_last_call_that_was_made_for_it(
    door: Door, acme: Furnished, a_row: Callable[..., int]
) -> None:
    of = {"connector_id": acme.connector_id, "kind": "product", "source_id": 302, "storefront_id": 0}
    call = ["PUT", "/v3/catalog/products/77", 409, "req-7", "The name is taken.", 1795701792.5]
    lost = ["PUT", "/v3/catalog/products", None, None, None, 1795701700.0]
    visitor, path = door.reader(acme.tenant_id), path_of(acme, "items", "product", 302)
    assert visitor.reads(path)["places"][0]["last_call"] is None
    a_row(acme.tenant_id, "item_history", **of, run_id=1, outcome="failed", calls=[["create", [], False, [lost]]])
    assert visitor.reads(path)["places"][0]["last_call"] == {
        "run": 1, "action": "create", "method": "PUT", "route": "/v3/catalog/products", "status": None,
        "request_id": None, "at": "2026-11-26T14:01:40Z",
    }  # fmt: skip
    a_row(acme.tenant_id, "item_history", **of, run_id=2, outcome="failed",
          calls=[["update", ["price"], False, [lost, call]]])  # fmt: skip
    # The store had it already: that change was sent by no call.
    a_row(acme.tenant_id, "item_history", **of, run_id=3, outcome="updated", calls=[["update", ["price"], True, []]])
    a_row(acme.tenant_id, "item_history", **(of | {"storefront_id": 1}), run_id=4, outcome="updated",
          calls=[["update", [], True, [call]]])  # fmt: skip
    [place] = visitor.reads(path)["places"]
    assert place["last_call"] == {
        "run": 2, "action": "update", "method": "PUT", "route": "/v3/catalog/products/77", "status": 409,
        "request_id": "req-7", "at": "2026-11-26T14:03:12.500000Z",
    }  # fmt: skip


def test_statuses_and_messages_are_exported(door: Door, acme: Furnished, engine: Engine) -> None:
    with as_tenant(engine, acme.tenant_id) as session:
        session.execute(text("UPDATE item_status SET message = '=cmd|x' WHERE source_id = 301"))
        session.execute(
            text("UPDATE item_status SET message = :says WHERE source_id = 302"), {"says": 'a "quoted", line\nbroken'}
        )
    visitor = door.reader(acme.tenant_id)
    answer = visitor.asks("GET", path_of(acme, "items", "export"))
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="acme-shop-items-' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert tuple(rows[0]) == exports.STATUSES
    assert [(one["source_id"], one["status"]) for one in rows] == [
        ("301", "created"), ("302", "failed"), ("303", "unchanged"), ("304", "blocked")
    ]  # fmt: skip
    assert rows[0]["message"] == "'=cmd|x"
    assert rows[1]["message"] == 'a "quoted", line\nbroken'
    assert rows[1]["fix"]
    answer = visitor.asks("GET", path_of(acme, "items", "export"), params={"format": "ndjson", "outcome": "created"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    [one] = map(json.loads, answer.text.splitlines())
    assert (one["source_id"], one["message"], one["storefront"]) == (301, "=cmd|x", None)
    answer = visitor.asks("GET", path_of(acme, "messages", "export"))
    [said] = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert (said["run"], said["level"], said["message"]) == (str(acme.run_id), "warning", "acme says this")
    visitor.asks("GET", path_of(acme, "items", "export"), params={"format": "xls"}, status=422)


def test_what_cannot_be_exported_is_told_before_the_file_begins(door: Door, acme: Furnished, engine: Engine) -> None:
    looker = a_looker(door, acme.tenant_id, acme.connector_id)
    with as_tenant(engine, acme.tenant_id) as session:
        session.execute(text("""UPDATE connector SET profile = '{"brake": 7}'"""))
    told = door.reader(acme.tenant_id).asks("GET", path_of(acme, "items", "export"), status=409).json()
    assert told["code"] == "profile_unusable"
    assert "profile cannot be used" in looker.sees("/items.csv", status=409)


def test_history_keeps_its_place_where_storefronts_were_taken_away(
    door: Door, acme: Furnished, a_row: Callable[..., int]
) -> None:
    told = [(run, storefront) for run in (3, 2, 1) for storefront in (1, 2, 3, 4, 5)]
    for run, storefront in told:
        a_row(acme.tenant_id, "item_history", connector_id=acme.connector_id, kind="category", source_id=11,
              storefront_id=storefront, run_id=run, outcome="updated")  # fmt: skip
    visitor, path = door.reader(acme.tenant_id), path_of(acme, "items", "category", 11, "history")
    for limit in (1, 2, 5, 7):
        seen, after = list[tuple[int, int]](), None
        for _ in range(20):
            page = visitor.reads(path, params={"limit": limit} | ({"after": after} if after else {}))
            assert len(page["history"]) <= limit
            seen += [(one["run"], one["storefront_id"]) for one in page["history"]]
            after = page["next"]
            if after is None:
                break
        assert seen == told


@pytest.mark.parametrize("letter", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_would_steer_a_spreadsheet_is_text(letter: str) -> None:
    [_, row] = csv.reader(io.StringIO("".join(exports._csv([[(f"{letter}1",)]], ["x"])), newline=""))
    assert row == [f"'{letter}1"]


def test_many_items_are_exported_in_flat_memory(door: Door, acme: Furnished, engine: Engine) -> None:
    many = 30_000
    with as_tenant(engine, acme.tenant_id) as session:
        session.execute(
            text(
                "INSERT INTO item_status (connector_id, kind, source_id, storefront_id, tenant_id, run_id, outcome,"
                " message) SELECT :connector, 'product', n, 0, :tenant, :run, 'created', repeat('m', 200)"
                " FROM generate_series(1000, 999 + :many) n"
            ),
            {"connector": acme.connector_id, "tenant": acme.tenant_id, "run": acme.run_id, "many": many},
        )
    pages = exports.statuses(door.desk, acme.tenant_id, acme.connector_id, {})
    next(pages)
    tracemalloc.start()
    peaks, rows = [], 0
    for number, page in enumerate(pages):
        rows += len(page)
        if number in {4, 24}:
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.reset_peak()
        # A slow reader holds no connection: all of the pool's can be had between two pages.
        assert door.desk.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    tracemalloc.stop()
    assert rows == many + 4 - exports.ROWS_AT_ONCE
    assert peaks[1] < 1.2 * peaks[0], peaks


def test_storefronts_and_categories_can_be_chosen(door: Door, acme: Furnished, a_row: Callable[..., int]) -> None:
    for number, parent, name in ((12, 11, "Shirts"), (13, 12, "Linen shirts"), (14, 0, "Shoes")):
        a_row(acme.tenant_id, "source_item", connector_id=acme.connector_id, kind="category", source_id=number,
              parent_id=parent, cells={"section_name": name}, raw_hash="x")  # fmt: skip
    visitor, path = door.writer(acme.tenant_id), path_of(acme, "categories")

    def chosen(**asked: object) -> list[tuple[int, list[str], int]]:
        return [(one["id"], one["path"], one["below"]) for one in visitor.reads(path, params=asked)["categories"]]

    assert chosen() == [(11, ["acme"], 1), (14, ["Shoes"], 0)]
    assert chosen(under=11) == [(12, ["acme", "Shirts"], 1)]
    assert chosen(search="SHIRT") == [(12, ["acme", "Shirts"], 1), (13, ["acme", "Shirts", "Linen shirts"], 0)]
    page = visitor.reads(path, params={"search": "s", "limit": 1})
    assert [one["id"] for one in visitor.reads(path, params={"search": "s", "after": page["next"]})["categories"]] == [
        13, 14
    ]  # fmt: skip
    assert visitor.asks("GET", path_of(acme, "storefronts"), status=502).json()["code"] == "neighbour_unreachable"
    door.stores.open("acmestore", "canary-store-token", plan="Enterprise")
    door.sources.put_connector("CN1", secret="canary-source-secret", catalogue=example.catalogue())
    [first] = visitor.reads(path_of(acme, "storefronts"))["storefronts"]
    assert (first["id"], first["linked"], first["root"]) == (1, True, None)
    visitor.asks("PUT", path_of(acme, "profile"), json={"storefronts": [{"storefront": 1, "root": 12}]})
    [first] = visitor.reads(path_of(acme, "storefronts"))["storefronts"]
    assert (first["linked"], first["root"]) == (True, 12)
    assert "storefronts" in visitor.reads("/v1/profile-schema")["properties"]


def test_a_circle_of_categories_is_told_to_an_end(door: Door, acme: Furnished, a_row: Callable[..., int]) -> None:
    for number, parent in ((21, 22), (22, 21)):
        a_row(acme.tenant_id, "source_item", connector_id=acme.connector_id, kind="category", source_id=number,
              parent_id=parent, cells={"section_name": f"round {number}"}, raw_hash="x")  # fmt: skip
    told = door.reader(acme.tenant_id).reads(path_of(acme, "categories"), params={"search": "round"})
    assert [one["id"] for one in told["categories"]] == [21, 22]


def test_a_connector_is_added_once_for_one_idempotency_key(door: Door, acme: Furnished, engine: Engine) -> None:
    visitor, key = door.writer(acme.tenant_id), {"Idempotency-Key": "new"}
    given = {
        "name": "new",
        "source": {"code": "CN9", "secret": "canary-9"},
        "store": {"hash": "n", "access_token": "t-9"},
    }
    first = visitor.asks("POST", "/v1/connectors", json=given, headers=key, status=201)
    again = visitor.asks("POST", "/v1/connectors", json=given, headers=key, status=201)
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"] == f"/v1/connectors/{first.json()['id']}"
    visitor.asks("POST", "/v1/connectors", json=given | {"brake": 0.5}, headers=key, status=422)
    with as_tenant(engine, acme.tenant_id) as session:
        kept = session.scalar(text("SELECT answered::text FROM answered"))
    assert "canary-9" not in kept
