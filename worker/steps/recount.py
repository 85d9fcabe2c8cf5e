"""At the end of a run that wrote: what the store counts, and a sample read back and compared.

Three calls: two that read, and the catalogue summary. What differs is read once more, if need be instead of the
categories, since the store's reads may lag behind its writes. The result stands in the register as a message; it
changes no item's status, and a store that does not answer costs the recount, not the run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any

from models.vocabulary import ItemKind, Outcome
from worker.bigcommerce import decode, reads
from worker.catalog.items import Key
from worker.catalog.store import Relation, StoreRow
from worker.errors import RefusedByStore, ScopeMissing, StoreUnwell
from worker.ledger import register, relations, runs, samples, source_items, statuses
from worker.ledger.session import Session
from worker.rules import recount as rule
from worker.steps import reading
from worker.steps.told import told
from worker.steps.toolbox import Answered, Cursor, Idle, Save, Step, Toolbox, Write, answered

SETTLING_SECONDS = 3.0
"""Before something is read that may have been written just now."""
_WRITTEN = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.DISABLED})

Kept = dict[str, Any]
"""The cursor: `part` that comes next, whether it is read `again`, how many `reads` there were; `read` (kind -> how many
items), `differing` ([item in words, its groups])."""
Reading = Generator[Save | Idle, bool, tuple[Kept, bool]]
"""Reads a sample, and returns the cursor behind it; and whether the slice should leave."""


def recount(tools: Toolbox, cursor: Cursor | None) -> Step:
    """Read back some of what the run has written, ask the store for its count, and say how they compare."""
    kept: Kept = dict(cursor or {"part": "products", "again": False, "reads": 0, "read": {}, "differing": []})
    with tools.read() as session:
        booked = statuses.counters(session, tools.run_id)
    if not any(count for (_, _, figure), count in booked.items() if figure in _WRITTEN):
        return True
    try:
        while kept["part"] != "summary":
            kept, leaving = yield from (_categories if kept["part"] == "categories" else _products)(tools, kept)
            if (yield Save(dict(kept))) or leaving:
                return False
        with tools.read() as session:
            ours = samples.linked_variants(session, tools.connector_id)
        count, _ = yield from answered(tools, lambda: _count(tools, at_least=ours))
    except (StoreUnwell, RefusedByStore, ScopeMissing) as trouble:
        if isinstance(trouble, StoreUnwell) and not trouble.is_failure:
            raise  # the slice ends, and the next one asks again
        yield Save(None, _not_recounted(tools, str(trouble)))
    else:
        yield Save(None, _telling(tools, kept, count, ours))
    return True


def _products(tools: Toolbox, kept: Kept) -> Reading:
    """Some of the products, with their variants; where one differs the same ones once more, a little later."""
    with tools.read() as session:
        ids = samples.products(session, tools.connector_id, tools.run_id, limit=rule.SAMPLED_PRODUCTS)
        keys = [Key(ItemKind.PRODUCT, one) for one in ids] + samples.variants_of(session, tools.connector_id, ids)
        linked = relations.of(session, tools.connector_id, keys)
    asked = [one.store_id for one in linked.values() if one.key.kind is ItemKind.PRODUCT]
    if not asked:
        return {**kept, "part": "categories"}, False

    def read() -> list[StoreRow]:
        # The names of brands would be one more call: brands are not compared.
        return [row for raw in reads.products_of(tools.store, asked) for row in decode.product(raw, {})]

    rows, leaving = yield from answered(tools, _later(tools, read) if kept["again"] else _readable(read))
    found = _compared(tools, linked, rows)
    if found["differing"] and not kept["again"]:
        following: Kept = {"part": "products", "again": True}
    else:
        following = {"part": "summary" if kept["again"] else "categories"}
    return kept | found | {"reads": kept["reads"] + 1} | following, leaving


def _categories(tools: Toolbox, kept: Kept) -> Reading:
    """Some of the categories, and once more where one differs.

    Behind the products there is no call left for that: only those count that were written a while ago.
    """
    is_only_look = kept["reads"] > 0 and not kept["again"]
    with tools.read() as session:
        keys = samples.categories(session, tools.connector_id, tools.run_id, limit=rule.SAMPLED_CATEGORIES)
        fresh = samples.fresh_categories(session, tools.connector_id, tools.run_id, seconds=SETTLING_SECONDS)
        linked = relations.of(session, tools.connector_id, keys)
    if not linked:
        return {**kept, "part": "summary"}, False
    asked = [one.store_id for one in linked.values()]

    def read() -> list[StoreRow]:
        return [decode.category(raw) for raw in reads.categories_of(tools.store, asked)]

    rows, leaving = yield from answered(tools, _later(tools, read) if kept["again"] else _readable(read))
    counting = {at: one for at, one in linked.items() if not (is_only_look and at in fresh)}
    found = _compared(tools, counting, rows)
    found["read"] = kept["read"] | found["read"]
    reads_again = bool(found["differing"]) and not kept["reads"]
    following: Kept = {"part": "categories", "again": True} if reads_again else {"part": "summary"}
    return kept | found | {"reads": kept["reads"] + 1} | following, leaving


def _count(tools: Toolbox, *, at_least: int) -> int:
    """How many variants the store counts; one that counts fewer than it should is asked once more, a little later."""
    count = _readable(lambda: reads.variant_count(tools.store))()
    return count if count >= at_least else _later(tools, lambda: reads.variant_count(tools.store))()


def _later(tools: Toolbox, read: Callable[[], Answered]) -> Callable[[], Answered]:
    def rested() -> Answered:
        tools.store.rest(SETTLING_SECONDS)
        return _readable(read)()

    return rested


def _readable(read: Callable[[], Answered]) -> Callable[[], Answered]:
    """What is read; an answer that makes no sense is trouble of the store's, and not of the run's."""

    def tried() -> Answered:
        try:
            return read()
        except (ValueError, KeyError, TypeError, ArithmeticError) as odd:
            raise StoreUnwell(f"the store's answer cannot be read ({type(odd).__name__})") from odd

    return tried


def _compared(tools: Toolbox, linked: Mapping[Key, Relation], rows: Iterable[StoreRow]) -> Kept:
    """How many of each kind were compared, and which of them differ in what."""
    held = {(row.kind, row.store_id): row for row in rows}
    differing: list[tuple[str, tuple[str, ...]]] = []
    read: dict[str, int] = {}
    with tools.read() as session:
        for kind, storefront in sorted({(one.kind, one.storefront_id) for one in linked}):
            here = {
                at.source_id: one for at, one in linked.items() if (at.kind, at.storefront_id) == (kind, storefront)
            }
            verdicts = _verdicts(tools, session, kind, storefront, here, held)
            read[kind.value] = read.get(kind.value, 0) + len(verdicts)
            where = f" on storefront {storefront}" if storefront else ""
            differing += [(f"{kind} {one}{where}", groups) for one, groups in verdicts.items() if groups]
    return {"read": read, "differing": differing}


def _verdicts(
    tools: Toolbox,
    session: Session,
    kind: ItemKind,
    storefront: int,
    linked: Mapping[int, Relation],
    rows: Mapping[tuple[ItemKind, int], StoreRow],
) -> dict[int, tuple[str, ...]]:
    """Source id -> the groups that differ, of the items of one kind on one storefront that can be compared."""
    kinds, trees = reading.mapped(tools, session), reading.trees(tools, session)
    categories = relations.of_categories(session, tools.connector_id) if kind is ItemKind.PRODUCT else {}
    # What the store did not take, or not as it was sent, stands in the item's status.
    booked = statuses.of_run(session, tools.connector_id, tools.run_id, [one.key for one in linked.values()])
    goes_without = {at.source_id for at, one in booked.items() if one.problems}
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
            is_whole=source_id not in goes_without,
        )
    for row in mirrored:
        relation = linked[row.source_id]
        if row.gone and not relation.enabled:
            verdicts[row.source_id] = rule.still_shown(rows.get((kind, relation.store_id)))
    return verdicts


def _telling(tools: Toolbox, kept: Kept, count: int, ours: int) -> Write:
    """Say what the store counts, how many of these are ours, and what the sample showed."""

    def write(session: Session) -> None:
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
