"""What a turn costs and who is next: the arithmetic of fair turns, without a database.

Start-time fair queueing between tenants (design §5). The unit everywhere is the *virtual second*: one second of one
slot, divided by the tenant's weight. Seconds held are never negative.

| moment               | what is computed                                                       |
| -------------------- | ---------------------------------------------------------------------- |
| a turn becomes ready | its tag, and the tenant's finish with a quantum paid beforehand        |
| it is dispatched     | the virtual time moves up to its tag (`fill_the_door`, in Postgres)     |
| its slice runs       | whether somebody who waits would come before it, were it given back now |
| it is released       | the finish, by the seconds really held (`release_turn`, in Postgres)    |
| its lease runs out   | the finish, by the seconds held in vain; the tag stays                 |
| a weight is changed  | what lies ahead of the virtual time, in virtual seconds of the new one |
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Charged:
    """The tags of turns that became ready together, and the finish of their tenant after them."""

    tags: list[float]
    finish: float


def start(virtual_time: float, finish: float) -> float:
    """The tag of a tenant's next turn: idle time earns no credit, and no debt is forgotten."""
    return max(virtual_time, finish)


def charge(virtual_time: float, finish: float, *, weight: float, quantum: float, turns: int = 1) -> Charged:
    """The tags of so many turns of one tenant, one behind the other; each is charged a quantum of seconds beforehand.

    So a thousand connectors of one tenant count as one tenant.
    """
    first, step = start(virtual_time, finish), quantum / weight
    return Charged([first + place * step for place in range(turns)], first + turns * step)


def settle(finish: float, *, weight: float, quantum: float, held: float) -> float:
    """The tenant's finish when a slice that has held its slot for so many seconds is over.

    The quantum that was charged beforehand is given back, the seconds are charged. A slice that has lost its turn is
    given back nothing (quantum 0): the turn keeps its tag, which that quantum pays for.
    """
    return finish + (max(0.0, held) - quantum) / weight


def is_wanted(
    waiting: float | None, *, virtual_time: float, finish: float, weight: float, quantum: float, held: float
) -> bool:
    """Whether the turn with the smallest tag that waits comes before this slice's own, were that released now.

    Asked of the tenant, not of the slice: the slices of a tenant that holds many slots have tags far apart, and by
    its own tag alone the oldest of them would seem poor while its tenant has had most. A tie goes to who waits.
    """
    if waiting is None:
        return False
    return waiting <= start(virtual_time, settle(finish, weight=weight, quantum=quantum, held=held))


def reweigh(value: float, *, virtual_time: float, before: float, after: float) -> float:
    """A tag or a finish when its tenant's weight changes: the seconds ahead of the virtual time stay what they are."""
    return value if value <= virtual_time else virtual_time + (value - virtual_time) * before / after
