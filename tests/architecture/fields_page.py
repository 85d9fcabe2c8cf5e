"""The tables of docs/fields.md, as the code has the fields."""

from __future__ import annotations

from models.vocabulary import ItemKind
from worker.catalog.fields import FIELDS, Field, Group, Type, WhenEmpty

HEADING = "| field | what it takes | further names | in the store | limit | empty: overwrite / clear |"
_TITLES = {ItemKind.CATEGORY: "Categories", ItemKind.PRODUCT: "Products", ItemKind.VARIANT: "Variants"}
_TYPES = {
    Type.TEXT: "text",
    Type.NUMBER: "number",
    Type.INTEGER: "whole number",
    Type.FLAG: "yes or no",
    Type.WORDS: "words, comma separated",
    Type.DATE: "date",
    Type.IDS: "ids of the store",
    Type.TEXTS: "texts, one a picture",
    Type.IMAGES: "pictures",
}


def section(kind: ItemKind) -> str:
    """The heading and the table of one kind."""
    rows = [f"| {' | '.join(row(one))} |" for one in FIELDS[kind].values()]
    return "\n".join([f"## {_TITLES[kind]}", "", HEADING, "| --- | --- | --- | --- | --- | --- |", *rows])


def row(field: Field) -> tuple[str, ...]:
    """The cells of a field."""
    return (
        f"`{field.name}`" + (" (required)" if field.required else ""),
        _TYPES.get(field.type) or " / ".join(f"`{one}`" for one in field.choices),
        ", ".join(f"`{one}`" for one in field.aliases) or "-",
        f"`{field.store}`" + (" (the contrary)" if field.inverted else ""),
        _limit(field),
        _empty(field),
    )


def _limit(field: Field) -> str:
    if field.longest:
        return f"{field.longest:,} characters"
    if field.most:
        return f"{field.most:,}"
    return "0 or more" if field.type is Type.NUMBER else "-"


def _empty(field: Field) -> str:
    if field.required:
        return "the item is rejected"
    if field.type is Type.IMAGES or field.group is Group.VIDEOS:
        return "ours are removed"
    if field.group is Group.RELATED:
        return "given back to the store"
    empty = "null" if field.nullable else "emptied" if field.blank is not None else "left alone"
    if field.when_empty is WhenEmpty.LEAVE_ALONE:
        empty = "left alone"
    cleared = empty if field.cleared is None else f"`{str(field.cleared).lower()}`"
    return empty if cleared == empty else f"{empty} / {cleared}"
