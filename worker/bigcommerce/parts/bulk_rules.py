"""A product's bulk pricing rules: ours as the source says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from worker.bigcommerce import decode, encode, reads
from worker.bigcommerce.client import Client
from worker.catalog import bulk_pricing
from worker.catalog.bulk_pricing import BulkRule, Moves
from worker.catalog.items import Problem
from worker.catalog.sending import Applied
from worker.errors import RefusedByStore, WorkerError

PRODUCTS = "/v3/catalog/products"


def bring_forward(client: Client, applied: Applied, wanted: Sequence[BulkRule]) -> Applied:
    """Ours as the source says; one that overlaps another's, or that the store refuses, is a problem of its own.

    Trouble midway keeps what was done. What an earlier slice made without hearing of it is there exactly as
    wanted, and found so (law 3).
    """
    own, *rest = applied.relations
    ours = [int(row[-1]) for row in own.parts.get("bulk_rules") or ()]
    if not ours and not wanted:
        return applied
    before = applied.job.parts_before
    held: dict[int, BulkRule] = {}
    problems = list(applied.problems)
    trouble: WorkerError | None = None
    try:
        if applied.job.unsure or before is None:
            present = _present(client, own.store_id)
        else:
            present = dict(map(bulk_pricing.from_row, before["bulk_rules"]))
        held = {one: present[one] for one in ours if one in present}
        moves = bulk_pricing.moves(wanted, present, ours)
        problems += [_clash(rule, other) for rule, other in moves.clashing]
        held |= moves.held
        for one in moves.dropped:
            client.remove(f"{_path(own.store_id)}/{one}")
            held.pop(one)
        others = {one: rule for one, rule in present.items() if one not in held and one not in ours}
        if moves.changed or moves.new:
            made, refused = _put(client, own.store_id, moves, others, wanted)
            held |= made
            problems += refused
    except WorkerError as met:
        trouble = met
    rows = [bulk_pricing.to_row(one, rule) for one, rule in sorted(held.items())]
    own = replace(own, parts={**own.parts, "bulk_rules": rows})
    return replace(applied, relations=(own, *rest), problems=tuple(problems), trouble=trouble)


def _put(
    client: Client, product_id: int, moves: Moves, others: Mapping[int, BulkRule], wanted: Sequence[BulkRule]
) -> tuple[dict[int, BulkRule], list[Problem]]:
    """All of them in one call, or, where the store refuses that, each in its own.

    The call names every rule that is to stay, others' too: whether the store keeps what is left out of the list
    is not documented (API facts §3.3).
    """
    body = [encode.bulk_rule(rule, one) for one, rule in (*others.items(), *moves.held.items())]
    body += [encode.bulk_rule(rule, one) for one, rule in moves.changed.items()]
    body += [encode.bulk_rule(rule) for rule in moves.new]
    try:
        # What it adds has no id yet: sent twice, it might be there twice.
        answer = client.put(f"{PRODUCTS}/{product_id}", {"bulk_pricing_rules": body}, repeatable=not moves.new)
    except RefusedByStore:
        return _one_by_one(client, product_id, moves, wanted)
    rows = answer.data.get("bulk_pricing_rules") if isinstance(answer.data, Mapping) else None
    there = _rules(rows) if rows is not None else _present(client, product_id)
    # Whatever the store makes of an amount, no other rule has this span.
    spans = {(rule.minimum, rule.maximum) for rule in wanted}
    return {one: rule for one, rule in there.items() if (rule.minimum, rule.maximum) in spans}, []


def _one_by_one(
    client: Client, product_id: int, moves: Moves, wanted: Sequence[BulkRule]
) -> tuple[dict[int, BulkRule], list[Problem]]:
    """Each rule by itself, after another look at what is there."""
    present = _present(client, product_id)
    made = {one: rule for one, rule in present.items() if rule in wanted}
    problems = []
    for store_id, rule in (*moves.changed.items(), *((None, rule) for rule in moves.new)):
        if rule in made.values():
            continue
        try:
            if store_id is not None and store_id in present:
                client.put(f"{_path(product_id)}/{store_id}", encode.bulk_rule(rule))
                made[store_id] = rule
            else:
                row = client.post(_path(product_id), encode.bulk_rule(rule)).data
                made[int(row["id"])] = rule
        except RefusedByStore as refusal:
            text = f"the store refused the bulk pricing rule {rule}: {refusal}"
            problems.append(Problem("bulk_rule_refused", text, "bulk_pricing_rules"))
    # One of ours whose new content was refused still stands with its old one.
    return made | {one: present[one] for one in moves.changed if one in present and one not in made}, problems


def _clash(rule: BulkRule, other: BulkRule) -> Problem:
    text = f"the bulk pricing rule {rule} overlaps one that Sales Layer does not manage ({other}); it was not sent"
    return Problem("bulk_rule_clashes", text, "bulk_pricing_rules")


def _present(client: Client, product_id: int) -> dict[int, BulkRule]:
    return _rules(reads.bulk_rules_of(client, product_id))


def _rules(rows: Sequence[Mapping[str, object]]) -> dict[int, BulkRule]:
    return dict(bulk_pricing.from_row(decode.bulk_rule(row)) for row in rows)


def _path(product_id: int) -> str:
    return f"{PRODUCTS}/{product_id}/bulk-pricing-rules"
