"""Who runs, who waits and why, which workers are there: `connector ps`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli import find, show
from cli.find import AsJson, TenantName
from cli.here import here
from worker.commands import ps as commands
from worker.commands.ps import AtWork, InLine
from worker.ledger.processes import ProcessLine


def ps(
    context: typer.Context,
    *,
    tenant: TenantName = None,
    all_: Annotated[bool, typer.Option("--all", help="Those too that have nothing to do just now.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most of those that wait.")] = 100,
    json: AsJson = False,
) -> None:
    """Show who runs, who waits and why, and which worker processes are there."""
    at = here(context)
    tenant_id = None if tenant is None else find.tenant_id(at, tenant)
    found = commands.look(at, tenant_id=tenant_id, with_idle=all_, limit=limit)
    if json:
        show.as_json(
            {
                "running": [*map(_running, found.running)],
                "waiting": [*map(_waiting, found.waiting)],
                "more": found.more,
                "idle": found.idle,
                "workers": [*map(_worker, found.workers)],
            }
        )
        return
    show.table(
        "Running",
        ["tenant", "connector", "run", "phase", "step", "for", "worker", "last beat", "bound by"],
        [
            (
                one.slice.tenant,
                one.slice.connector,
                one.run and str(one.run.run_id),
                one.run and one.run.phase,
                one.run and one.run.step,
                show.duration(one.slice.seconds),
                one.slice.worker,
                f"{show.duration(one.beat)} ago",
                _bound(one),
            )
            for one in found.running
        ],
        empty="nobody runs",
    )
    show.table(
        "Waiting",
        ["tenant", "connector", "run", "turn", "place", "waited", "why", "until"],
        [
            (
                one.turn.tenant,
                one.turn.connector,
                one.run and str(one.run.run_id),
                one.turn.state,
                one.standing.place,
                show.duration(one.turn.waited),
                _why(one),
                one.standing.until,
            )
            for one in found.waiting
        ],
        empty="nobody waits",
    )
    if found.more:
        typer.echo(f"there are {found.more:,} more: --limit {len(found.waiting) + found.more}", err=True)
    if found.idle and not all_:
        typer.echo(f"{found.idle:,} connectors have nothing to do just now: --all", err=True)
    show.table(
        "Workers",
        ["worker", "state", "slots", "busy", "since", "last seen"],
        [(one.worker, one.state, one.slots, one.busy, one.started_at, one.seen_at) for one in found.workers],
        empty="no worker process is there",
    )


def _bound(one: AtWork) -> str:
    word = one.bound.replace("_", " ")
    return word if one.quota is None else f"{word} ({one.quota.left:,} of {one.quota.quota:,} calls left)"


def _why(one: InLine) -> str:
    """Why it waits, and after what, where its last slice was broken off."""
    if one.turn.state != "parked" or one.turn.last_end is None or one.standing.until is None:
        return one.standing.sentence
    return f"{one.standing.sentence} Its last slice ended: {one.turn.last_end.replace('_', ' ')}."


def _running(one: AtWork) -> dict[str, Any]:
    return {
        "tenant": one.slice.tenant,
        "connector": one.slice.connector,
        "run": one.run and one.run.run_id,
        "phase": one.run and one.run.phase,
        "step": one.run and one.run.step,
        "since": one.slice.started_at,
        "seconds": round(one.slice.seconds, 1),
        "worker": one.slice.worker,
        "beat": round(one.beat, 1),
        "bound": one.bound,
        "quota": one.quota and {"left": one.quota.left, "of": one.quota.quota, "seconds": round(one.quota.seconds, 1)},
    }


def _waiting(one: InLine) -> dict[str, Any]:
    waited = one.turn.waited
    return {
        "tenant": one.turn.tenant,
        "connector": one.turn.connector,
        "run": one.run and one.run.run_id,
        "turn": one.turn.state,
        "why": one.standing.why,
        "says": one.standing.sentence,
        "place": one.standing.place,
        "waited": None if waited is None else round(waited, 1),
        "until": one.standing.until,
        "expected_start": one.standing.expected_start,
        "last_end": one.turn.last_end,
    }


def _worker(one: ProcessLine) -> dict[str, Any]:
    return {
        "worker": one.worker,
        "state": one.state,
        "slots": one.slots,
        "busy": one.busy,
        "since": one.started_at,
        "seen": one.seen_at,
    }
