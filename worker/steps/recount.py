"""At the end of a run that wrote: what the store counts, and a sample read back and compared.

Three calls: two that read, and the catalogue summary. Products that differ are read once more instead of categories,
since the store's reads may lag behind its writes. The result stands in the register as a message; it changes no item's
status, and a store that does not answer costs the recount, not the run.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from sqlalchemy.orm import Session

from models.vocabulary import ItemKind, Outcome
from worker.bigcommerce import decode, reads
from worker.catalog.items import Key
from worker.catalog.store import Relation, StoreRow
from worker.errors import RefusedByStore, StoreUnwell
from worker.ledger import register, relations, runs, samples, source_items, statuses
from worker.rules import recount as rule
from worker.steps import reading
from worker.steps.told import told
from worker.steps.toolbox import Cursor, Idle, Save, Step, Toolbox, Write, answered

SETTLING_SECONDS = 3.0
"""Before products that differ are read again."""
_WRITTEN = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.DISABLED})

Kept = dict[str, Any]
"""The cursor: `part` that comes next, `read` (kind -> how many), `differing` ([item in words, its groups])."""
Rows = Mapping[tuple[ItemKind, int], StoreRow]
"""(kind, store id) -> what was read."""


def recount(tools: Toolbox, cursor: Cursor | None) -> Step:
    """Read back some of what the run has written, ask the store for its count, and say how they compare."""
    kept: Kept = dict(cursor or {"part": "products", "read": {}, "differing": []})
    with tools.read() as session:
        booked = statuses.counters(session, tools.run_id)
    if not any(count for (_, _, figure), count in booked.items() if figure in _WRITTEN):
        return True
    try:
        while kept["part"] != "summary":
            kept, leaving = yield from (_categories if kept["part"] == "categories" else _products)(tools, kept)
            if (yield Save(dict(kept))) or leaving:
                return False
        count, _ = yield from answered(tools, lambda: reads.variant_count(tools.store))
    except (StoreUnwell, RefusedByStore) as trouble:
        if isinstance(trouble, StoreUnwell) and not trouble.is_failure:
            raise  # the slice ends, and the next one asks again
        yield Save(None, _not_recounted(tools, str(trouble)))
    else:
        yield Save(None, _telling(tools, kept, count))
    return True


def _products(tools: Toolbox, kept: Kept) -> Generator[Save | Idle, bool, tuple[Kept, bool]]:
    """Some of the products, with their variants; where one differs the same ones once more, a little later."""
    is_again = kept["part"] == "again"
    with tools.read() as session:
        ids = samples.products(session, tools.connector_id, tools.run_id, limit=rule.SAMPLED_PRODUCTS)
        keys = [Key(ItemKind.PRODUCT, one) for one in ids] + samples.variants_of(session, tools.connector_id, ids)
        linked = relations.of(session, tools.connector_id, keys)
    asked = [one.store_id for one in linked.values() if one.key.kind is ItemKind.PRODUCT]
    if not asked:
        return {**kept, "part": "categories"}, False

    def read() -> list[dict[str, Any]]:
        if is_again:
            tools.store.rest(SETTLING_SECONDS)
        return reads.products_of(tools.store, asked)

    raws, leaving = yield from answered(tools, read)
    # The names of brands would be one more call: brands are not compared.
    rows = {(row.kind, row.store_id): row for raw in raws for row in decode.product(raw, {})}
    found = _compared(tools, linked, rows)
    following = "summary" if is_again else "again" if found["differing"] else "categories"
    return found | {"part": following}, leaving


def _categories(tools: Toolbox, kept: Kept) -> Generator[Save | Idle, bool, tuple[Kept, bool]]:
    """Some of the categories."""
    with tools.read() as session:
        keys = samples.categories(session, tools.connector_id, tools.run_id, limit=rule.SAMPLED_CATEGORIES)
        linked = relations.of(session, tools.connector_id, keys)
    if not linked:
        return {**kept, "part": "summary"}, False
    asked = [one.store_id for one in linked.values()]
    raws, leaving = yield from answered(tools, lambda: reads.categories_of(tools.store, asked))
    found = _compared(tools, linked, {(row.kind, row.store_id): row for row in map(decode.category, raws)})
    read, differing = kept["read"] | found["read"], kept["differing"] + found["differing"]
    return {"part": "summary", "read": read, "differing": differing}, leaving


def _compared(tools: Toolbox, linked: Mapping[Key, Relation], rows: Rows) -> Kept:
    """How many of each kind were compared, and which of them differ in what."""
    differing: list[tuple[str, tuple[str, ...]]] = []
    read: dict[str, int] = {}
    with tools.read() as session:
        for kind, storefront in sorted({(one.kind, one.storefront_id) for one in linked}):
            here = {
                at.source_id: one for at, one in linked.items() if (at.kind, at.storefront_id) == (kind, storefront)
            }
            verdicts = _verdicts(tools, session, kind, storefront, here, rows)
            read[kind.value] = read.get(kind.value, 0) + len(verdicts)
            where = f" on storefront {storefront}" if storefront else ""
            differing += [(f"{kind} {one}{where}", groups) for one, groups in verdicts.items() if groups]
    return {"read": read, "differing": differing}


def _verdicts(
    tools: Toolbox, session: Session, kind: ItemKind, storefront: int, linked: Mapping[int, Relation], rows: Rows
) -> dict[int, tuple[str, ...]]:
    """Source id -> the groups that differ, of the items of one kind on one storefront that can be compared."""
    kinds, trees = reading.mapped(tools, session), reading.trees(tools, session)
    categories = relations.of_categories(session, tools.connector_id) if kind is ItemKind.PRODUCT else {}
    mirrored = source_items.rows(session, tools.connector_id, kind, linked)
    shown = {one for tree in trees.covered if tree.storefront_id == storefront for one in tree.places}
    fit = [
        row.source_id
        for row in mirrored
        if not row.gone and row.refused is None and (kind is not ItemKind.CATEGORY or row.source_id in shown)
    ]
    verdicts = {}
    for source_id, one in told(tools, session, kind, fit, kinds, trees, storefront).items():
        relation = linked[source_id]
        verdicts[source_id] = rule.differing(
            one.item,
            one.groups,
            rows.get((kind, relation.store_id)),
            relation,
            tools.profile.switches,
            category_ids=one.category_ids(categories),
        )
    for row in mirrored:
        relation = linked[row.source_id]
        if row.gone and not relation.enabled:
            verdicts[row.source_id] = rule.still_shown(rows.get((kind, relation.store_id)))
    return verdicts


def _telling(tools: Toolbox, kept: Kept, count: int) -> Write:
    """Say what the store counts, and what the sample showed."""

    def write(session: Session) -> None:
        ours = samples.linked_variants(session, tools.connector_id)
        read = register.counted({kind: kept["read"].get(kind.value, 0) for kind in ItemKind})
        text = f"the store counts {count:,} variants, {ours:,} of them from this connector"
        if count < ours:
            text = f"the store counts {count:,} variants, fewer than the {ours:,} that this connector has there"
        text += f"; read back: {read or 'nothing'}"
        if count < ours or kept["differing"]:
            told = rule.in_words(kept["differing"])
            text += f"; something else than was sent stands in {told}" if told else ""
            runs.say(session, tools.tenant_id, tools.run_id, level="warning", code="recount_differs", message=text)
        else:
            text += ", all as sent"
            runs.say(session, tools.tenant_id, tools.run_id, level="info", code="recounted", message=text)

    return write


def _not_recounted(tools: Toolbox, reason: str) -> Write:
    def write(session: Session) -> None:
        text = f"the store was not recounted: {reason}"
        runs.say(session, tools.tenant_id, tools.run_id, level="warning", code="not_recounted", message=text)

    return write
