"""A look at everything passes over what stands as it was compared, and over nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from sandbox.bigcommerce import products
from sandbox.bigcommerce.faults import Fault
from tests.playing import Shop, a_catalogue
from tests.system import shirts
from tests.system.shirts import product
from tests.system.test_stock import YES, sizes
from worker.bigcommerce import decode
from worker.catalog.items import Problem
from worker.ledger import standing
from worker.ledger.session import as_tenant
from worker.rules import validity
from worker.saleslayer import rows
from worker.steps import clean, plan_family, walking

Open = Callable[..., Shop]
OpenShirts = Callable[..., shirts.Shop]
CUP, MUG = 301, 302
UNTOUCHED = ("source_item", "relation", "store_item", "item_status", "item_count", "family_standing")


def catalogue() -> dict[str, Any]:
    """Two categories, two products with two variants each."""
    of_product = {"price": 1, "weight": 1}
    return a_catalogue(
        [{"ID": 1, "ID_PARENT": 0, "name": "Cups"}, {"ID": 2, "ID_PARENT": 1, "name": "Mugs"}],
        [
            {"ID": CUP, "ID_catalogue": [1], "name": "Cup", "sku": "CUP", "colour": "red", **of_product},
            {"ID": MUG, "ID_catalogue": [2], "name": "Mug", "sku": "MUG", "colour": "red", **of_product},
        ],
        [
            {"ID": 9000 + n, "ID_products": 300 + (n + 1) // 2, "sku": f"V{n}", "Size": "SM"[n % 2], "price": 5}
            for n in (1, 2, 3, 4)
        ],
    )


class Looks:
    """What a run has looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.planned: list[int] = []
        self.cleaned: list[int] = []
        self.read: list[str] = []
        self.told = 0
        """Rows of the source whose cells were all read."""
        cells = rows.Cells.__iter__
        plan, family, product = plan_family.FamilyPlan.plan, clean._family, decode.product

        def planned(this: plan_family.FamilyPlan) -> None:
            self.planned.append(this.family.id)
            plan(this)

        def cleaned(verdicts: Any, this: Any, *rest: Any, **more: Any) -> None:
            self.cleaned.append(this.id)
            family(verdicts, this, *rest, **more)

        def read(raw: Any, brands: Any, **more: Any) -> Any:
            self.read.append(raw["name"])
            return product(raw, brands, **more)

        def told(this: rows.Cells) -> Iterator[str]:
            self.told += 1
            return cells(this)

        monkeypatch.setattr(rows.Cells, "__iter__", told)
        monkeypatch.setattr(plan_family.FamilyPlan, "plan", planned)
        monkeypatch.setattr(clean, "_family", cleaned)
        monkeypatch.setattr(decode, "product", read)

    def forget(self) -> None:
        """Begin anew."""
        self.planned.clear()
        self.cleaned.clear()
        self.read.clear()
        self.told = 0


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    return Looks(monkeypatch)


@pytest.fixture
def shop(open_playing: Open, looks: Looks) -> Shop:
    """All of it is in the store, and a look at everything has found nothing to do."""
    made = open_playing(catalogue())
    assert made.run() == "completed"
    assert made.run(refresh=True) == "completed"
    assert made.writes() == []
    assert sorted(looks.planned) == sorted(looks.cleaned) == sorted([CUP, CUP, MUG, MUG])
    assert looks.told == 2 + 2 + 4, "each row of the source once: when it was new"
    looks.forget()
    return made


def versions(shop: Shop) -> dict[str, list[Any]]:
    """Every row of the tables that a look must not write, with the transaction that wrote it."""
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        return {
            table: sorted(session.execute(text(f"SELECT ctid::text, xmin::text FROM {table}")).all())  # noqa: S608
            for table in UNTOUCHED
        }


def change(shop: Shop, sql: str, **values: Any) -> None:
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        assert session.execute(text(sql), values).rowcount > 0


