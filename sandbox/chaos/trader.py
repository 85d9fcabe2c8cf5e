"""Somebody who edits a catalogue all the time, and can do the very same for its twin.

Whenever a run reads the source, and however many edits it finds, the store must end up the same, and every item must
have been created once. So what is going to be hidden is not edited before (the store keeps what came before the hiding,
and nobody says what that was), nothing new is hidden, and a custom field is changed once.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.chaos import goods
from sandbox.chaos.neighbours import Neighbours
from sandbox.stage.stage import Cast, Stage

FIRST_NEW = 80_000
EDITS, ADDED, TO_HIDE = 4, 2, 3

Deed = tuple[str, str, int, Mapping[str, Any]]
"""Verb (edit, add, hide), table, id, values."""


@dataclass(slots=True)
class Trader:
    """One tenant's hand at the source."""

    tenant: str
    weight: float
    catalogue: Mapping[str, Any]
    chance: random.Random
    cast: Cast
    deeds: list[Deed] = field(default_factory=list)
    _count: int = 0
    _to_hide: list[int] = field(default_factory=list)
    _kept: list[int] = field(default_factory=list)
    """Products that are never hidden."""
    _variants: list[int] = field(default_factory=list)
    """Theirs."""
    _annotated: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        rows = [self._values("products", row) | {"ID": row[1]} for row in self.catalogue["data"]["products"]]
        names = [row["product_name_en"] for row in rows]
        sound = [row["ID"] for row in rows if row["product_weight"] and names.count(row["product_name_en"]) == 1]
        self._to_hide = self.chance.sample(sound, TO_HIDE)
        self._kept = [row["ID"] for row in rows if row["ID"] not in self._to_hide]
        self._variants = [row[1] for row in self.catalogue["data"]["product_formats"] if row[2] in self._kept]

    def trade(self, neighbours: Neighbours) -> None:
        """Some edits of every sort; httpx.HTTPError where the source is away."""
        done = len(self.deeds)
        for product in self.chance.sample(self._kept, EDITS):
            self._count += 1
            self._edit("products", product, product_price=f"{20 + self._count / 100:.2f}")
        for product in set(self.chance.sample(self._kept, EDITS)) - self._annotated:
            self._annotated.add(product)
            self._edit("products", product, pattern=f"Pattern {self._count}")
        for variant in self.chance.sample(self._variants, EDITS):
            self._count += 1
            self._edit("product_formats", variant, format_stock=self._count)
        if self._to_hide and self.chance.random() < 0.3:
            self.deeds.append(("hide", "products", self._to_hide.pop(), {}))
        for _ in range(ADDED):
            self._add()
        for verb, table, item_id, values in self.deeds[done:]:
            match verb:
                case "edit":
                    neighbours.edit(self.cast.code, table, item_id, values)
                case "add":
                    neighbours.add(self.cast.code, table, values)
                case _:
                    neighbours.hide(self.cast.code, table, item_id)

    def play_twin(self, stage: Stage) -> Cast:
        """The same catalogue, the same edits, two runs, and nothing that goes wrong."""
        profile = goods.profile(self.catalogue)
        cast = stage.connect(f"twin-{self.tenant}", self.catalogue, storefronts=2, profile=profile)
        stage.sources.hide(cast.code, "catalogue", goods.DRAWER)
        stage.request(cast)
        stage.play()
        for verb, table, item_id, values in self.deeds:
            match verb:
                case "edit":
                    stage.sources.edit(cast.code, table, item_id, dict(values))
                case "add":
                    stage.sources.add(cast.code, table, dict(values))
                case _:
                    stage.sources.hide(cast.code, table, item_id)
        if self.deeds:
            stage.request(cast)
            stage.play()
        return cast

    def _edit(self, table: str, item_id: int, **values: Any) -> None:
        self.deeds.append(("edit", table, item_id, values))

    def _add(self) -> None:
        """A new product with two variants, made after one that is there.

        They are put together in a category that is hidden, and shown all at once: a run that read the product without
        its variants would rightly make another one of it.
        """
        self._count += 1
        number = FIRST_NEW + 10 * self._count
        like = self._values("products", self.chance.choice(self.catalogue["data"]["products"]))
        like |= {"ID": number, "REF": f"NEW-{number}", "product_name_en": f"Novelty {number}", "product_url": ""}
        place = like["ID_catalogue"]
        sound = {
            "product_weight": "1",
            "product_price": "500",
            "product_sale_price": "",
            "ID_catalogue": [goods.DRAWER],
        }
        self.deeds.append(("add", "products", number, like | sound))
        for at, size in enumerate(("S", "M"), start=1):
            values = self._values("product_formats", self.catalogue["data"]["product_formats"][0])
            values |= {"ID": number + at, "ID_products": number, "REF": f"NEW-{number}-{size}", "size": size}
            self.deeds.append(("add", "product_formats", number + at, values | {"format_upc": "", "format_image": []}))
        self._edit("products", number, ID_catalogue=place)

    def _values(self, table: str, row: list[Any]) -> dict[str, Any]:
        names = [c if isinstance(c, str) else next(iter(c)) for c in self.catalogue["data_schema"][table]]
        return {name: value for name, value in zip(names, row, strict=True) if name not in {"STATUS", "ID"}}
