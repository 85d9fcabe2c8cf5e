"""One store: everything that it holds."""

import math
import random
import threading
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.bigcommerce.faults import Faults
from sandbox.bigcommerce.limiter import QUOTAS, Lanes, Window
from sandbox.bigcommerce.log import RequestLog
from sandbox.bigcommerce.switches import Switches
from sandbox.bigcommerce.tables import Claims, Journal, Links, Row, Table

DEFAULT_CHANNEL = 1
DEFAULT_SITE = 1000
DEFAULT_LOCATION = 1


def folded(name: str) -> Callable[[Row], Hashable | None]:
    """A key that ignores case and is free for the empty string."""
    return lambda row: str(row[name]).casefold() or None


def _sibling(row: Row) -> Hashable:
    return row["tree_id"], row["parent_id"], row["name"].casefold()


def _combination(row: Row) -> Hashable | None:
    chosen = row["option_values"]
    return (row["product_id"], frozenset(value["id"] for value in chosen)) if chosen else None


class Store:
    """One store's state, limits, troubles and log; `lock` is held for a request's work, never for its latency."""

    def __init__(self, store_hash: str, token: str, clock: Callable[[], float]) -> None:
        self.hash = store_hash
        self.token = token
        self.clock = clock
        self.lock = threading.RLock()
        self.plan = "Standard"
        self.time_zone: Row = {"name": "Etc/UTC", "raw_offset": 0}
        self.scopes: frozenset[str] | None = None
        self.switches = Switches()
        self.window = Window(clock, QUOTAS[self.plan])
        self.lanes = Lanes()
        self.faults = Faults(store_hash)
        self.log = RequestLog()
        self.requests = 0
        self.latency: tuple[float, float] = (0.0, 0.0)
        self._chance = random.Random(store_hash)
        self._later: list[tuple[float, Callable[[], None]]] = []

        # The kinds begin at different ids, so that a confusion of ids cannot go unseen.
        self.journal = Journal()
        new = self.journal
        self.products = Table(new, 112, keys={"name": folded("name"), "sku": folded("sku")})
        self.variants = Table(new, 4077, parent="product_id", keys={"sku": folded("sku"), "combination": _combination})
        self.options = Table(
            new, 220, parent="product_id", keys={"name": lambda r: (r["product_id"], r["display_name"].casefold())}
        )
        self.values = Table(new, 1340, parent="option_id", keys={"label": lambda r: (r["option_id"], r["label"])})
        self.images = Table(new, 2411, parent="product_id")
        self.custom_fields = Table(
            new, 5203, parent="product_id", keys={"pair": lambda r: (r["product_id"], r["name"], r["value"])}
        )
        self.bulk_rules = Table(new, 31, parent="product_id")
        self.videos = Table(new, 61, parent="product_id")
        self.brands = Table(new, 35, keys={"name": folded("name")})
        self.trees = Table(new, 1)
        self.categories = Table(new, 23, id_field="category_id", parent="parent_id", keys={"sibling": _sibling})
        self.metafields = Table(
            new, 9001, parent="owner", keys={"key": lambda r: (r["owner"], r["namespace"], r["key"])}
        )
        self.channels = Table(new, DEFAULT_CHANNEL)
        self.locations = Table(new, DEFAULT_LOCATION)
        self.stock = Table(new, 1, parent="variant_id", keys={"place": lambda r: (r["location_id"], r["variant_id"])})
        self.price_lists = Table(new, 7, keys={"name": lambda r: r["name"].casefold()})
        self.price_records = Table(
            new,
            1,
            parent="price_list_id",
            keys={"place": lambda r: (r["price_list_id"], r["variant_id"], r["currency"])},
        )
        self.in_category = Links(new)
        self.on_channel = Links(new)
        self.urls = Claims(new)
        self.sort_orders: dict[tuple[int, int], int] = {}
        # Addresses that products had, and the products to which they lead on.
        self.redirects: dict[str, int] = {}
        self._furnish()

    def configure(self, **settings: Any) -> None:
        """The settings of the control API, each of them optional."""
        with self.lock:
            for name, value in settings.items():
                if name not in SETTINGS:
                    raise ValueError(f"unknown setting {name!r}; known: {', '.join(SETTINGS)}")
                SETTINGS[name](self, value)
            self.journal.keep()

    def add_channel(self, channel: Mapping[str, Any]) -> Row:
        """The channel, new or brought up to date."""
        known = self.channels.get(int(channel.get("id", 0)))
        if known is not None:
            self.channels.change(known, channel)
            return known
        row = {"name": "Storefront", "type": "storefront", "platform": "bigcommerce", "status": "active"}
        now = self.timestamp()
        return self.channels.add({**row, "date_created": now, "date_modified": now, **channel})

    def add_tree(self, tree: Mapping[str, Any]) -> Row:
        """The category tree, new or brought up to date."""
        known = self.trees.get(int(tree.get("id", 0)))
        if known is not None:
            self.trees.change(known, tree)
            return known
        return self.trees.add({"name": "Tree", "channels": [], **tree})

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """The act, done once the seconds have passed (at once when there are none)."""
        if seconds <= 0:
            act()
        else:
            self._later.append((self.clock() + seconds, act))

    def settle(self) -> None:
        """What was due has happened."""
        now = self.clock()
        due = [act for at, act in self._later if at <= now]
        self._later = [(at, act) for at, act in self._later if at > now]
        for act in due:
            act()
        self.journal.keep()

    def draw_latency(self) -> float:
        """How long the next answer takes, in seconds."""
        median, sigma = self.latency
        return self._chance.lognormvariate(math.log(median), sigma) if median > 0 and sigma > 0 else median

    def timestamp(self) -> str:
        """Now, as the store writes it."""
        return datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="seconds")

    def touch(self, product: Row) -> None:
        """The product was really changed."""
        self.products.change(product, {"date_modified": self.timestamp()})

    def created(self) -> dict[str, int]:
        """How many rows of each kind were ever created and kept, the furniture included."""
        return {name: table.created for name, table in vars(self).items() if isinstance(table, Table)}

    def _furnish(self) -> None:
        self.add_channel({"name": f"Store {self.hash}", "is_visible": True, "is_listable_from_ui": True})
        self.add_tree({"name": "Default catalog tree", "channels": [DEFAULT_CHANNEL]})
        self.locations.add(
            {"code": "BC-LOCATION-1", "label": "Default location", "type_id": "PHYSICAL", "enabled": True}
        )
        self.journal.keep()


