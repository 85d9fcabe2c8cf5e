"""Take out what cannot be sent, and say why in its status.

Variants without product, products without a valid weight or price, values
beyond the store's limits; then names and SKUs that repeat inside the source
(law 11). All that is wrong with an item is said at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial

from models.vocabulary import ItemKind, Outcome
from worker.catalog.items import Key, Problem, Settled, Variant
from worker.catalog.values import key
from worker.ledger import mirror, relations, source_items, standing, statuses
from worker.ledger.session import Session
from worker.ledger.source_items import SourceRow
from worker.rules import validity
from worker.rules.mapping import Mapped
from worker.steps import reading, walking
from worker.steps.reading import Family
from worker.steps.toolbox import Cursor, Save, Step, Toolbox, Write
from worker.steps.walking import Under


@dataclass(slots=True)
class Verdicts:
    """What cleaning found in a portion of items."""

    refused: dict[ItemKind, dict[int, str | None]] = field(default_factory=dict)
    settled: list[Settled] = field(default_factory=list)
    healed: dict[ItemKind, list[int]] = field(default_factory=dict)

    def say(self, row: SourceRow, problems: tuple[Problem, ...], outcome: Outcome, *, looked_at: bool) -> None:
        """Note what is wrong with the item; nothing = it is fit."""
        code = problems[0].code if problems else None
        self.refused.setdefault(row.kind, {})[row.source_id] = code
        if problems and (looked_at or row.refused != code):
            self.settled.append(Settled.of(Key(row.kind, row.source_id), outcome, *problems))
        if not problems and row.refused is not None and not row.due:
            self.healed.setdefault(row.kind, []).append(row.source_id)


def clean(tools: Toolbox, cursor: Cursor | None) -> Step:
    """Refuse what cannot be sent; what is refused has its outcome and is due no more."""
    kept = dict(cursor or {"part": "categories"})
    with tools.read() as session:
        kinds = reading.mapped(tools, session)
        all_due = mirror.state(session, tools.connector_id).all_due
        under = walking.under(tools, session)
        before = standing.cleaned_as(session, tools.connector_id)
    if cursor is not None and before != under.reading:
        # A release came in between: what it would refuse may have passed. Nothing of this run is marked as standing.
        yield Save(dict(kept), lambda session: standing.clean_as(session, tools.connector_id, ""))
    if kept["part"] == "categories":
        with tools.read() as session:
            trees = reading.trees(tools, session)
            linked = {at.source_id for at in relations.of_categories(session, tools.connector_id)}
        kept = {"part": "families", "after": -1}
        write = _writing(tools, _categories(trees, linked, kinds, all_due=all_due), trees)
        if (yield Save(dict(kept), partial(_begin, tools, under, write))):
            return False
    if kept["part"] == "families":
        after = int(kept["after"])
        while (portion := walking.portion(tools, after, under, all_due=all_due)) is not None:
            after = portion.after
            verdicts = Verdicts()
            for family in portion.families:
                _family(verdicts, family, kinds, all_due=all_due)
            if (yield Save({"part": "families", "after": after}, _writing(tools, verdicts))):
                return False
        if (yield Save({"part": "repeated"})):
            return False
    yield Save(None, lambda session: _repeated(tools, session, all_due=all_due))
    return True


def _begin(tools: Toolbox, under: Under, write: Write, session: Session) -> None:
    standing.clean_as(session, tools.connector_id, under.reading)
    write(session)


def _categories(
    trees: reading.Trees, linked: AbstractSet[int], kinds: Mapping[ItemKind, Mapped], *, all_due: bool
) -> Verdicts:
    verdicts = Verdicts()
    circles = frozenset[int]().union(*(one.in_circle for one in trees.covered))
    holders: dict[tuple[int, int, str], int] = {}
    present = {source_id: row for source_id, row in trees.rows.items() if not row.gone}
    # Who is in the store under the name keeps it, then the lower id (decision 0006).
    for source_id, row in sorted(present.items(), key=lambda one: (one[0] not in linked, one[0])):
        read = reading.item(row, kinds)
        grave = list(validity.graver(read))
        if source_id in circles:
            grave.append(Problem("category_circle", "its parents lead back to itself; give it another parent"))
        name = key(str(read.item.fields.get("name") or ""))
        parent = row.parent_id if row.parent_id in present else 0
        # Two may have one name where no storefront shows both.
        places = [(tree.storefront_id, parent, name) for tree in trees.covered if source_id in tree and name]
        holder = next((holders[place] for place in places if place in holders), source_id) if not grave else source_id
        if holder == source_id and not grave:
            holders |= dict.fromkeys(places, source_id)
        if holder != source_id:
            grave.append(Problem("name_taken", f"category {holder} has the same name under the same parent", "name"))
        problems = (*grave, *validity.lighter(read, grave)) if grave else ()
        outcome = Outcome.FAILED if holder != source_id else Outcome.REJECTED
        verdicts.say(row, problems, outcome, looked_at=row.due or all_due)
    return verdicts


def _family(verdicts: Verdicts, family: Family, kinds: Mapping[ItemKind, Mapped], *, all_due: bool) -> None:
    """The product by itself, then its variants beside each other."""
    product = family.product
    product_is_fit = product is not None and not product.gone
    if product is not None and not product.gone:
        if product.due or all_due:
            read = reading.item(product, kinds)
            against = validity.graver(read)
            problems = (*against, *validity.lighter(read, against)) if against else ()
            verdicts.say(product, problems, Outcome.REJECTED, looked_at=True)
            product_is_fit = not against
        else:
            product_is_fit = product.refused is None
    present = [row for row in family.variants if not row.gone]
    reads = {row.source_id: reading.item(row, kinds) for row in present}
    grave_of = {source_id: validity.graver(read) for source_id, read in reads.items()}
    variants = [read.item for read in reads.values() if isinstance(read.item, Variant)]
    beside = validity.among_siblings(
        [one for one in variants if not grave_of[one.source_id]], [one for one in variants if grave_of[one.source_id]]
    )
    for row in present:
        looked_at = row.due or all_due
        read, grave = reads[row.source_id], list(grave_of[row.source_id])
        if product is None or product.gone:
            grave.insert(0, Problem("no_product", f"its product {family.id} is not exported by the source"))
        if row.source_id in beside:
            grave.append(beside[row.source_id])
        elif product is not None and not grave and not product_is_fit:
            blocked = (_blocked_by(product),)
            verdicts.say(row, blocked, Outcome.BLOCKED, looked_at=looked_at)
            continue
        problems = (*grave, *validity.lighter(read, grave)) if grave else ()
        verdicts.say(row, problems, Outcome.REJECTED, looked_at=looked_at)


def _blocked_by(product: SourceRow) -> Problem:
    return Problem("product_refused", f"its product {product.source_id} cannot be sent; see the product's status")


def _writing(tools: Toolbox, verdicts: Verdicts, trees: reading.Trees | None = None) -> Write:
    def write(session: Session) -> None:
        for kind, refused in verdicts.refused.items():
            source_items.refuse(session, tools.connector_id, kind, refused)
            source_items.settle(session, tools.connector_id, kind, [one for one, code in refused.items() if code])
        for kind, ids in verdicts.healed.items():
            source_items.make_due(session, tools.connector_id, kind, ids)
        settled = verdicts.settled if trees is None else _by_storefront(verdicts.settled, trees)
        statuses.record(session, tools.tenant_id, tools.connector_id, tools.run_id, settled)

    return write


def _by_storefront(settled: Iterable[Settled], trees: reading.Trees) -> list[Settled]:
    """A category's outcome on every storefront that shows it, with what is wrong with its place there."""
    told = []
    for one in settled:
        for covered in trees.covered:
            source_id = one.key.source_id
            if source_id in covered or source_id in covered.in_circle:
                _, level = covered.places.get(source_id, (None, 1))
                at = Key(one.key.kind, source_id, covered.storefront_id)
                told.append(Settled.of(at, Outcome(one.outcome), *one.problems, *validity.too_deep(level)))
    return told


