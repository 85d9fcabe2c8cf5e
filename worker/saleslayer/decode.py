"""What a page of the source says, as columns and rows.

The server is written in PHP: what is empty may come as `[]` where an object is meant, and a list with gaps as
an object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from models.vocabulary import ItemKind
from worker.catalog.columns import Column, Columns, Page, Row
from worker.catalog.fields import TABLES
from worker.errors import SourceUnreadable
from worker.saleslayer.answer import preparing
from worker.saleslayer.rows import FIXED, RawTable, listed, whole

IS_REFRESH = {"refresh": True, "update": False}


def page(answer: Mapping[str, Any], *, known: Columns | None = None, language: str | None = None) -> Page:
    """One page of an answer; `known` are the columns of the page before it, None for the first one.

    `language` is that in which labels and list values without a language of their own are told; without it,
    they are told in the source's default language.
    """
    is_first = known is None
    data = answer.get("data")
    if data is None:
        raise SourceUnreadable(
            "Sales Layer answered with neither data nor an error. Check that the connector is enabled in Sales Layer."
        )
    action, time = answer.get("action"), whole(answer.get("time"))
    if is_first and action not in IS_REFRESH:
        raise SourceUnreadable("Sales Layer does not say whether its answer is an update or a refresh.")
    if is_first and time is None:
        raise SourceUnreadable("Sales Layer does not say of what time its answer is.")
    told = columns_of(answer, known=known or Columns(), language=language)
    tables = {kind: listed(_object(data, "data").get(table)) for kind, table in TABLES.items()}
    rows = tuple(row for kind, table in tables.items() for row in _rows(kind, table, told.of.get(kind, ())))
    # Without it a refresh that brings nothing would say that everything is gone.
    is_told = action == "refresh" or not all(row.gone for row in rows)
    if is_first and is_told and not answer.get("data_schema_info"):
        raise preparing()
    return Page(
        is_refresh=IS_REFRESH.get(str(action), False),
        time=time or 0,
        company_id=whole(_object(answer.get("schema"), "schema").get("company_ID")),
        columns=told,
        rows=rows,
        next_url=str(answer.get("next_page") or "") or None,
        media_pending=_media_pending(answer),
    )


def columns_of(answer: Mapping[str, Any], *, known: Columns, language: str | None = None) -> Columns:
    """The known columns, with the standard tables that the answer describes in the answer's order."""
    schema = _object(answer.get("schema"), "schema")
    wire, infos = (_object(answer.get(part), part) for part in ("data_schema", "data_schema_info"))
    languages = tuple(str(code) for code in listed(schema.get("languages"))) or known.languages
    default = schema.get("default_language") or known.default_language
    # The default may be missing among the languages; then the first of them takes its place (API facts §4).
    if languages and default not in languages and not whole(schema.get("force_output_default_language")):
        default = languages[0]
    of = dict(known.of)
    for kind, table in TABLES.items():
        headings = listed(wire.get(table))
        if not headings:
            continue
        if tuple(headings[:2]) != FIXED:
            raise SourceUnreadable(f"The columns of the table {table} do not begin with STATUS and ID.")
        info = _object(infos.get(table), f"data_schema_info of {table}")
        before = {column.name: column for column in known.of.get(kind, ())}
        named = dict(_name_and_sizes(heading, table) for heading in headings[2:])
        if len(named) != len(headings) - 2:
            raise SourceUnreadable(f"Two columns of the table {table} have the same name.")
        of[kind] = tuple(
            _described(name, sizes, _object(info[name], name), spoken=(language, default))
            if info.get(name)
            else _remembered(name, sizes, before.get(name))
            for name, sizes in named.items()
        )
    return Columns(of, default, languages)


def _name_and_sizes(heading: Any, table: str) -> tuple[str, tuple[str, ...]]:
    """A column's name, and the sizes that its entries hold after STATUS and ID if it is a media column."""
    match heading:
        case str():
            return heading, ()
        case dict() if len(heading) == 1:
            ((name, parts),) = heading.items()
            codes = [str(part.get("field", "") if isinstance(part, dict) else part) for part in listed(parts)]
            return name, tuple(codes[2:])
        case _:
            raise SourceUnreadable(f"A column of the table {table} has no name.")


def _described(name: str, sizes: Sequence[str], about: Mapping[str, Any], *, spoken: Sequence[str | None]) -> Column:
    """A column as the answer's info describes it, in its own language or else the first of `spoken` that it has."""
    own = about.get("language_code") or None
    spoken = (own, *spoken)
    titles, translations = (_object(about.get(part), f"{part} of {name}") for part in ("titles", "tag_translations"))
    given = (titles.get(code) for code in spoken if code)
    areas = {code: _area(size) for code, size in _object(about.get("sizes"), f"sizes of {name}").items()}
    called: dict[str, str] = {}
    for code in reversed(spoken):
        by_value = _object(translations.get(code), f"translations of {name}") if code else {}
        called |= {value: str(text) for value, text in by_value.items() if text}
    return Column(
        name=name,
        base=str(about.get("basename") or name),
        type=str(about.get("type") or "string"),
        language=own,
        label=str(about.get("title") or next((title for title in given if title), "")),
        sizes=tuple((code, areas.get(code, 0)) for code in sizes),
        translations=called,
    )


def _remembered(name: str, sizes: tuple[str, ...], before: Column | None) -> Column:
    """A column that the answer's info does not describe: as it was known, else a text or a picture."""
    column = before or Column(name, name, ("file" if sizes == ("FILE",) else "image") if sizes else "string")
    areas = dict(column.sizes)
    return replace(column, sizes=tuple((code, areas.get(code, 0)) for code in sizes))


def _rows(kind: ItemKind, wire: list[Any], columns: tuple[Column, ...]) -> Iterable[Row]:
    """The table's rows, one an item: what is said of an item twice is united."""
    table = RawTable(kind, columns)
    found: dict[int, Row] = {}
    for number, raw in enumerate(wire, start=1):
        row = table.row(raw, number)
        known = found.get(row.source_id)
        found[row.source_id] = known.united_with(row) if known else row
    return found.values()


def _media_pending(answer: Mapping[str, Any]) -> int:
    images = _object(answer.get("waiting"), "waiting").get("images")
    return whole(images.get("total") if isinstance(images, dict) else images) or 0


def _area(size: Any) -> int:
    return (whole(size.get("width")) or 0) * (whole(size.get("height")) or 0) if isinstance(size, dict) else 0


def _object(told: Any, name: str) -> Mapping[str, Any]:
    if isinstance(told, dict):
        return told
    if told:
        raise SourceUnreadable(f"Sales Layer's answer makes no sense: '{name}' is not an object.")
    return {}
