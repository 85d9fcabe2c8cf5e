"""How fairly the workers were shared: `connector fairness`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import typer

from cli import find, show
from cli.find import AsJson, TenantName
from cli.here import here
from worker.ledger import fairness as ledger
from worker.ledger.fairness import LONGEST_WINDOW, Figures
from worker.ledger.session import as_scheduler

WINDOW = 600.0
"""Ten minutes: as long as the longest slice."""

NOTHING = "-"
"""What stands where there is no figure."""


def fairness(
    context: typer.Context,
    *,
    window: Annotated[float, typer.Option(min=1, max=LONGEST_WINDOW, help="The last so many seconds.")] = WINDOW,
    tenant: TenantName = None,
    json: AsJson = False,
) -> None:
    """Show how the workers were shared between the tenants, and who waits how long."""
    at = here(context)
    if tenant is not None:
        find.tenant_id(at, tenant)
    with as_scheduler(at.engine) as session:
        history = ledger.history(session, window=window)
    found = ledger.reckon(history)
    lines = [one for one in found.tenants if tenant in (None, one.tenant)]
    if json:
        show.as_json(asdict(found) | {"tenants": [asdict(one) for one in lines]})
        return
    show.table(f"the last {show.duration(found.window)}", ["figure", "value"], _in_all(found), empty="")
    show.table(
        "by tenant",
        ["tenant", "weight", "slices", "slot-seconds", "per weight", "share", "longest wait", "backlogged"],
        [
            (
                one.tenant,
                one.weight,
                one.slices,
                f"{one.slot_seconds:.1f}",
                f"{one.slot_seconds / one.weight:.1f}",
                f"{one.share:.1%}",
                show.duration(one.longest_wait),
                one.backlogged,
            )
            for one in lines
        ],
        empty="no tenant had or waited for a slot",
    )


def _in_all(found: Figures) -> list[tuple[str, object]]:
    waits = found.waits
    return [
        ("slots now", found.slots),
        ("utilisation", NOTHING if found.utilisation is None else f"{found.utilisation:.1%}"),
        ("idle while somebody was ready", show.duration(found.idle_while_ready)),
        ("Jain index by weight", NOTHING if found.jain is None else f"{found.jain:.4f}"),
        ("slices begun", waits.count),
        ("wait p50, p95, p99", ", ".join(show.duration(one) for one in (waits.p50, waits.p95, waits.p99))),
        ("longest wait", show.duration(found.longest_wait)),
        ("longest wait now", show.duration(found.longest_wait_now)),
        ("age of the queue", show.duration(found.queue_age)),
        ("turns", _counted(found.turns)),
        ("slices ended", _counted(found.endings)),
    ]


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or NOTHING
