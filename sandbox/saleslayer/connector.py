"""One connector: its secrets, its catalogue, its switches and what was asked of it."""

from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.saleslayer.catalogue import Catalogue
from sandbox.saleslayer.imports import Written
from sandbox.saleslayer.stamps import Stamps
from sandbox.saleslayer.switches import FaultsLeft, Options, Switches
from sandbox.saleslayer.tables import Item

LOG_LENGTH = 5000


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to the connector API, and what came of it."""

    time: float
    method: str
    parameters: dict[str, str]
    page: int
    status: int
    action: str = ""
    error: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    has_next: bool = False
    fault: str = ""


class Connector:
    """The state that requests read and the control API changes; whoever calls holds the sandbox's lock."""

    secret: str
    catalogue: Catalogue

    def __init__(self, code: str, stamps: Stamps, options: Options) -> None:
        self.code = code
        self.stamps = stamps
        self.options = options
        self.config_changed_at = stamps.of_a_configuration()
        self.switches = Switches()
        self.faults = FaultsLeft(())
        self.asked: deque[Asked] = deque(maxlen=LOG_LENGTH)
        self.written: list[Written] = []

    @property
    def secrets(self) -> tuple[str, ...]:
        """All private keys that are valid; a connector can hold several (API facts §1)."""
        return (self.secret, *self.options.other_secrets)

    def take_over(self, former: "Connector") -> None:
        """Everything of the connector that this one replaces, its configuration apart."""
        self.secret, self.catalogue = former.secret, former.catalogue
        self.switches, self.faults = former.switches, former.faults
        self.asked, self.written = former.asked, former.written

    def touch_config(self) -> None:
        """Dates the configuration anew, so that every earlier `last_update` is ignored."""
        self.config_changed_at = self.stamps.of_a_configuration()

    def set_switches(self, switches: Switches) -> None:
        """Replaces all switches, and the faults still to happen."""
        self.switches = switches
        self.faults = FaultsLeft(switches.faults)

    def state(self) -> dict[str, Any]:
        """What the control API shows of the connector; no secret is in it."""
        return {
            "code": self.code,
            "company_ID": self.catalogue.schema.get("company_ID"),
            "config_changed_at": self.config_changed_at,
            "options": {name: value for name, value in asdict(self.options).items() if not name.endswith("_secrets")},
            "switches": asdict(self.switches),
            "tables": {name: _counted(table.items.values()) for name, table in self.catalogue.tables.items()},
            "written": [asdict(row) for row in self.written],
        }

    def item(self, table_name: str, item_id: int) -> dict[str, Any]:
        """One item as the control API shows it, by column."""
        table = self.catalogue.table(table_name)
        item = table.find(item_id)
        return {
            "id": item.id,
            "shown": item.shown,
            "exported": item.exported,
            "modified_at": item.modified_at,
            "values": {column: table.cell(item, column) for column in table.columns[2:]},
        }

    def log(self) -> list[dict[str, Any]]:
        """The requests seen, oldest first."""
        return [asdict(one) for one in self.asked]


def _counted(items: Any) -> dict[str, int]:
    def place(item: Item) -> str:
        if item.deleted:
            return "deleted"
        return "exported" if item.exported else "hidden"

    return {"exported": 0, "hidden": 0, "deleted": 0} | Counter(place(item) for item in items)