def _set_plan(store: Store, plan: str) -> None:
    if plan not in QUOTAS:
        raise ValueError(f"unknown plan {plan!r}; known: {', '.join(QUOTAS)}")
    store.plan = plan
    store.window.quota = QUOTAS[plan]


def _set_quota(store: Store, quota: int) -> None:
    store.window.quota = int(quota)


def _set_window(store: Store, seconds: float) -> None:
    store.window = Window(store.clock, store.window.quota, float(seconds))


def _set_latency(store: Store, latency: float | Mapping[str, float]) -> None:
    if isinstance(latency, Mapping):
        store.latency = (float(latency["median"]), float(latency.get("sigma", 0.5)))
    else:
        store.latency = (float(latency), 0.0)


def _set_time_zone(store: Store, time_zone: Mapping[str, Any]) -> None:
    store.time_zone = {"name": str(time_zone["name"]), "raw_offset": int(time_zone["raw_offset"])}


def _set_token(store: Store, token: str) -> None:
    store.token = token


def _set_scopes(store: Store, scopes: list[str] | None) -> None:
    store.scopes = None if scopes is None else frozenset(scopes)


def _set_switches(store: Store, switches: dict[str, Any]) -> None:
    store.switches = store.switches.changed(switches)


def _set_channels(store: Store, channels: list[Row]) -> None:
    for channel in channels:
        store.add_channel(channel)


def _set_trees(store: Store, trees: list[Row]) -> None:
    for tree in trees:
        store.add_tree(tree)


SETTINGS: Mapping[str, Callable[[Store, Any], None]] = {
    "token": _set_token,
    "plan": _set_plan,
    "quota": _set_quota,
    "window_seconds": _set_window,
    "latency": _set_latency,
    "time_zone": _set_time_zone,
    "scopes": _set_scopes,
    "switches": _set_switches,
    "channels": _set_channels,
    "trees": _set_trees,
}
