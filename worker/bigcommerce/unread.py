"""Products as the store writes them: each is known by its text, and read only where that is new.

Of nearly all products of a page nothing but the ids is wanted. To take their texts apart without reading them costs a
tenth of reading them and hashing what was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from worker.bigcommerce import answer
from worker.bigcommerce.answer import Answer
from worker.catalog import json_text, letters


@dataclass(frozen=True, slots=True)
class Unread:
    """One product of a listing (`GET /v3/catalog/products` with its includes)."""

    id: int
    brand_id: int
    """0: it has none."""
    variant_ids: list[int]
    """Of the variants with options; one without is the product itself."""
    written: bytes

    def read(self) -> dict[str, Any]:
        """The product; numbers with a point are Decimals."""
        text = self.written.decode()
        return dict(letters.storable(json_text.read_exactly(text), text))


class _Variant(msgspec.Struct):
    id: int
    option_values: list[msgspec.Raw] | None = None


class _Product(msgspec.Struct):
    id: int
    brand_id: int | None = None
    variants: list[_Variant] | None = None


class _Listing(msgspec.Struct):
    data: list[msgspec.Raw]
    meta: dict[str, Any] | None = None


_LISTING = msgspec.json.Decoder(_Listing, strict=False)
_PRODUCT = msgspec.json.Decoder(_Product, strict=False)


def listing(status: int, text: str, reason: str = "") -> Answer:
    """A listing of products, each of them Unread; whatever else comes, as `answer.read` tells it.

    Raises ValueError where a success is no listing.
    """
    if status != 200:
        return answer.read(status, text, reason)
    try:
        try:
            return _opened(text)
        except msgspec.DecodeError:
            return _opened(letters.whole(text))
    except msgspec.MsgspecError as trouble:
        raise ValueError(f"no listing of products: {trouble}") from trouble


def _opened(text: str) -> Answer:
    told = _LISTING.decode(text)
    return Answer(200, [_unread(written) for written in told.data], told.meta or {})


def _unread(written: msgspec.Raw) -> Unread:
    found = _PRODUCT.decode(written)
    variants = [one.id for one in found.variants or () if one.option_values]
    return Unread(found.id, found.brand_id or 0, variants, bytes(written))
