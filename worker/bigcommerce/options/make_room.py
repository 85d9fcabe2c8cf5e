"""What goes from a product before its variants are made anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.bigcommerce.client import Client
from worker.bigcommerce.options import product_options
from worker.catalog.changes import RebuildVariants
from worker.errors import RefusedByStore


@dataclass(frozen=True, slots=True)
class Clearing:
    """A rebuild, with the variants that are in the store, and those of them that are made already."""

    client: Client
    product_id: int
    change: RebuildVariants
    present: Sequence[Mapping[str, Any]]
    made: set[int]

    def dropped(self, known: Mapping[str, Any]) -> product_options.Options:
        """The options of ours that the new set lacks."""
        names = {option.name.casefold() for option in self.change.options}
        held = product_options.held(self.client, self.product_id)
        return {name: one for name, one in held.items() if name.casefold() not in names and name in known}

    def demand_room(self, dropped: Mapping[str, Any]) -> None:
        """Refuse where variants that are not ours are in the way, before anything is deleted."""
        stay = self._old() | self.made
        others = [row for row in self.present if int(row["id"]) not in stay and row.get("option_values")]
        if dropped and others:
            text = (
                f"{len(others)} variants that Sales Layer does not manage use {', '.join(dropped)}; remove them first"
            )
            raise RefusedByStore(409, text)
        for variant in self.change.variants:
            holder = next((row for row in others if product_options.are_same(row, variant)), None)
            if holder is not None:
                text = f"variant {holder['sku']} has the options that {variant.source_id} is to have; remove it first"
                raise RefusedByStore(409, text)

    def delete(self, dropped: Mapping[str, Any]) -> None:
        """Delete the old variants, and these options."""
        path = f"/v3/catalog/products/{self.product_id}"
        for row in self.present:
            if int(row["id"]) in self._old():
                self.client.remove(f"{path}/variants/{row['id']}")
        for option in dropped.values():
            self.client.remove(f"{path}/options/{option['id']}")

    def _old(self) -> set[int]:
        return {*self.change.old_ids.values(), *self.change.dropped.values()} - self.made
