"""Send what is pending, many calls at a time, and take it off what is pending.

Intent, act, record (law 3): a portion is marked *sending* and committed;
its calls go to the pool; what comes back is written down, many at a time,
in the transaction that marks the next portion.

A transaction costs as much as ten outcomes. So some changes are marked ahead:
calls go out while outcomes are gathered, and the store's quota is used
although nothing is written down for a moment.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field

from models.vocabulary import RunState
from worker.bigcommerce import apply
from worker.bigcommerce.client import Stopping
from worker.bigcommerce.limits import (
    ASSIGNMENT_CALLS_AT_ONCE,
    CUSTOM_FIELD_CALLS_AT_ONCE,
    PRICE_READS_AT_ONCE,
    STOCK_CALLS_AT_ONCE,
)
from worker.catalog.changes import (
    AssignStorefronts,
    Change,
    CreateCategory,
    CreateVariant,
    ProveStock,
    RebuildVariants,
    SetStock,
    UpdateCategory,
    UpdateProduct,
)
from worker.catalog.sending import Applied, Job
from worker.errors import ItemTrouble, RunTrouble, Unwell, WorkerError
from worker.ledger import changes, runs, store_facts
from worker.ledger.changes import Pending
from worker.ledger.session import Session
from worker.steps import resolve, settle
from worker.steps.toolbox import BREATH_SECONDS, IDLE, Cursor, Save, Step, Toolbox

CATEGORY_CALLS = 4
"""Calls in flight that change one category tree."""
GATHER_SECONDS = 1.0
"""So long at most an outcome waits for others, to be written down with them."""
MOST_GATHERED = 200
AHEAD_SECONDS = 2.0
"""For so long batches are marked ahead, at the rate that the store allows."""

Calls = dict[Future[list[Applied]], list[Job]]


@dataclass(slots=True)
class Sending:
    """What is under way between two saves."""

    calls: Calls = field(default_factory=dict)
    queued: list[list[Job]] = field(default_factory=list)
    """Batches that are marked *sending* and not in a call yet."""
    results: list[Applied] = field(default_factory=list)
    since: float = 0.0
    """When the first of the results came, on the monotonic clock."""
    orphans: list[resolve.Orphan] = field(default_factory=list)
    trouble: WorkerError | None = None
    bug: BaseException | None = None
    kind: Change | None = None
    """The change that was taken last: all of a wave are of its kind."""
    dry: bool = False
    """The wave has nothing more to take, until what is under way is written down."""
    empty: bool = False
    """Nothing more is pending, but for what is under way."""


def send(tools: Toolbox, cursor: Cursor | None) -> Step:
    """Send until nothing is pending, or until the slice should leave."""
    kept: Cursor = dict(cursor or {"sent": 0})
    sending = Sending()
    leaving = yield Save(kept, lambda session: _begin(tools, session), gets_on=False)
    while True:
        leaving = leaving or sending.trouble is not None or sending.bug is not None
        if not leaving:
            _feed(tools, sending)
        if not sending.calls and not sending.results and not sending.orphans:
            if leaving:
                break
            if sending.empty:
                return True
        _collect(sending, block=bool(sending.calls))
        if sending.trouble is not None and _weight(sending.trouble) > 1:
            tools.store.stop.set()  # what waits for its turn, or for its next try, does not go out any more
        may_take = not leaving and sending.trouble is None and sending.bug is None and _wants_more(tools, sending)
        if may_take or _has_gathered(sending):
            leaving = (yield _save(tools, kept, sending, take=may_take)) or leaving
        else:
            leaving = (yield IDLE) or leaving
    if sending.queued:
        yield Save(kept, lambda session: _give_back(session, sending), gets_on=False)
    if sending.bug is not None:
        raise sending.bug
    if sending.trouble is not None:
        raise sending.trouble
    return False


def _begin(tools: Toolbox, session: Session) -> None:
    """What an earlier slice left *sending* is unsure; the first change goes out."""
    changes.doubt(session, tools.connector_id)
    if changes.wave(session, tools.connector_id) is not None:
        runs.advance(session, tools.run_id, RunState.SYNCHRONIZING)


def _wants_more(tools: Toolbox, sending: Sending) -> bool:
    """Whether more is to be marked now, so that no call waits for it."""
    if sending.empty or (sending.dry and not _has_gathered(sending)):
        return False
    if sending.kind is None:
        return True
    ahead = _ahead(tools, sending.kind)
    under_way = len(sending.calls) + len(sending.queued)
    return len(sending.queued) <= ahead // 2 and under_way < _room(tools, sending.kind) + ahead


def _has_gathered(sending: Sending) -> bool:
    """Whether what came back is to be written down now."""
    if not sending.results:
        return bool(sending.orphans)
    is_old = time.monotonic() - sending.since >= GATHER_SECONDS
    return is_old or not sending.calls or len(sending.results) >= MOST_GATHERED or bool(sending.orphans)


def _save(tools: Toolbox, kept: Cursor, sending: Sending, *, take: bool) -> Save:
    """Write down what came back, and mark the next portion, in one transaction."""
    results, orphans = sending.results, sending.orphans
    sending.results, sending.orphans = [], []
    settled = sum(len(one.relations) or 1 for one in results if one.trouble is None)

    def write(session: Session) -> None:
        settle.record(tools, session, results, orphans)
        if tools.store.portions.is_new:
            store_facts.learn(session, tools.connector_id, {store_facts.PORTIONS: tools.store.portions.learnt})
        if take:
            _take(tools, session, sending)

    # To mark a portion is not yet progress: a slice that only ever looked up what is unsure would never end it.
    gets_on = any(one.trouble is None or isinstance(one.trouble, ItemTrouble) for one in results) or bool(orphans)
    return Save(kept, write, settled=settled, gets_on=gets_on)


def _take(tools: Toolbox, session: Session, sending: Sending) -> None:
    """Mark the next changes of the present wave; a wave begins when the one before it is done."""
    front = changes.front(session, tools.connector_id)
    if front is None:
        sending.empty = True
        return
    wave, sending.kind = front
    under_way = len(sending.calls) + len(sending.queued)
    room = _room(tools, sending.kind) + _ahead(tools, sending.kind) - under_way
    limit = max(0, room) * apply.batch_size(sending.kind, tools.store.portions)
    taken = changes.take(session, tools.connector_id, wave, limit=limit) if limit else []
    sending.dry = len(taken) < max(1, limit)
    jobs, orphans = resolve.jobs(tools, session, taken)
    sending.orphans += orphans
    sending.queued += list(_batches(tools, jobs))


def _room(tools: Toolbox, change: Change) -> int:
    """How many calls of this kind may be under way at once (API facts §2.4)."""
    match change:
        case AssignStorefronts():
            return ASSIGNMENT_CALLS_AT_ONCE
        case SetStock() | ProveStock():
            return STOCK_CALLS_AT_ONCE
        case CreateCategory() | UpdateCategory():
            return min(CATEGORY_CALLS, tools.most_calls)
        case RebuildVariants():
            return min(PRICE_READS_AT_ONCE, tools.width())
        case UpdateProduct():
            return min(CUSTOM_FIELD_CALLS_AT_ONCE, tools.width())
        case _:
            return tools.width()


def _ahead(tools: Toolbox, change: Change) -> int:
    """How many batches of this kind are marked ahead of their calls; none of those that go a few at a time."""
    match change:
        case AssignStorefronts() | SetStock() | ProveStock() | CreateCategory() | UpdateCategory() | RebuildVariants():
            return 0
        case _:
            return min(math.ceil(tools.store.rate() * AHEAD_SECONDS), tools.most_calls // 2)


def _batches(tools: Toolbox, jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Jobs that go in one call: of the same kind of change, as many as the store takes."""
    batch: list[Job] = []
    most = 0
    sized = [(apply.size(job, tools.store.portions), job) for job in jobs]
    # Those that go with few do not keep the others from going with many; else the order is as it was planned.
    for takes, job in sorted(sized, key=lambda one: -one[0]):
        if batch and (
            type(batch[0].change) is not type(job.change)
            or _family(batch[0]) != _family(job)
            or len(batch) >= min(most, takes)
        ):
            yield batch
            batch = []
        most = min(most, takes) if batch else takes
        batch.append(job)
    if batch:
        yield batch


