"""What the pages ask of a database with a million item statuses: `make bench T=pages`.

They are of one connector with 500 runs, beside twenty other tenants with 5,000 statuses each, in a Postgres that has
analysed its tables. Each question is asked many times, with other words, places and filters each time, in the role
*service* under row-level security, one transaction a time. The figures are the milliseconds of the call.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from models.vocabulary import ItemKind, Outcome
from sandbox.bench.studies.filled import STOREFRONTS, Filled, filled
from worker.catalog.items import Key, Settled
from worker.commands import item
from worker.ledger import item_counts, item_detail, item_register, register, statuses
from worker.ledger.fairness import quantile
from worker.ledger.item_register import Shown
from worker.ledger.session import Session, as_tenant

STATUSES = 1_000_000
SEED = 1
TIMES = 60
"""How often each question is asked."""
PAGES, REGISTER = 200.0, 100.0
"""Milliseconds to be reached at the 95th percentile."""
SHOWN = {kind: Shown("product_name", "product_sku") for kind in ItemKind}
Ask = Callable[[Session], object]


@dataclass(slots=True)
class Question:
    """One question in many forms, and how long each took."""

    name: str
    forms: Sequence[Ask]
    to_reach: float | None = PAGES
    milliseconds: list[float] = field(default_factory=list)

    def ask(self, at: Filled) -> None:
        """Ask it in all its forms."""
        for form in self.forms:
            with as_tenant(at.engine, at.tenant_id) as session:
                began = time.perf_counter()
                form(session)
                self.milliseconds.append(1000 * (time.perf_counter() - began))

    def at(self, share: float) -> float:
        """The milliseconds below which so large a share of the answers came."""
        return float(quantile(self.milliseconds, share) or 0)


def main(scale: float) -> None:
    """Fill the database, ask, and print what it took."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    statuses_wanted = max(20_000, int(STATUSES * scale))
    console.print(f"pages: {statuses_wanted:,} item statuses of one connector, seed {SEED}; filling ...")
    with filled(statuses_wanted) as at:
        questions = list(_questions(at))
        # Each once beforehand: what is measured is a page that somebody turns, not a server that has just been started.
        for question in questions:
            with as_tenant(at.engine, at.tenant_id) as session:
                question.forms[0](session)
        for question in questions:
            question.ask(at)
    console.print(_table(questions))
    figures = {one.name: {"p50": round(one.at(0.5), 1), "p95": round(one.at(0.95), 1)} for one in questions}
    print(json.dumps({"statuses": at.statuses, "milliseconds": figures}))  # noqa: T201 the last line, for programs


