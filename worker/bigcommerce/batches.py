"""Many items in one call; a batch that is refused is halved.

The store refuses a batch as a whole and seldom says for whom (API facts
§3.3): it is halved until the guilty item stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

from worker.bigcommerce import trail
from worker.bigcommerce.client import Answer
from worker.errors import RefusedByStore, WorkerError

Part = TypeVar("Part")

PARTLY, TOO_LARGE = 207, 413


def send(
    parts: Sequence[Part],
    call: Callable[[Sequence[Part]], Answer],
    *,
    too_many: Callable[[int], None] = lambda _refused: None,
) -> Iterator[tuple[Part, Answer | WorkerError]]:
    """Each part with the answer of the call that took it, or with the refusal that it met alone.

    Any other trouble (quota, a store unwell, lost answers) is met by the whole batch. `too_many` hears of a batch that
    was refused for its size: the store says so, or took each of its halves.
    """
    trail.begin()
    try:
        answer = call(parts)
    except RefusedByStore as refusal:
        if len(parts) == 1:
            trail.begin(*trail.calls()[-1:])
            yield parts[0], refusal
            return
        middle = len(parts) // 2
        is_taken = True
        for part, came in chain.from_iterable(
            send(half, call, too_many=too_many) for half in (parts[:middle], parts[middle:])
        ):
            is_taken = is_taken and isinstance(came, Answer) and came.status != PARTLY
            yield part, came
        if is_taken or refusal.status == TOO_LARGE:
            too_many(len(parts))
    except WorkerError as trouble:
        served = trail.calls()
        for part in parts:
            trail.begin(*served)
            yield part, trouble
    else:
        # The call was for each of them; what is called for one of them after it, was for that one.
        served = trail.calls()
        for part in parts:
            trail.begin(*served)
            yield part, answer


def in_portions(parts: Sequence[Part], most: Callable[[], int]) -> Iterator[Sequence[Part]]:
    """The parts in portions of so many, asked anew for each: a store may turn out to take fewer."""
    start = 0
    while start < len(parts):
        portion = parts[start : start + most()]
        start += len(portion)
        yield portion
