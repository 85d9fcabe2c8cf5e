"""What the store holds, in few calls; rows as the store gives them.

Products are read by keyset (the next page begins after an id), so rows that come or go while we read move nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from worker.bigcommerce import unread
from worker.bigcommerce.answer import Answer
from worker.bigcommerce.client import MOST_TRIES, Client
from worker.bigcommerce.limits import (
    CATEGORIES_PER_PAGE,
    IDS_PER_LOOKUP,
    LOOKUP_CHARACTERS,
    PRODUCTS_PER_PAGE,
    ROWS_PER_DEFAULT_PAGE,
    ROWS_PER_PAGE,
    SKUS_PER_LOOKUP,
    STOCK_ROWS_PER_PAGE,
    VARIANTS_PER_PAGE,
)
from worker.bigcommerce.unread import Unread
from worker.errors import RefusedByStore, ScopeMissing, WorkerError

Row = dict[str, Any]
R = TypeVar("R")

# Variants carry the ids of their options and values; asking for options too would cut a page to 10 products.
PRODUCT_PARTS = "variants,images,custom_fields,channels,bulk_pricing_rules,videos"


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows, and where to go on: a page's number, or the id to begin after. None = that was all."""

    rows: list[R]
    next: int | None


def store_info(client: Client, *, tries: int = MOST_TRIES) -> Row:
    """Plan, currency, units, and whether there are several storefronts; also the test of the credentials."""
    return _row(client.get("/v2/store", tries=tries))


def is_well(client: Client) -> bool:
    """Whether the store answers at all: one that does, and fails at one call, has trouble with what is in it.

    Asked once: one that is down is not hammered by all who ask.
    """
    try:
        store_info(client, tries=1)
    except (RefusedByStore, ScopeMissing):
        return True
    except WorkerError:
        return False
    return True


def channels(client: Client) -> list[Row]:
    """The channels that shoppers see, in any state but gone."""
    return list(_all(client, "/v3/channels", {"available": "true", "type:in": "storefront"}))


def trees(client: Client, channel_ids: Sequence[int]) -> list[Row]:
    """The category trees of these channels; a new storefront may have none."""
    # This listing knows neither `page` nor `limit`, so no more is asked than one page holds: a channel has one tree.
    asked = [channel_ids[at : at + ROWS_PER_DEFAULT_PAGE] for at in range(0, len(channel_ids), ROWS_PER_DEFAULT_PAGE)]
    return [row for ids in asked for row in _rows(client.get("/v3/catalog/trees", {"channel_id:in": _list(ids)}))]


def categories(client: Client, tree_ids: Sequence[int], page: int = 1, limit: int = CATEGORIES_PER_PAGE) -> Page[Row]:
    """One page of the categories of these trees."""
    if not tree_ids:
        return Page([], None)
    asked: dict[str, str | int] = {"tree_id:in": _list(tree_ids), "page": page, "limit": limit}
    return _page(client.get("/v3/catalog/trees/categories", asked), page, limit)


def products(client: Client, after_id: int = 0, limit: int = PRODUCTS_PER_PAGE) -> Page[Unread]:
    """The next products by id with all their parts; where the store chokes on it, ask again with half the limit."""
    answer = client.get(
        "/v3/catalog/products",
        {"sort": "id", "direction": "asc", "limit": limit, "id:greater": after_id, "include": PRODUCT_PARTS},
        opened=unread.listing,
    )
    found: list[Unread] = answer.data or []
    # `total` counts what lies behind `after_id`; where it is not said, a full page may have another one behind it
    total = _pagination(answer).get("total")
    is_last = len(found) >= total if isinstance(total, int) else len(found) < limit
    return Page(found, None if is_last or not found else found[-1].id)


def product(client: Client, product_id: int) -> Row:
    """One product with all its parts; raises RefusedByStore (404) where it is gone."""
    return _row(client.get(f"/v3/catalog/products/{product_id}", {"include": PRODUCT_PARTS}))


def products_of(client: Client, ids: Sequence[int]) -> list[Row]:
    """These products with all their parts, as many as one page holds; those that are gone are left out."""
    asked: dict[str, str | int] = {"id:in": _list(ids), "limit": PRODUCTS_PER_PAGE, "include": PRODUCT_PARTS}
    return _rows(client.get("/v3/catalog/products", asked))


def categories_of(client: Client, ids: Sequence[int]) -> list[Row]:
    """These categories, as many as one page holds; those that are gone are left out."""
    asked: dict[str, str | int] = {"category_id:in": _list(ids), "limit": CATEGORIES_PER_PAGE}
    return _rows(client.get("/v3/catalog/trees/categories", asked))


def variant_count(client: Client) -> int:
    """How many variants the store counts, those of products without options included (the catalogue summary)."""
    return int(_row(client.get("/v3/catalog/summary"))["variant_count"])


def products_by_sku(client: Client, skus: Sequence[str]) -> list[Row]:
    """The products with one of these base SKUs; variants' SKUs are not found here."""
    found: list[Row] = []
    for asked in _lookups(skus):
        found += _all(client, "/v3/catalog/products", {**asked, "include": PRODUCT_PARTS})
    return found


def products_by_name(client: Client, name: str) -> list[Row]:
    """The products of this name; the store may not mind upper and lower case."""
    return list(_all(client, "/v3/catalog/products", {"name": name, "include": PRODUCT_PARTS}))


def variants_by_sku(client: Client, sku: str) -> list[Row]:
    """The variants with this SKU, in any product; the store takes one SKU a call."""
    return list(_all(client, "/v3/catalog/variants", {"sku": sku}, VARIANTS_PER_PAGE))


