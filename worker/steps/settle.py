"""What came of changes, written down: relation, status, one pending change less."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from models.vocabulary import ItemKind, Outcome
from worker.bigcommerce.options.prove import in_words
from worker.catalog.calls import Sent
from worker.catalog.changes import (
    AssignStorefronts,
    Change,
    CreateCategory,
    CreateProduct,
    CreateVariant,
    Disable,
    ProveStock,
    PutMetafields,
    RebuildVariants,
    RelabelOptions,
    RelateProducts,
    SetStock,
    ShowOptions,
    UpdateCategory,
    UpdateProduct,
    UpdateVariant,
)
from worker.catalog.changes import action as action_of
from worker.catalog.changes import key as key_of
from worker.catalog.fields import Group
from worker.catalog.items import Key, Problem, Settled
from worker.catalog.sending import Applied, Job
from worker.errors import AnswerLost, ItemTrouble, RefusedByStore, WorkerError
from worker.ledger import changes, related, relations, source_items, statuses
from worker.ledger.changes import QUARANTINED_AFTER, Pending
from worker.ledger.session import Session
from worker.rules import field_values, matching, ordering
from worker.steps.resolve import Orphan
from worker.steps.toolbox import Toolbox


@dataclass(slots=True)
class Books:
    """What a portion of results comes to."""

    done: list[int] = field(default_factory=list)
    back: list[Pending] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    strong: list[Settled] = field(default_factory=list)
    weak: list[Settled] = field(default_factory=list)
    """Follow-ups of an item whose outcome an earlier change of this run may have told already."""
    failed: dict[ItemKind, set[int]] = field(default_factory=dict)
    gone: list[Key] = field(default_factory=list)
    due: list[Key] = field(default_factory=list)
    """Items that are not settled by this run, whatever their status says."""

    @contextmanager
    def sent_by(self, applied: Applied) -> Iterator[None]:
        """What is told meanwhile was sent by this change, but for what is blocked by it."""
        told = [(books, len(books)) for books in (self.strong, self.weak)]
        yield
        change = applied.job.change
        groups = change.groups if isinstance(change, UpdateCategory | UpdateProduct | UpdateVariant) else ()
        sent = (Sent(action_of(change).value, tuple(sorted(groups)), applied.trouble is None, applied.calls),)
        for books, before in told:
            books[before:] = [
                one if one.outcome == Outcome.BLOCKED else replace(one, sent=sent) for one in books[before:]
            ]


def record(tools: Toolbox, session: Session, applied: Sequence[Applied], orphans: Sequence[Orphan]) -> None:
    """Write down what came of these jobs, and of the changes whose parent is not there."""
    books = Books()
    kept = {}
    sent: dict[Key, field_values.Values] = {}
    following = [(wave_of(change), change) for one in applied for change in one.following]
    for one in applied:
        for relation in one.relations:
            kept[relation.key] = relation
        if one.revised is not None:
            changes.revise(session, one.job.pending_id, one.revised, wave_of(one.revised))
        elif one.trouble is None:
            with books.sent_by(one):
                _succeeded(books, one)
            for at, values in field_values.sent_by(one.job.change).items():
                sent[at] = sent.get(at, {}) | values
        elif _may_clear_up(one):
            wave = ordering.again(wave_of(one.job.change), one.job.attempts + 1)
            changes.try_again(session, one.job.pending_id, wave)
        else:
            with books.sent_by(one):
                _met_trouble(books, one.job, one.trouble)
    foreign = relations.remember(
        session, tools.tenant_id, tools.connector_id, tools.store_hash, list(kept.values()), sent
    )
    for at in foreign:
        books.strong.append(Settled.of(at, Outcome.FAILED, matching.OWNED_ELSEWHERE))
    for orphan in orphans:
        _orphaned(books, orphan)
    related.unsettle(session, tools.connector_id, books.gone)
    relations.forget(session, tools.connector_id, books.gone)
    changes.done(session, books.done)
    changes.plan(session, tools.tenant_id, tools.connector_id, tools.run_id, following)
    changes.give_back(session, books.back)
    changes.retry_later(session, books.lost)
    for kind, ids in books.failed.items():
        changes.drop_others(session, tools.connector_id, kind, ids)
    _write(tools, session, books)


def _write(tools: Toolbox, session: Session, books: Books) -> None:
    told = statuses.of_run(session, tools.connector_id, tools.run_id, [one.key for one in books.weak])
    # A follow-up does not put "updated" over what the item's main change came to; its problems are added.
    weak = [
        _after(told.get(one.key), one)
        for one in books.weak
        if one.problems or one.key not in told or told[one.key].outcome == Outcome.UNCHANGED
    ]
    final = {one.key: one for one in (*weak, *books.strong)}
    sent_by: dict[Key, tuple[Sent, ...]] = {}
    for one in (*books.weak, *books.strong):
        sent_by[one.key] = (*sent_by.get(one.key, ()), *one.sent)
    told_anew = [
        one if one.sent == sent else replace(one, sent=sent)
        for one, sent in ((one, sent_by.pop(at)) for at, one in final.items())
    ]
    statuses.record(session, tools.tenant_id, tools.connector_id, tools.run_id, told_anew)
    statuses.add_calls(session, tools.connector_id, tools.run_id, sent_by)
    # A follow-up settles no item whose main change is still to be completed.
    open_ones = {at for at, one in told.items() if _unfinished(one.problems)}
    sent = {one.key for one in (*books.weak, *final.values())} - open_ones
    for kind in ItemKind:
        source_items.settle_sent(session, tools.connector_id, kind, {at.source_id for at in sent if at.kind is kind})
        source_items.make_due(session, tools.connector_id, kind, {at.source_id for at in books.due if at.kind is kind})


def _after(told: Settled | None, one: Settled) -> Settled:
    """What a follow-up comes to beside what the run has told of its item before."""
    if told is None:
        return one
    outcome = Outcome(one.outcome if told.outcome == Outcome.UNCHANGED else told.outcome)
    problems = tuple(dict.fromkeys((*told.problems, *one.problems)))
    return replace(Settled.of(one.key, outcome, *problems), answer=told.answer)


def _succeeded(books: Books, one: Applied) -> None:
    job, change = one.job, one.job.change
    at = key_of(change)
    books.done.append(job.pending_id)
    problems = tuple(dict.fromkeys((*_remarks(change), *one.problems, *_missing(job))))
    match change:
        case CreateCategory() | CreateVariant():
            books.strong.append(Settled.of(at, Outcome.CREATED, *problems))
        case CreateProduct():
            books.strong.append(Settled.of(at, Outcome.CREATED, *problems))
            if unfinished := _unfinished(problems):
                books.due += [relation.key for relation in one.relations]
            made = {
                relation.key.source_id: relation for relation in one.relations if relation.key.kind is ItemKind.VARIANT
            }
            for variant in change.variants:
                key = Key(ItemKind.VARIANT, variant.source_id)
                if variant.source_id in made:
                    is_whole = Group.IMAGES in made[variant.source_id].fingerprints
                    own = (*variant.remarks, *one.of_variants.get(variant.source_id, ()))
                    books.strong.append(Settled.of(key, Outcome.CREATED, *own, *(() if is_whole else unfinished)))
                else:
                    text = "the store made its product without it; it is tried again when the source changes it"
                    books.strong.append(_failed(key, "variant_missing", text))
        case UpdateCategory() | UpdateProduct() | UpdateVariant():
            books.strong.append(Settled.of(at, change.outcome, *problems))
        case Disable():
            books.strong.append(Settled.of(at, Outcome.DISABLED, *problems))
        case RelabelOptions() | RebuildVariants():
            books.weak.append(Settled.of(at, Outcome.UPDATED, *problems))
            variants = change.variants if isinstance(change, RebuildVariants) else ()
            remarks = {variant.source_id: variant.remarks for variant in variants}
            for source_id, note in one.notes.items():
                told = (note, *remarks.get(source_id, ()), *one.of_variants.get(source_id, ()))
                books.strong.append(Settled.of(Key(ItemKind.VARIANT, source_id), Outcome.UPDATED, *told))
                books.due += [Key(ItemKind.VARIANT, source_id)] if note.code == "rebuilt_in_part" else []
            if isinstance(change, RebuildVariants):
                books.gone += [Key(ItemKind.VARIANT, source_id) for source_id in change.dropped]
        case ProveStock():
            books.strong.append(Settled.of(at, Outcome.UPDATED, *problems))
            books.due += [at for problem in problems if problem.code == "rebuilt_in_part"]
        case SetStock():
            # Without its stock an item is as its main change left it, or, where that was all, it has failed.
            books.weak.append(Settled.of(at, Outcome.FAILED if problems else Outcome.UPDATED, *problems))
        case ShowOptions() | AssignStorefronts() | RelateProducts() | PutMetafields():
            books.weak.append(Settled.of(at, Outcome.UPDATED, *problems))


def _unfinished(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """What is still to be sent of an item that was made: it stays due for it."""
    return tuple(one for one in problems if one.code in ("picture_missing", "part_missing"))


def _may_clear_up(one: Applied) -> bool:
    """A name or SKU that is taken may be given up by another change of this run: tried once more, behind it."""
    taken = isinstance(one.trouble, RefusedByStore) and one.trouble.is_taken
    return taken and not one.relations and (not one.job.attempts or one.stepped_aside)


def wave_of(change: Change) -> int:
    """The wave in which the change goes."""
    level = 0
    if isinstance(change, CreateCategory | UpdateCategory):
        level = change.level
    elif isinstance(change, ProveStock):
        level = int(change.is_last)
    return ordering.wave(key_of(change).kind, action_of(change), level)


def _met_trouble(books: Books, job: Job, trouble: WorkerError) -> None:
    if isinstance(trouble, AnswerLost) and job.attempts + 1 < QUARANTINED_AFTER:
        books.lost.append(job.pending_id)
        return
    if not isinstance(trouble, ItemTrouble):
        # It was not executed, or may be repeated: the slice has the trouble, the change is as it was.
        books.back.append(Pending(job.pending_id, job.change, job.attempts, job.unsure))
        return
    at = key_of(job.change)
    books.done.append(job.pending_id)
    books.failed.setdefault(at.kind, set()).add(at.source_id)
    code, answer = trouble.code, str(trouble)
    if isinstance(trouble, RefusedByStore):
        answer = trouble.body or answer
        if trouble.status == 404 and job.relation is not None:
            # Removed in the store since it was read: it stays due, and the next run makes it again.
            books.gone.append(at)
            books.due.append(at)
            code = "removed_in_store"
    elif isinstance(trouble, AnswerLost):
        code = "quarantined"
    books.strong.append(_failed(at, code, str(trouble), answer))
    if isinstance(job.change, RebuildVariants | RelabelOptions):
        ids = job.change.old_ids if isinstance(job.change, RebuildVariants) else job.change.fingerprints
        text = f"its option values could not be changed: {trouble}"
        for one in ids:
            books.strong.append(_failed(Key(ItemKind.VARIANT, one), code, text + _had(job.change, one), answer))
    if isinstance(job.change, CreateProduct):
        text = f"its product {at.source_id} could not be created; see the product's status"
        for variant in job.change.variants:
            books.strong.append(_blocked(Key(ItemKind.VARIANT, variant.source_id), "product_failed", text))


def _had(change: RebuildVariants | RelabelOptions, source_id: int) -> str:
    """The stock that a rebuild had read, in words: it may be gone with the variant."""
    kept = change.kept if isinstance(change, RebuildVariants) else None
    stock = [(int(location), int(quantity)) for location, quantity in (kept or {}).get(source_id, {}).get("stock", ())]
    words = in_words([(location, quantity) for location, quantity in stock if quantity])
    return f"; it had {words}" if words else ""


def _orphaned(books: Books, orphan: Orphan) -> None:
    """What it hangs on could not be sent: blocked, by name; a follow-up of a failed item just goes."""
    change, missing = orphan.pending.change, orphan.missing
    books.done.append(orphan.pending.id)
    if missing == key_of(change):
        return
    text = f"its {missing.kind} {missing.source_id} could not be sent; see that one's status"
    if isinstance(change, CreateProduct):
        books.strong.append(_blocked(key_of(change), "category_missing", text))
        blocked = f"its product {change.source_id} could not be sent; see the product's status"
        books.strong += [
            _blocked(Key(ItemKind.VARIANT, one.source_id), "product_failed", blocked) for one in change.variants
        ]
    else:
        code = "parent_failed" if missing.kind is ItemKind.CATEGORY else "product_failed"
        books.strong.append(_blocked(key_of(change), code, text))


def _remarks(change: Change) -> tuple[Problem, ...]:
    """What the item goes without, as cleaning and planning found it."""
    match change:
        case CreateCategory() | UpdateCategory():
            return change.category.remarks
        case CreateProduct() | UpdateProduct():
            return change.product.remarks
        case CreateVariant() | UpdateVariant():
            return change.variant.remarks
        case _:
            return ()


def _missing(job: Job) -> Iterable[Problem]:
    for source_id in job.missing_categories:
        text = f"sent without category {source_id}, which is not in the store; it follows when that category is there"
        yield Problem("category_missing", text, "categories")


def _failed(at: Key, code: str, text: str, answer: str | None = None) -> Settled:
    return Settled.of(at, Outcome.FAILED, Problem(code, text), answer=answer)


def _blocked(at: Key, code: str, text: str) -> Settled:
    return Settled.of(at, Outcome.BLOCKED, Problem(code, text))
