"""What is fit to be sent, and all that is wrong with what is not.

| item     | rejected when                                                                         |
| -------- | ------------------------------------------------------------------------------------- |
| any      | a required field is empty, unreadable or beyond the store's limits                     |
| product  | no valid weight or price (>= 0); no category                                           |
| variant  | its product is not exported; no SKU; no option value; other options than its siblings; |
|          | a combination that a sibling has; over 600 in its product                              |

What is wrong with a field that is not required does not reject the item: it goes without that field, and its
status says so (`rules/limits.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models.vocabulary import ItemKind
from worker.catalog.fields import FIELDS
from worker.catalog.items import Category, Problem, Product, Read, Variant
from worker.catalog.values import Value, shown
from worker.rules import limits

MOST_VARIANTS = 600  # SKUs per product (Help Center, platform limits)
MOST_VALUES = 250  # values per option (idem)
LONGEST_LABEL = 255  # option name, option value label (API reference, options)
DEEPEST_CATEGORY = 8  # levels (Help Center, platform limits)
MOST_CATEGORIES = 16_000  # per store, in all of its trees (idem)

NO_ROOM = Problem(
    "too_many_categories", f"the store holds {MOST_CATEGORIES} categories, which is the most; remove some there"
)
"""What is wrong with a category that the store has no room for."""


def graver(read: Read) -> tuple[Problem, ...]:
    """The problems for which the item cannot be sent at all; empty = it is fit."""
    match read.item:
        case Category() as category:
            return (*_fields(ItemKind.CATEGORY, category.fields),)
        case Product() as product:
            return (*_fields(ItemKind.PRODUCT, product.fields), *_product(product))
        case Variant() as variant:
            return (*_fields(ItemKind.VARIANT, variant.fields), *_variant(variant))


def lighter(read: Read, grave: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems that cost the item a field only."""
    fields = {problem.field for problem in grave}
    return tuple(problem for problem in read.problems if problem.field not in fields)


def too_deep(level: int) -> tuple[Problem, ...]:
    """What is wrong with a category on this level of a storefront's tree."""
    if level <= DEEPEST_CATEGORY:
        return ()
    text = f"it stands on level {level}, the store takes {DEEPEST_CATEGORY}; move it up"
    return (Problem("category_too_deep", text),)


def _fields(kind: ItemKind, fields: object) -> Iterable[Problem]:
    assert hasattr(fields, "get")
    for field in FIELDS[kind].values():
        value: Value = fields.get(field.name)
        if value is None:
            if field.required:
                code = limits.MISSING.get(field.name, "field_missing")
                yield Problem(code, f"{field.name} is missing or cannot be read; the store requires it", field.name)
        elif field.required and (problem := limits.beyond(field, value)):
            yield problem


def _product(product: Product) -> Iterable[Problem]:
    if not product.category_ids:
        yield Problem("no_category", "the product stands in no category; the store's pages would not show it")


def _variant(variant: Variant) -> Iterable[Problem]:
    if not variant.options:
        yield Problem("no_option", "the variant has no option value; the store cannot tell it from its siblings")
    for value in variant.options:
        if len(value.option) > LONGEST_LABEL:
            yield Problem(
                "value_too_long",
                f"the option's name '{shown(value.option)}' has {len(value.option)} characters, the store takes"
                f" {LONGEST_LABEL}",
                value.option,
            )
        if len(value.label) > LONGEST_LABEL:
            yield Problem(
                "value_too_long",
                f"option {value.option} has {len(value.label)} characters, the store takes {LONGEST_LABEL}",
                value.option,
            )


def among_siblings(variants: Sequence[Variant], unfit: Sequence[Variant] = ()) -> dict[int, Problem]:
    """Variant id -> what keeps it from standing beside its siblings; the lowest id wins a tie.

    The option set is that of the most siblings; of two equal combinations the lower id stays. The `unfit` are
    refused for other reasons: they hold nothing, and are told as well what would keep them.
    """
    wrong: dict[int, Problem] = {}
    out = {variant.source_id for variant in unfit}
    ordered = sorted((*variants, *unfit), key=lambda variant: (variant.source_id in out, variant.source_id))
    sets: dict[frozenset[str], int] = {}
    for variant in ordered[: len(variants)]:
        names = frozenset(value.option for value in variant.options)
        sets[names] = sets.get(names, 0) + 1
    common = max(sets, key=lambda names: (sets[names], len(names))) if sets else frozenset()
    combinations: dict[frozenset[tuple[str, str]], int] = {}
    labels: dict[str, set[str]] = {}
    stay = 0
    for variant in ordered:
        names = frozenset(value.option for value in variant.options)
        combination = frozenset((value.option, value.label.casefold()) for value in variant.options)
        if variant.source_id in out and (not variants or not names):
            continue  # nothing to compare it with, or it is told already that it has no option
        if names != common:
            wrong[variant.source_id] = Problem(
                "option_set_differs",
                f"it has the options {_listed(names)}, its siblings {_listed(common)}; all need the same",
            )
        elif combination in combinations:
            wrong[variant.source_id] = Problem(
                "combination_taken", f"variant {combinations[combination]} has the same option values"
            )
        elif stay >= MOST_VARIANTS:
            wrong[variant.source_id] = Problem("too_many_variants", f"the store takes {MOST_VARIANTS} a product")
        elif full := next((v.option for v in variant.options if _is_full(labels, v.option, v.label)), None):
            wrong[variant.source_id] = Problem("too_many_values", f"option {full} has {MOST_VALUES} values already")
        elif variant.source_id not in out:
            stay += 1
            combinations[combination] = variant.source_id
            for value in variant.options:
                labels.setdefault(value.option, set()).add(value.label.casefold())
    return wrong


def _is_full(labels: dict[str, set[str]], option: str, label: str) -> bool:
    known = labels.get(option, set())
    return len(known) >= MOST_VALUES and label.casefold() not in known


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
