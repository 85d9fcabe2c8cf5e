"""Where a field of an item comes from: its columns, the rule, and the change that sent it last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from models.vocabulary import Action, ItemKind
from worker.catalog.calls import Sent
from worker.catalog.columns import CATEGORIES
from worker.catalog.fields import FIELDS, Group
from worker.catalog.profile import Profile
from worker.rules.field_values import PARTS
from worker.rules.mapping import Mapped

_GROUPS = PARTS | {"storefronts": Group.STOREFRONTS}
"""The groups of what hangs on an item; those of its fields stand in the table of fields."""

_BY_ITSELF = {
    Action.STOCK: Group.STOCK,
    Action.RELATE: Group.RELATED,
    Action.METAFIELDS: Group.METAFIELDS,
    Action.ASSIGN: Group.STOREFRONTS,
    Action.RELABEL: Group.OPTIONS,
    Action.DISABLE: Group.VISIBILITY,
}
"""What these changes send; a creation and a rebuild send all but what only these send."""
_NEVER_INLINE = frozenset({Group.RELATED, Group.METAFIELDS, Group.STOREFRONTS})

At = TypeVar("At")


@dataclass(frozen=True, slots=True)
class Origin:
    """The source's columns that are a field, and the rule of the profile that says so."""

    columns: tuple[str, ...]
    rule: str


def group_of(kind: ItemKind, field: str) -> Group | None:
    """The group in which the field is fingerprinted and sent."""
    known = FIELDS[kind].get(field)
    return _GROUPS.get(field) or (None if known is None else known.group)


def origin(kind: ItemKind, field: str, profile: Profile, mapped: Mapped | None) -> Origin:
    """Which columns became the field, and by which rule."""
    if field == "categories":
        return Origin((CATEGORIES,), "the categories in which the source has it, as far as a storefront shows them")
    if mapped is None:
        return Origin((), "the source has not been read yet")
    extras = tuple(column for column, _ in mapped.extras)
    named = {ItemKind.PRODUCT: profile.custom_fields, ItemKind.VARIANT: profile.options}.get(kind)
    by = "named in the profile" if named is not None else "every column that maps to no field"
    if (field, kind) in (("custom_fields", ItemKind.PRODUCT), ("options", ItemKind.VARIANT)):
        return Origin(extras, by)
    if field == "options":
        return Origin((), "the option values of its variants")
    if field == "metafields":
        return Origin(tuple(column for column, _ in mapped.metafields), "named in the profile")
    if field == "bulk_rules":
        rules = tuple(column for rule in mapped.bulk_rules.values() for column in rule.values())
        return Origin(rules, "columns of bulk pricing rules")
    column = mapped.fields.get(field)
    if column is None:
        return Origin((), "no column is mapped to it")
    if field in profile.mapping.of(kind):
        return Origin((column,), f"mapping.{kind}.{field} of the profile")
    return Origin((column,), "the column is named like the field")


def cells(columns: Iterable[str], row: dict[str, Any]) -> dict[str, Any]:
    """Column -> what the row of the mirror says in it."""
    return {column: row.get(column) for column in columns}


def last_sent(kind: ItemKind, field: str, newest_first: Sequence[tuple[At, Sent]]) -> tuple[At, Sent] | None:
    """The last change that sent the field with success; None where what is kept does not reach back so far."""
    group = group_of(kind, field)
    return next(((at, sent) for at, sent in newest_first if sent.ok and _covers(sent, group)), None)


def _covers(sent: Sent, group: Group | None) -> bool:
    action = Action(sent.action)
    if action is Action.UPDATE:
        return group is not None and group in sent.groups
    if action in (Action.CREATE, Action.REBUILD):
        return group not in _NEVER_INLINE
    return group is not None and _BY_ITSELF.get(action) is group