def variants_of(client: Client, product_id: int) -> list[Row]:
    """All variants of a product."""
    return list(_all(client, f"/v3/catalog/products/{product_id}/variants", {}, VARIANTS_PER_PAGE))


def options_of(client: Client, product_id: int) -> list[Row]:
    """A product's options with all their values."""
    return list(_all(client, f"/v3/catalog/products/{product_id}/options", {}))


def stock_of(client: Client, variant_ids: Sequence[int]) -> list[tuple[int, int, int]]:
    """(variant, location, quantity on hand, safety stock included) of these variants at every location."""
    return [
        (int(row["identity"]["variant_id"]), int(one["location_id"]), int(one.get("total_inventory_onhand") or 0))
        for row in inventory_of(client, variant_ids)
        for one in row.get("locations") or ()
    ]


def inventory_of(client: Client, variant_ids: Sequence[int]) -> list[Row]:
    """These variants with their stock and settings at every location."""
    path = "/v3/inventory/items"
    return [row for asked in _by_id(variant_ids) for row in _all(client, path, asked, STOCK_ROWS_PER_PAGE)]


def locations(client: Client) -> list[Row]:
    """The locations of the store's inventory."""
    return list(_all(client, "/v3/inventory/locations", {}))


def price_records(client: Client, variant_ids: Sequence[int]) -> list[Row]:
    """The prices that these variants have in price lists; none where the store has no such lists."""
    try:
        lists = list(_all(client, "/v3/pricelists", {}))
    except RefusedByStore as refusal:
        if refusal.status != 404:
            raise
        return []
    paths = [f"/v3/pricelists/{row['id']}/records" for row in lists]
    return [row for path in paths for asked in _by_id(variant_ids) for row in _all(client, path, asked)]


def _by_id(variant_ids: Sequence[int]) -> Iterator[dict[str, str | int]]:
    for start in range(0, len(variant_ids), IDS_PER_LOOKUP):
        yield {"variant_id:in": _list(variant_ids[start : start + IDS_PER_LOOKUP])}


def variant_metafields(client: Client, product_id: int, variant_id: int) -> list[Row]:
    """A variant's metafields."""
    return list(_all(client, f"/v3/catalog/products/{product_id}/variants/{variant_id}/metafields", {}))


def images_of(client: Client, product_id: int) -> list[Row]:
    """A product's pictures; the store may answer 204 where there are none."""
    return list(_all(client, f"/v3/catalog/products/{product_id}/images", {}))


def custom_fields_of(client: Client, product_id: int) -> list[Row]:
    """A product's custom fields, others' included."""
    return list(_all(client, f"/v3/catalog/products/{product_id}/custom-fields", {}))


def bulk_rules_of(client: Client, product_id: int) -> list[Row]:
    """A product's bulk pricing rules, others' included."""
    return list(_all(client, f"/v3/catalog/products/{product_id}/bulk-pricing-rules", {}))


def videos_of(client: Client, product_id: int) -> list[Row]:
    """A product's videos, others' included."""
    return list(_all(client, f"/v3/catalog/products/{product_id}/videos", {}))


def metafields_of(client: Client, path: str, resource_ids: Sequence[int]) -> list[Row]:
    """The metafields of these products or variants; `path` is that of their batch endpoint."""
    return list(_all(client, path, {"resource_id:in": _list(resource_ids)}))


def categories_named(client: Client, *, tree_id: int, parent_id: int, name: str) -> list[Row]:
    """The categories of this name at this place of a tree (parent 0 = at its top)."""
    asked: dict[str, str | int] = {"tree_id:in": tree_id, "parent_id:in": parent_id, "name": name}
    return list(_all(client, "/v3/catalog/trees/categories", asked))


def brands(client: Client, ids: Sequence[int]) -> list[Row]:
    """The brands of these ids."""
    return list(_all(client, "/v3/catalog/brands", {"id:in": _list(ids)})) if ids else []


def _all(client: Client, path: str, asked: dict[str, str | int], limit: int = ROWS_PER_PAGE) -> Iterator[Row]:
    """The rows of all pages."""
    number: int | None = 1
    while number is not None:
        page = _page(client.get(path, {**asked, "page": number, "limit": limit}), number, limit)
        yield from page.rows
        number = page.next


def _page(answer: Answer, number: int, limit: int) -> Page[Row]:
    rows = _rows(answer)
    last = _pagination(answer).get("total_pages")
    is_last = number >= last if isinstance(last, int) else len(rows) < limit
    return Page(rows, None if is_last or not rows else number + 1)


def _lookups(skus: Sequence[str]) -> Iterator[dict[str, str | int]]:
    """The SKUs in as few filters as a URL can hold; one with a comma would read as two, so it goes alone."""
    batch: list[str] = []
    for sku in dict.fromkeys(filter(None, skus)):
        if "," in sku:
            yield {"sku": sku}
            continue
        if batch and (len(batch) >= SKUS_PER_LOOKUP or len(",".join([*batch, sku])) > LOOKUP_CHARACTERS):
            yield {"sku:in": ",".join(batch)}
            batch = []
        batch.append(sku)
    if batch:
        yield {"sku:in": ",".join(batch)}


def _rows(answer: Answer) -> list[Row]:
    return [row for row in answer.data if isinstance(row, dict)] if isinstance(answer.data, list) else []


def _pagination(answer: Answer) -> Row:
    said = answer.meta.get("pagination")
    return said if isinstance(said, dict) else {}


def _row(answer: Answer) -> Row:
    return answer.data if isinstance(answer.data, dict) else {}


def _list(ids: Sequence[int]) -> str:
    return ",".join(map(str, ids))