def test_what_stands_is_not_looked_at_and_no_row_is_written(shop: Shop, looks: Looks) -> None:
    before = versions(shop)
    assert all(before[table] for table in ("source_item", "relation", "store_item", "family_standing"))
    for _ in range(2):
        assert shop.run(refresh=True) == "completed"
        assert shop.writes() == []
        assert looks.planned == looks.cleaned == []
        assert looks.read == []
    assert versions(shop) == before


@pytest.mark.parametrize("families", [1, 2])
@pytest.mark.parametrize("rows", [1, 3, 4])
def test_in_however_small_portions_all_are_looked_at_once(
    shop: Shop, looks: Looks, monkeypatch: pytest.MonkeyPatch, families: int, rows: int
) -> None:
    """Each family has three rows; one is larger than the portion, or two do not fit together."""
    held: list[int] = []
    portion = walking.portion

    def hold(*asked: Any, **how: Any) -> walking.Portion | None:
        found = portion(*asked, **how)
        held.append(len(found.families) if found else 0)
        return found

    monkeypatch.setattr(walking, "portion", hold)
    monkeypatch.setattr(walking, "FAMILIES", families)
    monkeypatch.setattr(walking, "ROWS", rows)
    for source_id in (CUP, MUG):
        shop.edit("products", source_id, price=8)
    assert shop.run(refresh=True) == "completed"
    assert looks.planned == looks.cleaned == [CUP, MUG]
    assert max(held) == 1
    looks.forget()
    # What stands is passed over, also where it fills a portion; what is wanted behind it is found.
    assert shop.run(refresh=True) == "completed"
    shop.edit("products", MUG, price=9)
    looks.forget()
    assert shop.run(refresh=True) == "completed"
    assert looks.planned == looks.cleaned == [MUG]


@pytest.mark.parametrize(
    ("table", "source_id", "values"),
    [("products", CUP, {"price": 7}), ("product_formats", 9001, {"price": 6}), ("products", CUP, {"colour": "blue"})],
)
def test_what_the_source_changes_is_looked_at_again(
    shop: Shop, looks: Looks, table: str, source_id: int, values: dict[str, Any]
) -> None:
    shop.edit(table, source_id, **values)
    assert shop.run(refresh=True) == "completed"
    assert looks.planned == looks.cleaned == [CUP]
    assert len(shop.writes()) >= 1
    looks.forget()
    assert shop.run(refresh=True) == "completed"
    assert shop.writes() == []
    assert looks.planned == [CUP]
    looks.forget()
    assert shop.run(refresh=True) == "completed"
    assert looks.planned == []


def test_a_change_of_what_was_sent_is_looked_at_again(shop: Shop, looks: Looks) -> None:
    change(shop, 'UPDATE relation SET fingerprints = fingerprints || \'{"price": "other"}\' WHERE source_id = 9003')
    assert shop.run(refresh=True) == "completed"
    assert looks.planned == [MUG]
    assert shop.writes() == ["PUT /v3/catalog/variants"]


def test_a_new_variant_and_one_that_goes_are_seen(shop: Shop, looks: Looks) -> None:
    change(shop, "UPDATE source_item SET gone = true, due = true WHERE source_id = 9001 AND kind = 'variant'")
    shop.stage.sources.edit(shop.cast.code, "product_formats", 9001, {"price": 9})
    assert shop.run(refresh=True) == "completed"
    assert looks.planned == [CUP]


