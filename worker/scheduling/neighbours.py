"""The two clients that a slice speaks to its neighbours with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from worker.bigcommerce.client import Client as StoreClient
from worker.ledger.connectors import Connector
from worker.ledger.session import Session
from worker.saleslayer.client import Client as SourceClient


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The clients of one connector."""

    source: SourceClient
    store: StoreClient
    importer: SourceClient | None = None
    """That of the import connector by which the source is told something, where there is one."""

    @property
    def source_calls(self) -> int:
        """The calls to the source so far."""
        return self.source.calls + (self.importer.calls if self.importer else 0)

    def close(self) -> None:
        """Close the connections to all."""
        self.source.close()
        self.store.close()
        if self.importer is not None:
            self.importer.close()


Meet = Callable[[Connector, Session], Neighbours]
"""Opens the credentials and makes the clients; raises RunTrouble where that cannot be."""
