"""Which storefronts an item names, and how the store's storefronts are listed.

| the storefront field       | the item is shown on                                                     |
| -------------------------- | ------------------------------------------------------------------------ |
| not mapped, or not carried | every storefront whose tree has it                                       |
| names storefronts          | those alone (the original's §5)                                          |
| is empty                   | none                                                                     |
| holds a word that is none  | those named beside it; where it is shown already it stays, since a word  |
|                            | that cannot be understood (a renamed storefront) must not empty a store  |
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from worker.catalog.items import Category, Named, Problem, Product, Read
from worker.catalog.values import key, shown

FIELD = "storefronts"
_WITH_ID = re.compile(r"(?P<front>\d{1,18}) - .*|.*\((?P<back>\d{1,18})\)")


def options(known: Mapping[int, str]) -> tuple[str, ...]:
    """The storefronts as they are offered at the source, by id; without commas, at which a text would be cut."""
    return tuple(f"{' '.join(name.replace(',', ' ').split())} ({one})" for one, name in sorted(known.items()))


def named(words: Iterable[str], known: Mapping[int, str]) -> Named:
    """The storefronts that these words name: by id, by name in any case, or as they are listed."""
    spellings = _spellings(tuple(sorted(known.items())))
    found: dict[int, None] = {}
    unknown = []
    for word in words:
        storefront = spellings.get(_plain(word)) or _by_id(word, known)
        if storefront is None:
            unknown.append(word)
        else:
            found[storefront] = None
    return Named(tuple(sorted(found)), tuple(dict.fromkeys(unknown)))


def noticed(read: Read, known: Mapping[int, str]) -> Read:
    """The item with the storefronts that it names, taken out of its other fields, and what is wrong with them."""
    item = read.item
    if not isinstance(item, Category | Product) or FIELD not in item.fields:
        return read
    words = item.fields[FIELD]
    told = named(words if isinstance(words, list) else (), known)
    fields = {name: value for name, value in item.fields.items() if name != FIELD}
    return Read(replace(item, fields=fields, storefronts=told), (*read.problems, *problems(told, known)))


def problems(told: Named | None, known: Mapping[int, str]) -> tuple[Problem, ...]:
    """What is wrong with the storefronts that an item names; nothing where it names none because it need not."""
    if told is None:
        return ()
    if told.unknown:
        words = ", ".join(f"'{shown(word)}'" for word in told.unknown[:5])
        text = f"{words}: no storefront of the store, or several of that name; it has {', '.join(options(known))}"
        return (Problem("unknown_storefront", text, FIELD),)
    if not told.ids:
        text = f"its storefront field is empty, so no storefront shows it; choose of {', '.join(options(known))}"
        return (Problem("no_storefront", text, FIELD),)
    return ()


def shows(told: Named | None, storefront_id: int, *, is_there: bool) -> bool:
    """Whether the item is for this storefront; `is_there`: it is shown there already."""
    return told is None or storefront_id in told.ids or (bool(told.unknown) and is_there)


@lru_cache(maxsize=64)  # asked for every item of a store
def _spellings(known: tuple[tuple[int, str], ...]) -> Mapping[str, int]:
    """Every spelling of every storefront; a name that two of them have names neither."""
    times = Counter(_plain(name) for _, name in known)
    names = {_plain(name): one for one, name in known if times[_plain(name)] == 1}
    ids = {str(one): one for one, _ in known}
    listed = {_plain(spelling): one for one, name in known for spelling in (f"{name} ({one})", f"{one} - {name}")}
    return names | ids | listed


def _by_id(word: str, known: Mapping[int, str]) -> int | None:
    """The storefront whose id a listed word holds: it may have been called otherwise when it was chosen."""
    match = _WITH_ID.fullmatch(word.strip())
    held = int(match["front"] or match["back"]) if match else None
    return held if held in known else None


def _plain(text: str) -> str:
    return key(text.replace(",", " ")) or ""
