"""Variants of one product: the same options, each combination once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from itertools import product as every_combination
from math import prod
from random import Random
from typing import Any

from sandbox.generator import words
from sandbox.generator.products import Product

FIRST_ID = 50_001
OPTIONS: dict[str, Sequence[str]] = {"size": words.SIZES, "color": words.COLOURS, "material": words.MATERIALS}
MOST = prod(len(values) for values in OPTIONS.values())
SHARE_DISABLED = 0.03


@dataclass(frozen=True, slots=True)
class Combination:
    """The option values of one variant."""

    values: dict[str, str]

    @property
    def label(self) -> str:
        """The values as they stand in a SKU: without the colours' codes."""
        return "-".join(value.partition("#")[0] for value in self.values.values())


def of(parent: Product, count: int, random: Random) -> Iterator[dict[str, Any]]:
    """Values by column of that many variants."""
    if not count:
        return
    for combination in _combinations(count, random):
        digits = f"{random.randrange(10**11):011d}"
        yield {
            "ID_products": parent.id,
            "REF": f"{parent.sku}-{combination.label}" if combination.values else f"{parent.sku}-V",
            "format_price": parent.price,
            "format_weight": parent.weight,
            "format_stock": random.randint(0, 250),
            "format_enabled": "No" if random.random() < SHARE_DISABLED else "Yes",
            **combination.values,
            "format_upc": digits + _check_digit(digits),
            "format_image": [random.choice(parent.images)] if parent.images and random.random() < 0.5 else [],
        }


def _combinations(count: int, random: Random) -> list[Combination]:
    """One to three options that give enough combinations; a single variant may have none at all."""
    sets = [chosen for size in range(4) for chosen in combinations(OPTIONS, size) if _capacity(chosen) >= count]
    if not sets:
        msg = f"a product has at most {MOST} variants, not {count}"
        raise ValueError(msg)
    chosen = random.choice(sets)
    # As few values as will do, so that a product looks like a grid and not like a lottery.
    lengths = dict.fromkeys(chosen, 1)
    while prod(lengths.values()) < count:
        growing = [option for option in chosen if lengths[option] < len(OPTIONS[option])]
        lengths[random.choice(growing)] += 1
    picked = {option: sorted(random.sample(OPTIONS[option], length)) for option, length in lengths.items()}
    grid = list(every_combination(*picked.values()))
    return [Combination(dict(zip(picked, values, strict=True))) for values in random.sample(grid, count)]


def _capacity(chosen: tuple[str, ...]) -> int:
    return prod(len(OPTIONS[option]) for option in chosen)


def _check_digit(digits: str) -> str:
    """The last digit of a UPC: three times the odd places and the even places add up to tens."""
    total = 3 * sum(int(digit) for digit in digits[::2]) + sum(int(digit) for digit in digits[1::2])
    return str(-total % 10)
