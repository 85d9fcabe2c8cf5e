"""Many items in one call; a batch that is refused is halved.

The store refuses a batch as a whole and seldom says for whom (API facts
§3.3): it is halved until the guilty item stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from worker.bigcommerce import trail
from worker.bigcommerce.client import Answer
from worker.errors import RefusedByStore, WorkerError

Part = TypeVar("Part")


def send(
    parts: Sequence[Part], call: Callable[[Sequence[Part]], Answer]
) -> Iterator[tuple[Part, Answer | WorkerError]]:
    """Each part with the answer of the call that took it, or with the refusal that it met alone.

    Any other trouble (quota, a store unwell, lost answers) is met by the whole batch.
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
        yield from send(parts[:middle], call)
        yield from send(parts[middle:], call)
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
