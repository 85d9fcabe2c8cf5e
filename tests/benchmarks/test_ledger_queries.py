"""How long each query of a slice takes, whatever Postgres knows of the tables.

A tenant's first run fills the tables faster than they are analysed, so a plan must be right without statistics,
and with those of other tenants alone (decision 0010). `pytest -s` shows the table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

import pytest
from sqlalchemy.exc import OperationalError

from models.vocabulary import ItemKind, Outcome
from tests.benchmarks.filled import (
    FAR,
    FREE,
    PRODUCTS,
    STORE_ID_OF,
    STOREFRONT,
    VARIANTS_EACH,
    Filled,
    Known,
    databases,
)
from worker.catalog import changes as catalog_changes
from worker.catalog.columns import Row
from worker.catalog.items import Key, Settled
from worker.catalog.store import Relation, StoreRow
from worker.ledger import (
    anew,
    announced,
    changes,
    item_counts,
    item_detail,
    item_register,
    mirror,
    related,
    relations,
    retention,
    samples,
    source_items,
    statuses,
    store_items,
)
from worker.ledger.session import Session, as_tenant

CATEGORY, PRODUCT, VARIANT = ItemKind.CATEGORY, ItemKind.PRODUCT, ItemKind.VARIANT
SLOW = 0.1
"""Seconds below which a ratio says nothing."""
Asked = Callable[[Session, Filled], object]

# What a slice looks at together: fifty products with their variants, spread over the catalogue.
PRODUCT_IDS = list(range(7, PRODUCTS, PRODUCTS // 50))[:50]
VARIANT_IDS = [(one - 1) * VARIANTS_EACH + place for one in PRODUCT_IDS for place in range(1, VARIANTS_EACH + 1)]
NEWS = [Row(VARIANT, one, False, "new", 1, {"TEXT": "new"}) for one in VARIANT_IDS]
KEYS = [Key(PRODUCT, one) for one in PRODUCT_IDS] + [Key(VARIANT, one) for one in VARIANT_IDS]
NAMES = [f"product called {one}" for one in PRODUCT_IDS] + [f"p-{one}" for one in PRODUCT_IDS]
LINKED = [Key(PRODUCT, one) for one in PRODUCT_IDS if one % FREE]
UNLINKED = [Key(PRODUCT, one * FREE) for one in range(1, 51)]


def store_id(key: Key) -> int:
    return FAR + STORE_ID_OF[key.kind] + key.source_id


def as_they_are(keys: list[Key]) -> list[Relation]:
    return [Relation(key, store_id(key), created_here=True, fingerprints={"text": "f"}) for key in keys]


def settled(keys: list[Key], outcome: Outcome = Outcome.UPDATED) -> list[Settled]:
    return [Settled(key, outcome) for key in keys]


def store_rows(kind: ItemKind, ids: list[int]) -> list[StoreRow]:
    return [StoreRow(kind, store_id(Key(kind, one)), 1, None, "new", "new", {"name": "new"}, "new") for one in ids]


def take_and_give_back(session: Session, at: Filled) -> None:
    taken = changes.take(session, at.id, 100, limit=30)
    assert len(taken) == 30
    changes.give_back(session, taken)


def take_and_finish(session: Session, at: Filled) -> None:
    changes.done(session, [one.id for one in changes.take(session, at.id, 200, limit=30)])


def take_and_retry(session: Session, at: Filled) -> None:
    changes.retry_later(session, [one.id for one in changes.take(session, at.id, 200, limit=30)])


ASKED: Mapping[str, Asked] = {
    "relations.remember, anew": lambda s, c: relations.remember(
        s, c.tenant_id, c.id, c.store_hash, as_they_are(UNLINKED)
    ),
    "relations.remember, again": lambda s, c: relations.remember(
        s, c.tenant_id, c.id, c.store_hash, as_they_are(LINKED)
    ),
    "relations.remember, moved": lambda s, c: relations.remember(
        s, c.tenant_id, c.id, c.store_hash, [Relation(key, 90_000_000 + key.source_id) for key in LINKED]
    ),
    "relations.of_families": lambda s, c: relations.of_families(s, c.id, PRODUCT_IDS, VARIANT_IDS),
    "relations.of": lambda s, c: relations.of(s, c.id, KEYS),
    "relations.of_categories": lambda s, c: relations.of_categories(s, c.id),
    "relations.enabled": lambda s, c: relations.enabled(s, c.id),
    "relations.holding": lambda s, c: relations.holding(s, c.id, PRODUCT, NAMES),
    "relations.vanished": lambda s, c: relations.vanished(s, c.id),
    "relations.forget": lambda s, c: relations.forget(s, c.id, KEYS),
    "relations.unsettle_products_in": lambda s, c: relations.unsettle_products_in(s, c.id, [3, 5]),
    "statuses.record": lambda s, c: statuses.record(s, c.tenant_id, c.id, c.run_id, settled(KEYS)),
    "statuses.tally": lambda s, c: statuses.tally(s, c.id, c.run_id),
    "statuses.tally_of_run": lambda s, c: statuses.tally_of_run(s, c.id, c.run_id),
    "statuses.of_run": lambda s, c: statuses.of_run(s, c.id, c.run_id, KEYS),
    "statuses.tally_of_known": lambda s, c: statuses.tally_of_known(s, c.id, c.run_id, {(1, STOREFRONT)}),
    "statuses.clear_trouble": lambda s, c: statuses.clear_trouble(
        s, c.id, PRODUCT, [(one.source_id, 0) for one in UNLINKED], c.run_id
    ),
    "statuses.forget_gone": lambda s, c: statuses.forget_gone(s, c.id),
    "statuses.some": lambda s, c: statuses.some(s, c.id, c.run_id, "variant", 0, None, limit=11),
    "announced.unaccounted": lambda s, c: announced.unaccounted(s, c.id, c.run_id),
    "samples.products": lambda s, c: samples.products(s, c.id, c.run_id, limit=25),
    "samples.categories": lambda s, c: samples.categories(s, c.id, c.run_id, limit=50),
    "samples.linked_variants": lambda s, c: samples.linked_variants(s, c.id),
    "changes.plan": lambda s, c: changes.plan(
        s, c.tenant_id, c.id, c.run_id, [(100, catalog_changes.Disable(key.kind, key.source_id)) for key in KEYS]
    ),
    "changes.standing_families": lambda s, c: changes.standing_families(s, c.id),
    "changes.standing_rebuilds": lambda s, c: changes.standing_rebuilds(s, c.id),
    "changes.clear": lambda s, c: changes.clear(s, c.id),
    "changes.doubt": lambda s, c: changes.doubt(s, c.id),
    "changes.wave": lambda s, c: changes.wave(s, c.id),
    "changes.front": lambda s, c: changes.front(s, c.id),
    "changes.take, give_back": take_and_give_back,
    "changes.take, done": take_and_finish,
    "changes.take, retry_later": take_and_retry,
    "changes.drop_others": lambda s, c: changes.drop_others(s, c.id, VARIANT, VARIANT_IDS),
    "changes.categories_to_come": lambda s, c: changes.categories_to_come(s, c.id),
    "changes.left": lambda s, c: changes.left(s, c.id),
    "source_items.has_due": lambda s, c: source_items.has_due(s, c.id),
    "source_items.family_ids, due": lambda s, c: source_items.family_ids(s, c.id, after=900, limit=50, all_due=False),
    "source_items.family_ids, all": lambda s, c: source_items.family_ids(s, c.id, after=900, limit=50, all_due=True),
    "source_items.as_many_as_fit": lambda s, c: source_items.as_many_as_fit(s, c.id, PRODUCT_IDS, rows=100),
    "source_items.families": lambda s, c: source_items.families(s, c.id, PRODUCT_IDS),
    "source_items.rows": lambda s, c: source_items.rows(s, c.id, VARIANT, VARIANT_IDS),
    "source_items.categories": lambda s, c: source_items.categories(s, c.id),
    "source_items.refuse": lambda s, c: source_items.refuse(s, c.id, VARIANT, dict.fromkeys(VARIANT_IDS, "no")),
    "source_items.settle_sent": lambda s, c: source_items.settle_sent(s, c.id, VARIANT, VARIANT_IDS),
    "source_items.settle": lambda s, c: source_items.settle(s, c.id, VARIANT, VARIANT_IDS),
    "source_items.make_due": lambda s, c: source_items.make_due(s, c.id, VARIANT, VARIANT_IDS),
    "source_items.repeated_names": lambda s, c: source_items.repeated_names(s, c.id),
    "source_items.repeated_skus": lambda s, c: source_items.repeated_skus(s, c.id),
    "source_items.refused_for": lambda s, c: source_items.refused_for(s, c.id, "name_taken"),
    "source_items.variants_of": lambda s, c: source_items.variants_of(s, c.id, PRODUCT_IDS, refused=None),
    "source_items.categories_with_products": lambda s, c: source_items.categories_with_products(s, c.id),
    "source_items.make_products_due_in": lambda s, c: source_items.make_products_due_in(s, c.id, [3, 5]),
    "source_items.known": lambda s, c: source_items.known(s, c.id),
    "store_items.keep": lambda s, c: store_items.keep(s, c.tenant_id, c.id, 900, store_rows(VARIANT, VARIANT_IDS)),
    "store_items.finish_read": lambda s, c: store_items.finish_read(s, c.id),
    "store_items.load": lambda s, c: store_items.load(s, c.id, PRODUCT, [store_id(key) for key in LINKED]),
    "store_items.variants_of": lambda s, c: store_items.variants_of(s, c.id, store_id(Key(PRODUCT, 9_000))),
    "store_items.any_of": lambda s, c: store_items.any_of(s, c.id, VARIANT),
    "store_items.product_candidates": lambda s, c: store_items.product_candidates(s, c.id, after=9_000, limit=500),
    "store_items.variant_candidates": lambda s, c: store_items.variant_candidates(s, c.id, after=9_000, limit=500),
    "store_items.category_candidates": lambda s, c: store_items.category_candidates(
        s, c.id, tree_id=1, wanted=[(one, FAR + 1_000_000 + one // 10, f"category called {one}") for one in range(500)]
    ),
    "mirror.different": lambda s, c: mirror.different(s, c.id, NEWS, {}),
    "mirror.stage": lambda s, c: mirror.stage(s, c.tenant_id, c.id, 900, NEWS, NEWS, {}),
    "mirror.take_over": lambda s, c: mirror.take_over(s, c.id, portion=2_000),
    "mirror.mark_missing": lambda s, c: mirror.mark_missing(s, c.id),
    "related.linked": lambda s, c: related.linked(s, c.id, [f"P-{one}" for one in PRODUCT_IDS] + ["17"]),
    "related.healed": lambda s, c: related.healed(s, c.id, after=0, limit=50),
    "related.unsettle": lambda s, c: related.unsettle(s, c.id, LINKED),
    "item_register.items": lambda s, c: item_register.items(s, c.id, outcome=Outcome.FAILED),
    "item_register.items, all": lambda s, c: item_register.items(s, c.id),
    "item_register.items, unchanged": lambda s, c: item_register.items(s, c.id, outcome=Outcome.UNCHANGED),
    "item_register.items, of a run": lambda s, c: item_register.items(s, c.id, run=c.run_id, code="refused_by_store"),
    "item_register.items, found": lambda s, c: item_register.items(s, c.id, search="called 19999"),
    "item_register.items, frequent": lambda s, c: item_register.items(s, c.id, search="called", outcome=Outcome.FAILED),
    "item_register.items, not found": lambda s, c: item_register.items(s, c.id, search="nothing like it"),
    "item_counts.counts": lambda s, c: item_counts.counts(s, c.id),
    "item_counts.counts, found": lambda s, c: item_counts.counts(s, c.id, search="called 1999"),
    "item_detail.known": lambda s, c: item_detail.known(s, c.id, PRODUCT, PRODUCT_IDS[0]),
    "item_detail.history": lambda s, c: item_detail.history(s, c.id, PRODUCT, PRODUCT_IDS[0]),
    "anew.mark": lambda s, c: anew.mark(s, c.id, PRODUCT, PRODUCT_IDS[:1]),
    "anew.marked": lambda s, c: anew.marked(s, c.id),
    "retention.prune": lambda s, c: retention.prune(s, c.id, days=90),
}


@pytest.fixture(scope="module")
def filled() -> Iterator[dict[Known, Filled]]:
    with databases() as made:
        yield made


def seconds(at: Filled, ask: Asked) -> float:
    """How long the query takes when its pages are in memory; infinite where the statement timed out."""
    taken: list[float] = []
    while len(taken) < 5 and sum(taken) < 3:
        with as_tenant(at.engine, at.tenant_id) as session:
            undone = session.begin_nested()
            begun = time.perf_counter()
            try:
                ask(session, at)
            except OperationalError:
                return float("inf")
            else:
                taken.append(time.perf_counter() - begun)
            finally:
                undone.rollback()
    return min(taken)


@pytest.mark.timeout(3600)
def test_a_query_is_as_quick_without_statistics_as_with_them(filled: dict[Known, Filled]) -> None:
    print(f"\n{'seconds':40} {'nothing':>9} {'others':>9} {'early':>9} {'all':>9} {'ratio':>7}")  # noqa: T201 the measurement
    slow = {}
    for name, ask in ASKED.items():
        took = {known: seconds(at, ask) for known, at in filled.items()}
        worst = max(took.values())
        ratio = worst / took[Known.ALL]
        figures = " ".join(f"{took[known]:9.4f}" for known in Known)
        print(f"{name:40} {figures} {ratio:7.1f}", flush=True)  # noqa: T201 idem
        if worst > SLOW and ratio > 5:
            slow[name] = took
    assert not slow