@pytest.mark.parametrize(
    "how", ["category at the source", "category unlinked", "profile", "storefront's name", "another release"]
)
def test_what_all_families_depend_on_makes_all_be_looked_at(
    shop: Shop, looks: Looks, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    match how:
        case "category at the source":
            shop.edit("catalogue", 2, name="Beakers")
        case "category unlinked":
            change(shop, "UPDATE relation SET linked_at = now() WHERE kind = 'category' AND source_id = 2")
        case "profile":
            change(shop, "UPDATE connector SET profile = profile || '{\"brake\": 0.5}'")
        case "storefront's name":
            shop.store.configure(channels=[{"id": 1, "name": "Renamed"}])
        case _:
            monkeypatch.setattr("worker.steps.walking.CODE", "another")
    assert shop.run(refresh=True) == "completed"
    assert sorted(looks.planned) == [CUP, MUG]


def test_a_product_that_was_edited_in_the_store_is_read_again(shop: Shop, looks: Looks) -> None:
    held = shop.products()["CUP"]
    row = shop.store.products.get(held["id"])
    assert row is not None
    row["description"] = "written by hand"
    assert shop.run(refresh=True) == "completed"
    assert looks.read == ["Cup"]
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        kept = session.scalar(text("SELECT fields ->> 'description' FROM store_item WHERE store_id = :id"),
                              {"id": held["id"]})  # fmt: skip
    assert kept == "written by hand"


def test_a_product_that_was_removed_in_the_store_is_made_again(shop: Shop, looks: Looks) -> None:
    row = shop.store.products.get(shop.products()["CUP"]["id"])
    assert row is not None
    products.remove(shop.store, row)
    assert shop.run(refresh=True) == "completed"
    assert looks.planned == [CUP]
    assert sorted(shop.products()) == ["CUP", "MUG"]
    assert sorted(shop.variants()) == ["V1", "V2", "V3", "V4"]


def test_what_failed_is_tried_by_every_look_at_everything(open_playing: Open, looks: Looks) -> None:
    made = open_playing(catalogue())
    made.store.faults.add(Fault("status_before", "POST", "catalog/products$", status=422))
    assert made.run() == "completed_with_errors"
    looks.forget()
    made.store.faults.clear()
    assert made.run(refresh=True) == "completed"
    assert sorted(looks.planned) == [CUP, MUG]
    assert sorted(made.products()) == ["CUP", "MUG"]


def test_a_release_between_cleaning_and_planning_lets_nothing_stand(
    open_playing: Open, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the old code has cleaned and the new one plans may be what the new one refuses."""
    made = open_playing(catalogue())
    assert made.run() == "completed"
    repeated, graver = clean._repeated, validity.graver

    def stricter(read: Any) -> Any:
        refused = (Problem("no_price", "a rule of the new release"),) if read.item.source_id == CUP else ()
        return (*graver(read), *refused)

    def released(*given: Any, **more: Any) -> None:
        repeated(*given, **more)
        monkeypatch.setattr(clean, "_repeated", repeated)
        monkeypatch.setattr(walking, "CODE", "new")
        monkeypatch.setattr(validity, "graver", stricter)

    monkeypatch.setattr(clean, "_repeated", released)
    assert made.run(refresh=True) == "completed"
    looks.forget()
    assert made.run(refresh=True) == "completed_with_errors"
    assert sorted(looks.cleaned) == [CUP, MUG]
    assert made.status("product", CUP)[0] == "rejected"


def test_in_another_cluster_all_is_looked_at_once_more(
    shop: Shop, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "cluster", lambda _session: "another")
    assert shop.run(refresh=True) == "completed"
    assert sorted(looks.planned) == sorted(looks.cleaned) == [CUP, MUG]
    looks.forget()
    assert shop.run(refresh=True) == "completed"
    assert looks.planned == looks.cleaned == []


def test_what_the_store_holds_of_a_family_makes_it_be_looked_at_again(open_shirts: OpenShirts) -> None:
    """Where its stock can be set is a matter of the store's: it was left alone, and is not any more."""
    here = open_shirts([product(product_stock="1")], sizes(), **YES)
    here.run()
    here.track("variant")
    here.set("products", 301, product_stock="5")
    for _ in range(2):
        assert here.run(refresh=True) == "completed"
    here.track("product")
    assert here.run(refresh=True) == "completed"
    assert here.product()["inventory_level"] == 5
