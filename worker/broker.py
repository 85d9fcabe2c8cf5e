"""How messages reach Redis: by kombu, with one client of redis-py for as long as a channel lasts.

kombu makes one for every command, and each fills a table of 170 kinds of answers first. That was a third of the
processor time that a message costs whoever sends it: every slice sends one, and an event for Flower beside it.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    """A channel that keeps its client. Such a client holds no connection; the channel's pool lends it one each time."""

    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:  # the consumer's own, which holds a connection; kombu keeps those by itself
            return super()._create_client(asynchronous=True)  # type: ignore[misc]  # the stubs leave it out
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()  # type: ignore[misc]  # idem
        return self._kept


class Transport(redis.Transport):
    """Redis, by such channels."""

    Channel = Channel


def use_it() -> None:
    """Let every URL of Redis mean this transport."""
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), f"{__name__}:{Transport.__name__}"))
