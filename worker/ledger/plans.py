"""What a tenant's plan gives it: its weight next to the others', and how many slots at most."""

from __future__ import annotations

from worker.ledger import tags
from worker.ledger.bulk import rows_of
from worker.ledger.session import Session
from worker.ledger.statement import text


def set_weight(session: Session, tenant_id: int, weight: float) -> None:
    """The tenant's share from now on; the seconds that it owes, and its turns' order, stay as they are. As scheduler.

    Slices under way are charged by the new weight when they are over.
    """
    # The turns, the scheduler, the tenant: the order in which everybody locks (turns.py).
    waiting = session.execute(
        text(
            "SELECT connector_id, tag FROM turn WHERE tenant_id = :id AND tag IS NOT NULL"
            " ORDER BY connector_id FOR UPDATE"
        ),
        {"id": tenant_id},
    ).all()
    virtual_time = float(session.scalar(text("SELECT virtual_time FROM scheduler FOR UPDATE")) or 0.0)
    before, finish = session.execute(
        text("SELECT weight, virtual_finish FROM tenant_turn WHERE tenant_id = :id FOR UPDATE"), {"id": tenant_id}
    ).one()

    def again(value: float) -> float:
        return tags.reweigh(value, virtual_time=virtual_time, before=before, after=weight)

    values, parameters = rows_of(
        {"id": "bigint", "tag": "float8"}, [(one.connector_id, again(one.tag)) for one in waiting]
    )
    session.execute(text(f"UPDATE turn SET tag = r.tag FROM {values} WHERE connector_id = r.id"), parameters)  # noqa: S608
    session.execute(
        text("UPDATE tenant_turn SET weight = :weight, virtual_finish = :finish WHERE tenant_id = :id"),
        {"id": tenant_id, "weight": weight, "finish": again(finish)},
    )


def set_max_slots(session: Session, tenant_id: int, most: int | None) -> None:
    """So many of the tenant's connectors have a slot at once from now on; None = as many as there are. As scheduler.

    Slices above the limit go on to their end.
    """
    session.execute(
        text("UPDATE tenant_turn SET max_slots = :most WHERE tenant_id = :id"), {"id": tenant_id, "most": most}
    )
