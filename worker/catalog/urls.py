"""Addresses of pages, made by a format where the source gives none.

The store's own URL settings cannot be read by its API (the original's §3): who wants the same addresses as the store
makes chooses the same format here. A format is the name of one of the store's masks, or a pattern of one's own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from models.vocabulary import ItemKind

LONGEST_URL = 255  # API reference, custom_url and url.path

MASKS: dict[ItemKind, dict[str, str]] = {
    ItemKind.CATEGORY: {"short": "/%categoryname%/", "long": "/categories/%categoryname%/"},
    ItemKind.PRODUCT: {
        "short": "/%productname%/",
        "long": "/products/%productname%/",
        "category": "/%category%/%productname%/",
    },
}
"""The store's named formats (its control panel, URL structure)."""

PLACEHOLDERS: dict[ItemKind, dict[str, bool]] = {
    ItemKind.CATEGORY: {"categoryname": True, "parent": False},
    ItemKind.PRODUCT: {"productname": True, "sku": True, "upc": True, "category": False},
}
"""What a pattern may name, in the store's own words; True = it tells the item from others, and one such is needed."""

_PLACEHOLDER = re.compile(r"%([a-z]*)%")
_PLAIN = re.compile(r"[A-Za-z0-9_./-]*")


def fault(kind: ItemKind, written: str) -> str | None:
    """What is wrong with a format, as a sentence; None = it can be used."""
    if written in MASKS[kind]:
        return None
    known = PLACEHOLDERS[kind]
    if not written.startswith("/"):
        masks = ", ".join(MASKS[kind])
        return f"it is neither a mask ({masks}) nor a pattern that begins with a slash"
    named = _PLACEHOLDER.findall(written)
    strange = [name for name in named if name not in known]
    if strange:
        there = ", ".join(f"%{name}%" for name in known)
        return f"there is no placeholder %{strange[0]}%; there are {there}"
    telling = [f"%{name}%" for name, tells in known.items() if tells]
    if not any(known[name] for name in named):
        return f"without {' or '.join(telling)} all pages would have the same address"
    if not _PLAIN.fullmatch(_PLACEHOLDER.sub("", written)):
        return "beside placeholders it may hold letters, digits, slashes, dots, hyphens and underscores"
    if len(written) > LONGEST_URL:
        return f"it is longer than the {LONGEST_URL} characters that the store takes"
    return None


def made(kind: ItemKind, written: str, said: Mapping[str, str | None]) -> str | None:
    """The address that the format makes of what is said of an item (placeholder -> text).

    None where what tells the item from others comes to nothing, as a name without Latin letters does: the store then
    makes an address of its own. A part that comes to nothing beside it (the parent of a root) is left out.
    """
    pattern = MASKS[kind].get(written, written)
    words = {name: slug(said.get(name) or "") for name in PLACEHOLDERS[kind]}
    if not any(words[name] for name in _PLACEHOLDER.findall(pattern) if PLACEHOLDERS[kind][name]):
        return None
    path = re.sub(r"/{2,}", "/", _PLACEHOLDER.sub(lambda found: words[found[1]], pattern))
    # It is sent with a slash at its end, whether the format has one or not.
    return path if len(path.rstrip("/")) < LONGEST_URL else path[: LONGEST_URL - 1].rstrip("-/") + "/"


def slug(text: str) -> str:
    """The text as a part of an address: Latin letters and digits in lower case, all else a hyphen."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
