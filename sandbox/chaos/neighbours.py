"""Both neighbours over HTTP, and the levers by which they are set up, looked into and troubled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.chaos.goods import STORE
from sandbox.stage.stage import SECRET, TOKEN

SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The addresses of a Sales Layer and a BigCommerce; every method raises httpx.HTTPError where one is away."""

    source: str
    store: str

    def open(self, code: str, store_hash: str, catalogue: Mapping[str, Any], **store: Any) -> None:
        """A source with this catalogue, and an empty store."""
        self._ask("PUT", f"{self.source}/_control/connectors/{code}", {"secret": SECRET, "catalogue": catalogue})
        self._ask("PUT", f"{self.store}/_control/stores/{store_hash}", {"token": TOKEN, **STORE, **store})

    def put_source(self, code: str, settings: Mapping[str, Any]) -> None:
        """Another secret or another catalogue for a source."""
        self._ask("PUT", f"{self.source}/_control/connectors/{code}", settings)

    def close_store(self, store_hash: str) -> None:
        """The store is gone, with what it kept of every call."""
        self._ask("DELETE", f"{self.store}/_control/stores/{store_hash}")

    def snapshot(self, store_hash: str) -> dict[str, Any]:
        """All that the store holds."""
        return dict(self._ask("GET", f"{self.store}/_control/stores/{store_hash}"))

    def configure_store(self, store_hash: str, **settings: Any) -> None:
        """Other settings for a store that is open."""
        self._ask("PUT", f"{self.store}/_control/stores/{store_hash}", settings)

    def calls(self, store_hash: str) -> list[dict[str, Any]]:
        """What the store was asked, in order, with the time (Unix) at which it came."""
        return list(self._ask("GET", f"{self.store}/_control/stores/{store_hash}/log")["entries"])

    def forget_calls(self, store_hash: str) -> None:
        """The log of calls begins anew."""
        self._ask("DELETE", f"{self.store}/_control/stores/{store_hash}/log")

    def repeated(self, store_hash: str) -> int:
        """Writing calls that the store has seen before, to the letter."""
        return int(self._ask("GET", f"{self.store}/_control/stores/{store_hash}/log")["counters"]["repeated"])

    def trouble_store(self, store_hash: str, faults: Sequence[Mapping[str, Any]]) -> None:
        """These faults from now on, and no others."""
        self._ask("DELETE", f"{self.store}/_control/stores/{store_hash}/faults")
        if faults:
            self._ask("POST", f"{self.store}/_control/stores/{store_hash}/faults", list(faults))

    def trouble_source(self, code: str, faults: Sequence[Mapping[str, Any]]) -> None:
        """These faults from now on, and no others."""
        self._ask("PUT", f"{self.source}/_control/connectors/{code}/switches", {"faults": list(faults)})

    def edit(self, code: str, table: str, item_id: int, changes: Mapping[str, Any]) -> None:
        """Values of an item changed at the source."""
        self._ask("PATCH", f"{self.source}/_control/connectors/{code}/items/{table}/{item_id}", dict(changes))

    def edit_all(self, code: str, table: str, ids: Sequence[int], changes: Mapping[str, Any]) -> None:
        """The same values of all these items changed at the source."""
        body = {"ids": list(ids), "changes": dict(changes)}
        self._ask("PATCH", f"{self.source}/_control/connectors/{code}/items/{table}", body)

    def add(self, code: str, table: str, values: Mapping[str, Any]) -> None:
        """A new item at the source."""
        self._ask("POST", f"{self.source}/_control/connectors/{code}/items/{table}", dict(values))

    def hide(self, code: str, table: str, item_id: int) -> None:
        """An item that does not pass the source's filter any more."""
        self._ask("POST", f"{self.source}/_control/connectors/{code}/items/{table}/{item_id}/hide")

    def _ask(self, method: str, url: str, body: Any = None) -> Any:
        # On this machine: through no proxy that the environment may name, and no certificates to be loaded (50 ms).
        with httpx.Client(timeout=SECONDS, trust_env=False, verify=False) as client:  # noqa: S501 no TLS at all
            return client.request(method, url, json=body).raise_for_status().json()
