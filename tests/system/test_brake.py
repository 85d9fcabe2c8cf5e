"""A run that would take away too much stops before it writes, and asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from models.vocabulary import Action, ItemKind, RunState
from tests.shop import Shop, a_source
from worker.commands.items import shown
from worker.ledger import connectors, planned_items, register, runs
from worker.ledger.session import as_tenant
from worker.scheduling import dispatch

OpenShop = Callable[..., Shop]
MANY = 40


def a_wide_source() -> dict[str, Any]:
    return a_source(
        products=[(300 + n, [1], f"P{n}", f"Product {n}", "10", "1", "2 years") for n in range(MANY)],
        columns={"products": ["warranty"]},
    )


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    """A shop with forty linked products."""
    made = open_shop(a_wide_source())
    made.run()
    made.calls()
    return made


def hide(shop: Shop, products: int) -> None:
    for n in range(products):
        shop.stage.sources.hide(shop.cast.code, "products", 300 + n)


def hidden(shop: Shop) -> int:
    return sum(not row["is_visible"] for row in shop.holds["products"])


def approve(shop: Shop) -> int:
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        held = runs.current(session, shop.cast.connector_id)
        assert held is not None
        allowed = runs.approve(session, held.id)
    dispatch.wake(shop.stage.engine, shop.stage.settings, shop.stage.messages.append, shop.cast.connector_id)
    shop.stage.play()
    return allowed


def state(shop: Shop, run_id: int) -> str:
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        entry = register.run(session, run_id)
    assert entry is not None
    return entry.state


def test_a_run_that_would_hide_too_much_waits_and_has_written_nothing(shop: Shop) -> None:
    hide(shop, 13)
    entry = shop.run()
    assert entry.state is RunState.AWAITING_APPROVAL
    assert register.headline(entry) == "waits for somebody's approval: 13 products to disable"
    (message,) = shop.messages(entry)
    assert (message.level, message.code) == ("warning", "too_much_would_change")
    assert "disable 13 of 40 linked products" in message.text
    assert message.text.endswith("nothing was sent. Approve the run if that is meant, else cancel it"), "by any door"
    assert shop.calls("^(POST|PUT|DELETE)") == []
    assert hidden(shop) == 0


def test_every_figure_of_the_plan_leads_to_as_many_items(shop: Shop) -> None:
    hide(shop, 13)
    shop.stage.sources.edit(shop.cast.code, "products", 300 + 20, {"product_name": "Renamed"})
    source, made = shop.stage.sources, list[int]()
    for number in range(3):
        row: dict[str, Any] = {"ID_catalogue": [1], "REF": f"N{number}", "product_name": f"New {number}"}
        row |= {"product_price": "10", "product_weight": "1", "warranty": "2 years"}
        product = source.add(shop.cast.code, "products", row)
        for size in ("S", "M"):
            row = {"ID_products": product, "REF": f"V{number}{size}", "size": size}
            made.append(source.add(shop.cast.code, "product_formats", row))
    entry = shop.run()
    assert entry.state is RunState.AWAITING_APPROVAL
    figures = {(kind, figure): count for kind, at in entry.counters.items() for figure, count in at.get("-", {}).items()
               if figure in ("to_create", "to_update", "to_disable")}  # fmt: skip
    listed = {(kind, figure): planned(shop, entry.id, kind, figure) for kind, figure in figures}
    assert {place: len(set(found)) for place, found in listed.items()} == figures
    assert figures == {("product", "to_create"): 3, ("product", "to_update"): 1, ("product", "to_disable"): 13,
                       ("variant", "to_create"): 6}  # fmt: skip
    assert listed["product", "to_update"] == [(320, "Renamed", "P20")]
    assert [one for one, *_ in listed["variant", "to_create"]] == made
    assert listed["product", "to_disable"][0] == (300, "Product 0", "P0")
    approve(shop)
    assert [planned(shop, entry.id, kind, figure) for kind, figure in figures] == [[]] * 4, "all is sent"


def planned(shop: Shop, run_id: int, kind: str, figure: str) -> list[tuple[int, str | None, str | None]]:
    """What the figure leads to, in pages of two."""
    found: list[tuple[int, str | None, str | None]] = []
    after = planned_items.BEFORE_ALL
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        known = connectors.load(session, shop.cast.connector_id)
        assert known is not None
        names = shown(session, shop.cast.connector_id, known.profile)
        while page := planned_items.items(session, shop.cast.connector_id, run_id, ItemKind(kind),
                                          Action(figure.removeprefix("to_")), shown=names, after=after,
                                          limit=2):  # fmt: skip
            found += [(one.source_id, one.name, one.reference) for one in page]
            after = page[-1].place
    return found


def test_as_much_as_the_share_goes_through(shop: Shop) -> None:
    hide(shop, 12)
    assert shop.run().state is RunState.COMPLETED
    assert hidden(shop) == 12


def test_values_that_would_be_lost_count_too(shop: Shop) -> None:
    for n in range(13):
        shop.edit("products", 300 + n, warranty="")
    entry = shop.run()
    assert entry.state is RunState.AWAITING_APPROVAL
    assert "take values from 13 of 40 linked products" in shop.messages(entry)[0].text


def test_products_that_a_field_hides_count_too(open_shop: OpenShop) -> None:
    source = a_source(
        products=[(300 + n, [1], f"P{n}", f"Product {n}", "10", "1", "yes") for n in range(MANY)],
        columns={"products": ["is_visible"]},
    )
    shop = open_shop(source)
    shop.run()
    for n in range(13):
        shop.edit("products", 300 + n, is_visible="no")
    assert shop.run().state is RunState.AWAITING_APPROVAL


def test_an_approval_lets_the_run_read_plan_and_write(shop: Shop) -> None:
    hide(shop, 30)
    entry = shop.run()
    assert approve(shop) == 30
    assert state(shop, entry.id) == "completed"
    assert hidden(shop) == 30


def test_what_has_grown_since_the_approval_is_asked_again(shop: Shop) -> None:
    hide(shop, 20)
    entry = shop.run()
    hide(shop, 30)
    approve(shop)
    assert state(shop, entry.id) == "awaiting_approval"
    assert hidden(shop) == 0
    approve(shop)
    assert state(shop, entry.id) == "completed"
    assert hidden(shop) == 30


def test_what_comes_back_meanwhile_is_not_hidden(shop: Shop) -> None:
    hide(shop, 20)
    shop.run()
    for n in range(20):
        shop.stage.sources.show(shop.cast.code, "products", 300 + n)
    approve(shop)
    assert hidden(shop) == 0


def test_the_books_of_an_approved_run_count_each_item_once(shop: Shop) -> None:
    hide(shop, 20)
    entry = shop.run()
    approve(shop)
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        figures = register.counters(session, entry.id)["product"]["-"]
    assert (figures["to_disable"], figures["disabled"], figures["known"]) == (20, 20, 20)


def test_a_request_meanwhile_waits_behind_the_run_that_is_held(shop: Shop) -> None:
    hide(shop, 20)
    shop.run()
    second = shop.run()
    assert second.state is RunState.QUEUED
    approve(shop)
    assert state(shop, second.id) == "unchanged"


def test_a_profile_may_allow_everything(open_shop: OpenShop) -> None:
    shop = open_shop(a_wide_source(), profile={"brake": 1})
    shop.run()
    hide(shop, MANY)
    assert shop.run().state is RunState.COMPLETED
    assert hidden(shop) == MANY


def test_a_cancelled_run_leaves_everything_due(shop: Shop) -> None:
    hide(shop, 20)
    entry = shop.run()
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        runs.become(session, entry.id, RunState.CANCELLED)
        due = session.scalar(text("SELECT count(*) FROM source_item WHERE due AND kind = 'product'"))
    assert due == 20
    assert shop.run().state is RunState.AWAITING_APPROVAL
