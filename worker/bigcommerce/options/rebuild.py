"""Variants made anew under other option values, with all that is not ours.

A rebuild 1. reads the old variants whole (`whole_variants`) and hands that back to be kept, 2. deletes and creates,
with the stock of the default location, and gives back the metafields. Stock and prices are given back and proved by a
change of its own (`prove`). From step 2 on it can be broken off and begun again anywhere: what is there with the new
options is adopted, what is there with the old ones is deleted, what is missing is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from models.vocabulary import ItemKind
from worker.bigcommerce import encode, reads
from worker.bigcommerce.client import Client
from worker.bigcommerce.options import product_options, whole_variants
from worker.bigcommerce.options.make_room import Clearing
from worker.bigcommerce.options.prove import in_words, rebuilt_as
from worker.bigcommerce.parts import metafields, pictures_sent
from worker.catalog.changes import ProveStock, RebuildVariants
from worker.catalog.fields import FIELDS, Group
from worker.catalog.items import Key, Problem, Variant
from worker.catalog.sending import Applied, Job
from worker.catalog.store import DEFAULT_LOCATION, Relation
from worker.catalog.values import key
from worker.errors import RefusedByStore, ScopeMissing, WorkerError

_LEVEL = "inventory_level"
_PRICES = {field.store for field in FIELDS[ItemKind.VARIANT].values() if field.group is Group.PRICE}


def rebuild(client: Client, job: Job) -> Applied:
    """Read what has to be kept; once that is kept, make the variants anew."""
    change = job.change
    assert isinstance(change, RebuildVariants)
    try:
        if change.kept is None:
            assert job.relation is not None
            ours = {one: metafields.ours(relation) for one, relation in job.siblings.items()}
            kept = whole_variants.read(
                client, job.relation.store_id, change.old_ids, with_stock=change.keeps_stock, our_metafields=ours
            )
            return Applied(job, revised=replace(change, kept=kept))
        return _rebuilt(client, job, change, change.kept)
    except ScopeMissing as missing:
        # Nothing was deleted yet; what cannot be read cannot be kept, and that is no reason to stop the run.
        return Applied(job, trouble=RefusedByStore(403, str(missing)) if change.kept is None else missing)
    except WorkerError as trouble:
        return Applied(job, trouble=trouble)


def _rebuilt(client: Client, job: Job, change: RebuildVariants, kept: Mapping[int, Mapping[str, Any]]) -> Applied:
    product = job.relation
    assert product is not None
    present = reads.variants_of(client, product.store_id)
    made = {
        variant.source_id: row
        for variant in change.variants
        if (row := next((row for row in present if _is(row, variant, kept.get(variant.source_id, {}))), None))
    }
    known = dict(product.parts.get("options") or {})
    clearing = Clearing(client, product.store_id, change, present, {int(row["id"]) for row in made.values()})
    dropped = clearing.dropped(known)
    clearing.demand_room(dropped)
    if not dropped:
        # What the store refuses of it, it refuses before a variant is deleted.
        product_options.with_values(client, product.store_id, change.options, change.variants)
    clearing.delete(dropped)
    options = product_options.with_values(client, product.store_id, change.options, change.variants)
    results = []
    for variant in change.variants:
        before = job.siblings.get(variant.source_id)
        was_off = before is not None and not before.enabled
        had = kept.get(variant.source_id, {})
        one = _Rebuilding(client, product.store_id, change, variant, had, was_off=was_off)
        results.append(one.done(made.get(variant.source_id), options))
    own = product_options.ours(options, known, change.variants)
    own = product_options.without_orphans(client, product.store_id, own, change.options)
    product = replace(product, parts={**product.parts, "options": own})
    return Applied(
        job,
        (product, *(one.relation for one in results)),
        notes={one.relation.key.source_id: one.note for one in results},
        following=tuple(one.proof for one in results if one.proof is not None),
    )


@dataclass(frozen=True, slots=True)
class _Result:
    """One variant made anew."""

    relation: Relation
    note: Problem
    proof: ProveStock | None


@dataclass(frozen=True, slots=True)
class _Rebuilding:
    """One variant on its way, with what it had."""

    client: Client
    product_id: int
    change: RebuildVariants
    variant: Variant
    kept: Mapping[str, Any]
    was_off: bool
    """Whether we made it not purchasable, since it was gone at the source: it is back."""

    def done(self, row: Mapping[str, Any] | None, options: Mapping[str, Any]) -> _Result:
        """The variant under its new options; made where it is not there yet."""
        sent: Mapping[str, str] = self.change.fingerprints[self.variant.source_id]
        words = ""
        if row is None:
            store_id, sent, words = self._make(options)
        else:
            store_id = int(row["id"])
            if not _has_sku(row, self.variant):
                sent, words = _only_options(sent), "found as it was"
        self._give_metafields(store_id, is_new=row is None)
        relation = Relation(
            Key(ItemKind.VARIANT, self.variant.source_id),
            store_id,
            self.product_id,
            created_here=True,
            enabled=self.variant.fields.get("enabled") is not False,
            fingerprints=sent,
        )
        stock = self._stock()
        settings, prices = (tuple((int(at), one) for at, one in self.kept.get(of, ())) for of in ("settings", "prices"))
        if not (stock or settings or prices):
            return _Result(relation, rebuilt_as(self._others(), words), None)
        text = f"made anew; its {in_words(stock) or 'settings and prices'} are given back and not read yet"
        proof = ProveStock(
            self.variant.source_id, self.change.source_id, stock, self._others(), settings, prices, words
        )
        return _Result(relation, Problem("stock_unproven", text), proof)

    def _make(self, options: Mapping[str, Any]) -> tuple[int, Mapping[str, str], str]:
        """Make it as the source says over what it had; where that is refused, with less, so that it is not lost.

        Its id, the fingerprints of what was sent, and the store's words where that is not all.
        """
        path = f"/v3/catalog/products/{self.product_id}/variants"
        told = self.change.fingerprints[self.variant.source_id]
        had = {name: value for name, value in self._had().items() if name != _LEVEL}
        says = {name: value for name, value in self._says().items() if name != _LEVEL}
        here: dict[str, Any] = {"option_values": product_options.chosen(self.variant, options)}
        if (level := dict(self._stock()).get(DEFAULT_LOCATION)) is not None:
            here[_LEVEL] = level
        without_picture = {group: value for group, value in told.items() if group != Group.IMAGES}
        whole = {**had, **says}
        as_it_was = [(_bare(had), _only_options(told))] if "sku" in had else []
        attempts = [(whole, told), (_bare(whole), without_picture), *as_it_was]
        words = ""
        while True:
            body, sent = attempts.pop(0)
            try:
                return int(self.client.post(path, {**body, **here}).data["id"]), sent, words
            except RefusedByStore as refusal:
                if not pictures_sent.is_about_images(refusal):
                    attempts = [one for one in attempts if one in as_it_was]  # its picture is not what is wrong
                if not attempts or (attempts[0][0] == body):
                    raise
                words = words or str(refusal)

    def _had(self) -> dict[str, Any]:
        """The fields that it had, without those that the source has emptied since they were sent."""
        changed = encode.changed_variant(self.variant, self.change.groups.get(self.variant.source_id, frozenset()))
        fields = self.kept.get("fields", {})
        return {name: value for name, value in fields.items() if name == "sku" or name not in changed}

    def _says(self) -> encode.Body:
        """What the source says of it; prices that may not be overwritten count only where it had none to keep."""
        held = set() if self.change.sends_prices or not self.kept else _PRICES
        back = {"purchasing_disabled": self.variant.fields.get("enabled") is False} if self.was_off else {}
        says = {**back, **encode.new_variant(self.variant)}
        return {name: value for name, value in says.items() if name not in held}

    def _stock(self) -> tuple[tuple[int, int], ...]:
        """(location, quantity) that it is to have; a new variant has 0 everywhere."""
        levels = {int(location): int(quantity) for location, quantity in self.kept.get("stock", ())}
        told = self.variant.fields.get(_LEVEL)
        if self.change.sends_stock and isinstance(told, int):
            levels[self.change.location] = told
        return tuple(sorted((location, quantity) for location, quantity in levels.items() if quantity))

    def _others(self) -> str:
        """What was kept beside the stock, in words."""
        says = {*self._says(), _LEVEL}
        names = sorted(name for name, value in self._had().items() if value and name not in says)
        fields = f"its {', '.join(names)}" if names else "no field that Sales Layer does not manage"
        prices = f", {len(self.kept['prices'])} prices of price lists" if self.kept.get("prices") else ""
        return f"{len(self.kept.get('metafields', ()))} metafields{prices} and {fields}"

    def _give_metafields(self, store_id: int, *, is_new: bool) -> None:
        wanted = self.kept.get("metafields", ())
        if not wanted:
            return
        there = [] if is_new else reads.variant_metafields(self.client, self.product_id, store_id)
        held = {(one["namespace"], one["key"]) for one in there}
        for one in wanted:
            if (one["namespace"], one["key"]) not in held:
                path = f"/v3/catalog/products/{self.product_id}/variants/{store_id}/metafields"
                self.client.post(path, one, repeatable=True)


def _is(row: Mapping[str, Any], variant: Variant, kept: Mapping[str, Any]) -> bool:
    """Whether this is the variant under its new options: its SKU, or the one that it had, and the same combination."""
    same_sku = _has_sku(row, variant) or key(row.get("sku")) == key(str(kept.get("fields", {}).get("sku")))
    return same_sku and product_options.are_same(row, variant)


def _has_sku(row: Mapping[str, Any], variant: Variant) -> bool:
    return key(row.get("sku")) == key(str(variant.fields.get("sku")))


def _bare(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "image_url"}


def _only_options(fingerprints: Mapping[str, str]) -> dict[str, str]:
    return {Group.OPTIONS.value: fingerprints[Group.OPTIONS]}