def _repeated(tools: Toolbox, session: Session, *, all_due: bool) -> None:
    """Names, then SKUs: the holder stays, the others are *failed* without a call, their variants blocked."""
    for code, what, repeated in (
        ("name_taken", "name", source_items.repeated_names(session, tools.connector_id)),
        ("sku_taken", "SKU", source_items.repeated_skus(session, tools.connector_id)),
    ):
        verdicts = Verdicts()
        refused = source_items.refused_for(session, tools.connector_id, code)
        # Categories hold their names within a place of a tree, and were judged before.
        standing = {one for one in refused if one[0] is not ItemKind.CATEGORY}
        for one in repeated:
            where = ", gone at the source and hidden in the store," if one.holder_is_gone else ""
            told = f"{one.holder_kind} {one.holder_id}{where} has the same {what} ('{one.key}')"
            problem = Problem(code, told, what.casefold())
            verdicts.refused.setdefault(one.kind, {})[one.source_id] = code
            if all_due or (one.kind, one.source_id) not in standing:
                verdicts.settled.append(Settled.of(Key(one.kind, one.source_id), Outcome.FAILED, problem))
        now = {(one.kind, one.source_id) for one in repeated}
        for kind, source_id in standing - now:
            verdicts.refused.setdefault(kind, {})[source_id] = None
            verdicts.healed.setdefault(kind, []).append(source_id)
        free = [source_id for kind, source_id in standing - now if kind is ItemKind.PRODUCT]
        for row in source_items.variants_of(session, tools.connector_id, free, refused="product_refused"):
            verdicts.say(row, (), Outcome.BLOCKED, looked_at=True)
        products = [one.source_id for one in repeated if one.kind is ItemKind.PRODUCT]
        for row in source_items.variants_of(session, tools.connector_id, products, refused=None):
            problem = Problem(
                "product_refused", f"its product {row.parent_id} cannot be sent; see the product's status"
            )
            verdicts.say(row, (problem,), Outcome.BLOCKED, looked_at=True)
        _writing(tools, verdicts)(session)
