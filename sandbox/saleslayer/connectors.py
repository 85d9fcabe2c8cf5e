"""The connectors of the simulated service, as tests edit them.

Every method takes the lock, so that it may be called while requests are answered. The control API offers the same.
"""

import time
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any

from sandbox.saleslayer.catalogue import Catalogue
from sandbox.saleslayer.connector import Connector
from sandbox.saleslayer.stamps import Stamps
from sandbox.saleslayer.switches import Options, Switches
from sandbox.saleslayer.trouble import NoSuchThing, NotAcceptable


class Connectors:
    """All connectors by their code."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = RLock()
        self._connectors: dict[str, Connector] = {}

    def put_connector(
        self,
        code: str,
        *,
        secret: str | None = None,
        catalogue: Mapping[str, Any] | None = None,
        options: Options | None = None,
    ) -> dict[str, Any]:
        """Creates a connector, or replaces what is given of it, which counts as a change of its configuration."""
        with self._lock:
            known = self._connectors.get(code)
            if known is None and (secret is None or catalogue is None):
                msg = f"there is no connector {code}: a new one needs a secret and a catalogue"
                raise NotAcceptable(msg)
            stamps = known.stamps if known else Stamps(self._clock)
            options = options or (known.options if known else Options())
            connector = Connector(code, stamps, options)
            if known is not None:
                connector.take_over(known)
            if secret is not None:
                connector.secret = secret
            if catalogue is not None:
                # The catalogue is older than the connector, so that the first update after a read is empty.
                connector.catalogue = Catalogue(catalogue, at=stamps.of_a_change() - 1)
            connector.catalogue.set_cascade(cascade=options.cascade, at=stamps.of_a_change())
            self._connectors[code] = connector
            return connector.state()

    def codes(self) -> list[str]:
        """The codes of all connectors."""
        with self._lock:
            return list(self._connectors)

    def state(self, code: str) -> dict[str, Any]:
        """Counts, options, switches and what was written into the connector."""
        with self._lock:
            return self._connector(code).state()

    def item(self, code: str, table: str, item_id: int) -> dict[str, Any]:
        """One item with its values by column."""
        with self._lock:
            return self._connector(code).item(table, item_id)

    def edit(self, code: str, table: str, item_id: int, changes: dict[str, Any]) -> None:
        """Changes values of one item."""
        with self._lock:
            connector = self._connector(code)
            connector.catalogue.edit(table, item_id, changes, at=connector.stamps.of_a_change())

    def add(self, code: str, table: str, values: dict[str, Any]) -> int:
        """Adds an item, under the `ID` in the values or the next free one; its id."""
        with self._lock:
            connector = self._connector(code)
            return connector.catalogue.add(table, values, at=connector.stamps.of_a_change())

    def hide(self, code: str, table: str, item_id: int) -> None:
        """Takes the item out of what is exported; updates say `D`."""
        self._set_shown(code, table, item_id, shown=False)

    def show(self, code: str, table: str, item_id: int) -> None:
        """Exports a hidden item again."""
        self._set_shown(code, table, item_id, shown=True)

    def delete(self, code: str, table: str, item_id: int) -> None:
        """Deletes the item; updates say `D`."""
        with self._lock:
            connector = self._connector(code)
            connector.catalogue.delete(table, item_id, at=connector.stamps.of_a_change())

    def touch_config(self, code: str) -> None:
        """Changes the connector's configuration, so that the next answer is a refresh."""
        with self._lock:
            self._connector(code).touch_config()

    def set_switches(self, code: str, switches: Switches) -> None:
        """Replaces all switches of the connector; `Switches()` puts everything right."""
        with self._lock:
            self._connector(code).set_switches(switches)

    def log(self, code: str) -> list[dict[str, Any]]:
        """The requests that the connector has seen, oldest first."""
        with self._lock:
            return self._connector(code).log()

    def _connector(self, code: str) -> Connector:
        if code not in self._connectors:
            msg = f"there is no connector {code}"
            raise NoSuchThing(msg)
        return self._connectors[code]

    def _set_shown(self, code: str, table: str, item_id: int, *, shown: bool) -> None:
        with self._lock:
            connector = self._connector(code)
            connector.catalogue.set_shown(table, item_id, shown=shown, at=connector.stamps.of_a_change())
