"""The two clients that a slice speaks to its neighbours with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from worker.bigcommerce.client import Client as StoreClient
from worker.ledger.connectors import Connector
from worker.saleslayer.client import Client as SourceClient


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The two clients of one connector."""

    source: SourceClient
    store: StoreClient

    def close(self) -> None:
        """Close the connections to both."""
        self.source.close()
        self.store.close()


Meet = Callable[[Connector, Session], Neighbours]
"""Opens the credentials and makes the clients; raises RunTrouble where that cannot be."""
