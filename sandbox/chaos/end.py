"""What a connector has come to, and what of it is lost, doubled or wrong beside its twin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, text

from models.vocabulary import ENDED, TROUBLE, Outcome, RunState, TurnState
from sandbox.stage.compare import content
from sandbox.stage.stage import Cast
from worker.ledger.session import as_scheduler, as_tenant

GOOD = frozenset({RunState.COMPLETED, RunState.COMPLETED_WITH_ERRORS, RunState.UNCHANGED})
OUTCOMES = [outcome.value for outcome in Outcome]
SAID_AT_MOST = 5

Item = tuple[str, int, int]
"""Kind, source id and storefront, as outcomes are booked."""


@dataclass(frozen=True, slots=True)
class End:
    """One connector at the end of its runs."""

    store: Mapping[str, Any]
    """The store's content, without ids."""
    created: Mapping[str, int]
    """Rows that the store has ever created, by table."""
    repeated: int
    """Writing calls that the store has seen before, to the letter."""
    outcomes: Mapping[Item, str]
    """The last outcome booked for each item that is not derived to be unchanged."""
    figures: Mapping[tuple[str, int, str], int]
    """The counters of the last run that had something to do: known, and each outcome."""
    states: tuple[str, ...]
    """The states of all runs, oldest first."""
    booked: int
    """Outcomes booked by all runs."""
    pending: int
    turn: str
    is_idle: bool
    """Whether it waits for its next check, with no run under way."""


@dataclass(slots=True)
class Verdict:
    """Beside the undisturbed twin."""

    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    stuck: int = 0
    repeated: int = 0
    said: list[str] = field(default_factory=list)

    def is_clean(self) -> bool:
        """Whether nothing is lost, doubled, wrong or stuck."""
        return not (self.lost or self.doubled or self.wrong or self.stuck)

    def say(self, what: str, things: Iterable[object]) -> int:
        """How many things there are; the first few are remembered in words."""
        named = sorted(map(str, things))
        if named:
            more = f" and {len(named) - SAID_AT_MOST} more" if len(named) > SAID_AT_MOST else ""
            self.said.append(f"{what}: {'; '.join(named[:SAID_AT_MOST])}{more}")
        return len(named)


def read(engine: Engine, cast: Cast, snapshot: Mapping[str, Any], *, repeated: int) -> End:
    """The end of this connector, out of the ledger and the store's snapshot."""
    with as_scheduler(engine) as session:
        turn, waits = session.execute(
            text("SELECT state, not_before > now() + interval '5 s' FROM turn WHERE connector_id = :connector"),
            {"connector": cast.connector_id},
        ).one()
    with as_tenant(engine, cast.tenant_id) as session:
        asked = {"connector": cast.connector_id, "outcomes": OUTCOMES}
        runs = session.execute(text("SELECT id, state FROM run WHERE connector_id = :connector ORDER BY id"), asked)
        states = tuple(row.state for row in runs)
        figures = session.execute(
            text(
                "SELECT kind, storefront_id, figure, count AS number FROM run_counter WHERE figure NOT LIKE 'to\\_%'"
                " AND count <> 0 AND run_id = (SELECT max(c.run_id) FROM run_counter c JOIN run r ON r.id = c.run_id"
                " WHERE r.connector_id = :connector)"
            ),
            asked,
        ).all()
        booked = session.scalar(
            text(
                "SELECT coalesce(sum(c.count), 0) FROM run_counter c JOIN run r ON r.id = c.run_id"
                " WHERE r.connector_id = :connector AND c.figure = ANY(:outcomes)"
            ),
            asked,
        )
        outcomes = session.execute(
            text("SELECT kind, source_id, storefront_id, outcome FROM item_status WHERE connector_id = :connector"),
            asked,
        ).all()
        pending = session.scalar(text("SELECT count(*) FROM pending_change WHERE connector_id = :connector"), asked)
    return End(
        content(snapshot),
        snapshot["store"]["created"],
        repeated,
        {(row.kind, row.source_id, row.storefront_id): row.outcome for row in outcomes},
        {(row.kind, row.storefront_id, row.figure): int(row.number) for row in figures},
        states,
        int(booked or 0),
        int(pending or 0),
        turn,
        turn == TurnState.PARKED and waits and all(state in ENDED for state in states),
    )


def judge(end: End, twin: End, *, same_runs: bool = True) -> Verdict:
    """What is lost, doubled, wrong or stuck.

    With `same_runs` the twin had the very same runs, so that the figures of the last one are compared too; else only
    that every item has an outcome of the same sort.
    """
    found = Verdict(repeated=max(0, end.repeated - twin.repeated))
    have, want = _things(end.store), _things(twin.store)
    found.lost += found.say("not in the store", want.keys() - have.keys())
    found.wrong += found.say("should not be in the store", have.keys() - want.keys())
    found.wrong += found.say(
        "other than it should be",
        (_difference(name, have[name], want[name]) for name in have.keys() & want if have[name] != want[name]),
    )
    found.doubled += _sum(found, "created too often", end.created, twin.created)
    found.lost += found.say("has no outcome", twin.outcomes.keys() - end.outcomes.keys())
    found.wrong += found.say(
        "has another outcome",
        (
            f"{item} {end.outcomes[item]} instead of {twin.outcomes[item]}"
            for item in end.outcomes.keys() & twin.outcomes.keys()
            if (end.outcomes[item] in TROUBLE) != (twin.outcomes[item] in TROUBLE)
        ),
    )
    if same_runs:
        found.lost += _sum(found, "booked too rarely", twin.figures, end.figures)
        found.wrong += _sum(found, "booked too often", end.figures, twin.figures)
    found.lost += found.say(
        "run is", (f"{state}, number {at}" for at, state in enumerate(end.states, 1) if _bad(state))
    )
    found.lost += found.say("still to be sent", ["a change"] * end.pending)
    found.stuck += found.say("not idle", [] if end.is_idle else [f"turn {end.turn}, runs {end.states[-3:]}"])
    return found


def _bad(state: str) -> bool:
    return state in ENDED and state not in GOOD


def _sum(found: Verdict, what: str, more: Mapping[Any, int], fewer: Mapping[Any, int]) -> int:
    over = {name: count - fewer.get(name, 0) for name, count in more.items() if count > fewer.get(name, 0)}
    found.say(what, (f"{name} by {count}" for name, count in over.items()))
    return sum(over.values())


def _things(store: Mapping[str, Any]) -> dict[str, Any]:
    """Everything in the store that has a name of its own: categories, products, variants."""
    things = {f"category {path}": row for path, row in store["categories"].items()}
    for name, row in store["products"].items():
        things[f"product {name}"] = {field: value for field, value in row.items() if field != "variants"}
        things |= {f"variant {name} / {one['sku']}": one for one in row["variants"]}
    return things


def _difference(name: str, has: Mapping[str, Any], wants: Mapping[str, Any]) -> str:
    fields = sorted(field for field in has.keys() | wants.keys() if has.get(field) != wants.get(field))
    return f"{name}: " + ", ".join(
        f"{field} {has.get(field)!r} instead of {wants.get(field)!r}" for field in fields[:3]
    )
