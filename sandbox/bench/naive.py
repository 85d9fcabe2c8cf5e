"""A naive connector: it looks each thing up and creates it, one call a thing, one after the other.

It is what a first version of such a connector looks like: categories, products, options, variants and pictures, each by
a POST of its own over the V3 API, with a pause where the store says 429. It remembers nothing.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

Row = Mapping[str, Any]
OPTIONS = ("size", "color")
TOO_MANY, REFUSED = 429, range(400, 500)
SECONDS = 60.0


def tables(catalogue: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Table -> rows, each column -> cell, of a catalogue in the shape of a Sales Layer answer."""
    names = {
        table: [one if isinstance(one, str) else next(iter(one)) for one in columns]
        for table, columns in catalogue["data_schema"].items()
    }
    return {
        table: [dict(zip(names[table], row, strict=True)) for row in rows] for table, rows in catalogue["data"].items()
    }


@dataclass(slots=True)
class Naive:
    """One pass over a catalogue, into one store."""

    address: str
    """Of the store's API, down to /v3."""
    token: str
    catalogue: Mapping[str, Any]
    calls: int = 0
    refused: int = 0
    """Things that the store would not take; the loop goes on."""
    _categories: dict[int, int] = field(default_factory=dict)

    def run(self) -> None:
        """All of it; httpx.HTTPError where the store is away."""
        held = tables(self.catalogue)
        variants: dict[int, list[Row]] = defaultdict(list)
        for row in held["product_formats"]:
            variants[row["ID_products"]].append(row)
        headers = {"X-Auth-Token": self.token}
        with httpx.Client(headers=headers, timeout=SECONDS, trust_env=False, verify=False) as http:  # noqa: S501 plain
            for row in held["catalogue"]:
                self._category(http, row)
            for row in held["products"]:
                self._product(http, row, variants.get(row["ID"], []))

    def _category(self, http: httpx.Client, row: Row) -> None:
        parent = self._categories.get(row["ID_PARENT"], 0)
        body = {"name": row["section_name_en"], "parent_id": parent, "tree_id": 1}
        found = self._ask(http, "GET", "catalog/trees/categories", {"name": body["name"], "parent_id": parent})
        if not found:
            found = self._ask(http, "POST", "catalog/trees/categories", None, [body])
        if found:
            self._categories[row["ID"]] = found[0]["category_id"]

    def _product(self, http: httpx.Client, row: Row, variants: Sequence[Row]) -> None:
        if self._ask(http, "GET", "catalog/products", {"sku": row["REF"]}):
            return
        body = {
            "name": row["product_name_en"].strip(),
            "type": "physical",
            "sku": row["REF"],
            "description": row["product_description_en"],
            "price": float(row["product_price"]),
            "weight": float(row["product_weight"] or 0),
            "brand_name": row["product_brand"],
            "categories": [self._categories[one] for one in row["ID_catalogue"] if one in self._categories],
        }
        made = self._ask(http, "POST", "catalog/products", None, body)
        if not made:
            return
        here = f"catalog/products/{made['id']}"
        options = self._options(http, here, variants)
        for one in variants:
            self._variant(http, here, one, options)
        for place, (_, _, url, *_) in enumerate(row["product_image"]):
            self._ask(http, "POST", f"{here}/images", None, {"image_url": url, "is_thumbnail": place == 0})

    def _options(self, http: httpx.Client, here: str, variants: Sequence[Row]) -> dict[tuple[str, str], dict[str, int]]:
        """(option, label) -> how a variant names that value."""
        made: dict[tuple[str, str], dict[str, int]] = {}
        for name in OPTIONS:
            labels = list(dict.fromkeys(_label(one[name]) for one in variants if one[name]))
            if not labels:
                continue
            values = [{"label": label, "sort_order": place} for place, label in enumerate(labels)]
            body = {"display_name": name, "type": "dropdown", "option_values": values}
            option = self._ask(http, "POST", f"{here}/options", None, body)
            for one in (option or {}).get("option_values", ()):
                made[name, one["label"]] = {"option_id": option["id"], "id": one["id"]}
        return made

    def _variant(
        self, http: httpx.Client, here: str, row: Row, options: Mapping[tuple[str, str], Mapping[str, int]]
    ) -> None:
        chosen = [options[name, _label(row[name])] for name in OPTIONS if (name, _label(row[name])) in options]
        body = {"sku": row["REF"], "price": float(row["format_price"]), "option_values": chosen}
        made = self._ask(http, "POST", f"{here}/variants", None, body)
        for _, _, url, *_ in row["format_image"][:1] if made else ():
            self._ask(http, "POST", f"{here}/variants/{made['id']}/image", None, {"image_url": url})

    def _ask(
        self, http: httpx.Client, method: str, path: str, query: Mapping[str, Any] | None, body: Any = None
    ) -> Any:
        """The data of the answer; None where the store refuses. Again after the pause where it says 429."""
        while True:
            self.calls += 1
            answer = http.request(method, f"{self.address}/{path}", params=query, json=body)
            if answer.status_code == TOO_MANY:
                time.sleep(int(answer.headers["X-Rate-Limit-Time-Reset-Ms"]) / 1000)
                continue
            if answer.status_code in REFUSED:
                self.refused += 1
                return None
            return answer.raise_for_status().json()["data"]


def _label(cell: str) -> str:
    """The word of a swatch, such as `Black#000000`."""
    return cell.partition("#")[0]
