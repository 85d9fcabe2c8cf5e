"""The whole seconds in which changes and answers are dated.

A client sends the `time` of one answer as the next `last_update`, in whole seconds. So two rules keep a change that
happens in the second of an answer from being lost: what is changed after an answer is never dated before it, and a
changed configuration is dated one second after the last answer (`last_update < config_changed_at`, API facts §11.5).
The price is an answer that may be dated a second ahead of the clock.
"""

from collections.abc import Callable


class Stamps:
    """Dates for one connector that never run backwards."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._answered: int | None = None

    def of_a_change(self) -> int:
        """The date of something that changes now."""
        now = int(self._clock())
        return now if self._answered is None else max(now, self._answered)

    def of_a_configuration(self) -> int:
        """A date that is later than every answer given so far."""
        now = int(self._clock())
        return now if self._answered is None else max(now, self._answered + 1)

    def of_an_answer(self, *, at_least: int) -> int:
        """The date of an answer that opens a read; later changes are dated at or after it."""
        self._answered = max(self.of_a_change(), at_least)
        return self._answered