def _family(job: Job) -> int | None:
    """The product whose options the change may extend: such changes go one after the other."""
    return job.change.product_id if isinstance(job.change, CreateVariant) else None


def _is_stock(batch: Sequence[Job]) -> bool:
    """Whether it adjusts stock: the store wants no other write beside it, whatever waves they are in."""
    return isinstance(batch[0].change, SetStock | ProveStock)


def _feed(tools: Toolbox, sending: Sending) -> None:
    if any(map(_is_stock, sending.calls.values())):
        return
    busy = {_family(batch[0]) for batch in sending.calls.values()} - {None}
    free = [batch for batch in sending.queued if _family(batch[0]) not in busy and not _is_stock(batch)]
    if not sending.calls and not free:
        free = sending.queued[:STOCK_CALLS_AT_ONCE]
    while free and len(sending.calls) < _room(tools, free[0][0].change) and tools.gate.acquire(blocking=False):
        batch = free.pop(0)
        sending.queued.remove(batch)
        future = tools.pool.submit(_apply, tools, batch)
        future.add_done_callback(lambda _: tools.gate.release())
        sending.calls[future] = batch
        family = _family(batch[0])
        free = [one for one in free if family is None or _family(one[0]) != family]


def _apply(tools: Toolbox, batch: list[Job]) -> list[Applied]:
    return list(apply.apply(tools.store, batch))


def _collect(sending: Sending, *, block: bool) -> None:
    """Bring in the calls that have come back; the first trouble that is no item's own ends the slice."""
    if not sending.calls:
        if sending.queued:
            # The other slices of this process have all its calls: wait for one of theirs to end.
            time.sleep(BREATH_SECONDS)
        return
    back = wait(sending.calls, timeout=BREATH_SECONDS if block else 0, return_when=FIRST_COMPLETED).done
    for future in back:
        batch = sending.calls.pop(future)
        error = future.exception()
        if isinstance(error, WorkerError):
            found = [Applied(job, trouble=error) for job in batch]
        elif error is not None:
            sending.bug = sending.bug or error
            continue
        else:
            found = future.result()
        sending.since = sending.since if sending.results else time.monotonic()
        sending.results += found
        for one in found:
            if one.trouble is None or isinstance(one.trouble, ItemTrouble):
                continue
            if sending.trouble is None or _weight(one.trouble) > _weight(sending.trouble):
                sending.trouble = one.trouble


def _weight(trouble: WorkerError) -> int:
    """Of troubles that come together, the cause weighs more than what follows from it."""
    match trouble:
        case RunTrouble():
            return 3
        case Unwell(is_failure=True):
            return 2
        case Stopping():
            return 0
        case _:
            return 1


def _give_back(session: Session, sending: Sending) -> None:
    """What was marked and not sent is pending again."""
    taken = [Pending(job.pending_id, job.change, job.attempts, job.unsure) for batch in sending.queued for job in batch]
    changes.give_back(session, taken)