def _questions(at: Filled) -> Iterator[Question]:
    chance = random.Random(SEED)

    def place() -> tuple[str, int, int]:
        kind = chance.choice(("category", "product", "variant", "variant", "variant"))
        most = {"category": at.categories, "product": at.products, "variant": at.variants}[kind]
        return (kind, chance.randint(1, most), 0)

    def listing(**wanted: object) -> Ask:
        return lambda session: item_register.items(session, at.id, shown=SHOWN, limit=50, **wanted)  # type: ignore[arg-type]

    def counting(**wanted: object) -> Ask:
        return lambda session: item_counts.counts(session, at.id, **wanted)  # type: ignore[arg-type]

    def some(make: Callable[[], Ask], times: int = TIMES) -> list[Ask]:
        return [make() for _ in range(times)]

    def sku() -> str:
        return f"{chance.choice('pv')}-{chance.randint(0, 999):03}-{chance.randint(1, 99)}"

    kinds, outcomes = list(ItemKind), [one for one in Outcome if one is not Outcome.UNCHANGED]
    run = chance.randint
    codes = ("name_taken", "refused_by_store", "no_price", "product_failed", "url_refused", "nothing_like_it")
    yield Question("first page", some(listing))
    yield Question("deep page", some(lambda: listing(after=place())))
    yield Question("kind", some(lambda: listing(kind=chance.choice(kinds), after=place())))
    yield Question("outcome", some(lambda: listing(outcome=chance.choice(outcomes), after=place())))
    yield Question("unchanged", some(lambda: listing(outcome=Outcome.UNCHANGED, after=place())))
    yield Question("unchanged: none", some(lambda: _none_unchanged(at, listing(outcome=Outcome.UNCHANGED))))
    yield Question("code", some(lambda: listing(code=chance.choice(codes), after=place())))
    yield Question("storefront", some(lambda: listing(storefront=chance.choice((0, *STOREFRONTS)))))
    yield Question("run", some(lambda: listing(run=run(at.first_run, at.last_run))))
    yield Question(
        "run and outcome", some(lambda: listing(run=run(at.first_run, at.last_run), outcome=chance.choice(outcomes)))
    )
    rare = ("quagga", "quagg", "uagga", "quagga anna", "hat quagga")
    common = ("cotton", "linen", "shirt", "woollen coat", "irene", "otto", "cotton dress greta")
    clustered = ("gala", "ala", "gala hugo", "shirt gala", "gala irene", "coat gala")
    yield Question("search: rare", some(lambda: listing(search=chance.choice(rare))))
    yield Question("search: common", some(lambda: listing(search=chance.choice(common), after=place())))
    yield Question("search: clustered", some(lambda: listing(search=chance.choice(clustered))))
    yield Question("search: none", some(lambda: listing(search=f"zz{chance.randint(100, 999)}")))
    short = ("a", "7", "42", "co", "ga", "zq", "qu", "p", "-1", "v-")
    yield Question("search: short", some(lambda: listing(search=chance.choice(short))))
    yield Question("search: marks alone", some(lambda: listing(search=chance.choice(("&", "_", "%", "+", "-", "&-")))))
    yield Question("search: SKU", some(lambda: listing(search=sku())))
    yield Question("search: id", some(lambda: listing(search=str(chance.randint(1, at.variants)))))
    words = (*rare, *common, *clustered)
    yield Question(
        "search and outcome", some(lambda: listing(search=chance.choice(words), outcome=chance.choice(list(Outcome))))
    )
    yield Question("search and kind", some(lambda: listing(search=chance.choice(words), kind=chance.choice(kinds))))
    yield Question("counts", some(counting))
    yield Question("counts: run", some(lambda: counting(run=run(at.first_run, at.last_run))))
    yield Question("counts: outcome", some(lambda: counting(outcome=chance.choice(list(Outcome)))))
    yield Question("counts: search", some(lambda: counting(search=chance.choice(words))))
    yield Question("one item", some(lambda: _one(at, place())))
    yield Question("its history", some(lambda: _history(at, place())))
    yield Question("register of runs", some(lambda: lambda session: register.runs(session, at.id, 19)), REGISTER)
    save = some(lambda: _save(at, [place() for _ in range(50)]), 20)
    yield Question("a save of 50 outcomes", save, None)


def _none_unchanged(at: Filled, listing: Ask) -> Ask:
    """As after a first run: the last run has touched all that there is, and its books say so."""

    def ask(session: Session) -> None:
        session.execute(text("UPDATE run_counter SET count = 0 WHERE run_id = :run AND figure = 'unchanged'"),
                        {"run": at.last_run})  # fmt: skip
        listing(session)
        session.rollback()

    return ask


def _one(at: Filled, place: tuple[str, int, int]) -> Ask:
    return lambda session: item.detail(session, at.id, ItemKind(place[0]), place[1])


def _history(at: Filled, place: tuple[str, int, int]) -> Ask:
    return lambda session: item_detail.history(session, at.id, ItemKind(place[0]), place[1])


def _save(at: Filled, places: Sequence[tuple[str, int, int]]) -> Ask:
    settled = [Settled(Key(ItemKind.VARIANT, one), Outcome.UPDATED) for _, one, _ in places]
    return lambda session: statuses.record(session, at.tenant_id, at.id, at.last_run, settled)


def _table(questions: Sequence[Question]) -> Table:
    table = Table("question", "times", "p50, ms", "p95, ms", "longest, ms", "to reach at p95")
    for one in questions:
        to_reach = "" if one.to_reach is None else f"< {one.to_reach:.0f}"
        figures = (f"{one.at(share):.1f}" for share in (0.5, 0.95, 1.0))
        table.add_row(one.name, str(len(one.milliseconds)), *figures, to_reach)
    return table
