"""One whole catalogue."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from sandbox.generator import columns, tree
from sandbox.generator import variants as variants_of
from sandbox.generator.dirt import Dirt, Places, among_products, among_variants
from sandbox.generator.products import FIRST_ID, Product, make

COMPANY_ID = 5001
IMAGE_HOST = "media.generated.example"
ORPHANS_TOGETHER = 5  # so many orphans share a missing product

Number = float | tuple[int, int]


def generate(
    *,
    seed: int,
    categories: int,
    products: int,
    variants_per_product: Number,
    dirt: Dirt | None = None,
    languages: Sequence[str] = ("en",),
    company_id: int = COMPANY_ID,
    image_host: str = IMAGE_HOST,
) -> dict[str, Any]:
    """A catalogue in the shape that the simulated Sales Layer serves; the same arguments give the same catalogue.

    `variants_per_product` is a number for each product (2.5: half of them 2, half 3) or a range (fewest, most).
    """
    random = Random(seed)
    dirt = dirt or Dirt()
    nodes = tree.grow(categories, random)
    homes = [category.id for category in tree.leaves(nodes)]
    places = among_products(dirt, products, random)
    parents = list(make(products, categories=homes, places=places, image_host=image_host, random=random))
    counts = [_count(variants_per_product, random) for _ in parents]
    variants = list(_variants(parents, counts, random))
    _soil(variants, among_variants(dirt, len(variants), random), missing=FIRST_ID + products)
    found: dict[str, Iterator[tuple[int, dict[str, Any]]]] = {
        "catalogue": tree.values(nodes, random),
        "products": ((product.id, product.values) for product in parents),
        "product_formats": enumerate(variants, start=variants_of.FIRST_ID),
    }
    return {
        "schema": _schema(seed, company_id, languages),
        "data_schema": columns.data_schema(languages),
        "data_schema_info": columns.data_schema_info(languages),
        "data": {
            table: [columns.row(table, item_id, values, languages) for item_id, values in items]
            for table, items in found.items()
        },
    }


def _count(wanted: Number, random: Random) -> int:
    if isinstance(wanted, tuple):
        return random.randint(*wanted)
    return int(wanted) + (random.random() < wanted % 1)


def _variants(parents: list[Product], counts: list[int], random: Random) -> Iterator[dict[str, Any]]:
    for product, count in zip(parents, counts, strict=True):
        yield from variants_of.of(product, count, random)


def _soil(variants: list[dict[str, Any]], places: Places, *, missing: int) -> None:
    """Gives orphans a product that does not exist, from the id `missing` on, and repeats SKUs."""
    orphans = 0
    for position, kind in sorted(places.kinds.items()):
        if kind == "orphans":
            variants[position]["ID_products"] = missing + orphans // ORPHANS_TOGETHER
            orphans += 1
        else:
            variants[position]["REF"] = variants[places.examples[position]]["REF"]


def _schema(seed: int, company_id: int, languages: Sequence[str]) -> dict[str, Any]:
    labels = {"catalogue": "Categories", "products": "Products", "product_formats": "Variants"}
    return {
        "company_ID": company_id,
        "company_name": f"Generated {seed}",
        "connector_type": "default",
        "default_language": languages[0],
        "languages": list(languages),
        "offline_mode": False,
        "force_output_default_language": 0,
        "sanitized_table_names": {table: table for table in labels},
        "language_table_names": {table: dict.fromkeys(languages, label) for table, label in labels.items()},
    }
