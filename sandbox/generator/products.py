"""Products, each with its variants."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import gcd
from random import Random
from typing import Any

from sandbox.generator import words
from sandbox.generator.dirt import LONG_COLUMNS, Places
from sandbox.generator.images import entry

FIRST_ID = 1001
MOST_IMAGES = 4
SHARE_HIDDEN = 0.02
NAME_PARTS = (words.COLLECTIONS, words.QUALITIES, words.THINGS)
NAMES = len(words.COLLECTIONS) * len(words.QUALITIES) * len(words.THINGS)


@dataclass(frozen=True, slots=True)
class Product:
    """One product, and what its variants take from it."""

    id: int
    sku: str
    price: str
    weight: str
    images: list[list[Any]]
    values: dict[str, Any]


class Names:
    """A name for every position, unique; any of them can be asked for, so that a name can be repeated."""

    def __init__(self, random: Random) -> None:
        self._start = random.randrange(NAMES)
        # A step without a common divisor visits every combination before it repeats one.
        self._step = next(step for step in range(NAMES // 3 + random.randrange(1000), NAMES) if gcd(step, NAMES) == 1)

    def of(self, position: int) -> str:
        """The name of the product at that position."""
        number = (self._start + position * self._step) % NAMES
        chosen = []
        for part in NAME_PARTS:
            number, index = divmod(number, len(part))
            chosen.append(part[index])
        edition = position // NAMES
        return " ".join([*chosen, str(edition + 1)] if edition else chosen)

    def sku(self, position: int) -> str:
        """The SKU of the product at that position: the initials of its name and its id."""
        return f"{''.join(word[0] for word in self.of(position).split())}-{FIRST_ID + position}"


def make(
    count: int, *, categories: Sequence[int], places: Places, image_host: str, random: Random
) -> Iterator[Product]:
    """That many products, one after the other."""
    names = Names(random)
    image = 7000
    for position in range(count):
        images = [entry(image + number, image_host) for number in range(random.randint(0, MOST_IMAGES))]
        image += len(images)
        values = _values(position, names, categories, random) | {"product_image": images}
        product = Product(
            FIRST_ID + position, names.sku(position), values["product_price"], values["product_weight"], images, values
        )
        _soil(values, places.kinds.get(position), names, places.examples.get(position, position))
        yield product


def _values(position: int, names: Names, categories: Sequence[int], random: Random) -> dict[str, Any]:
    name = names.of(position)
    cents = random.randint(4, 400) * 50 - random.choice((0, 1, 5))
    on_sale = random.random() < 0.2
    has_meta = random.random() < 0.5
    return {
        "ID_catalogue": sorted(random.sample(categories, min(len(categories), random.choice((1, 1, 2, 3))))),
        "REF": names.sku(position),
        "product_name": name,
        "product_description": "".join(f"<p>{one}</p>" for one in random.sample(words.SENTENCES, random.randint(1, 3))),
        "product_price": f"{cents / 100:.2f}",
        "product_sale_price": f"{cents * 4 // 5 / 100:.2f}" if on_sale else "",
        "product_weight": f"{random.randint(1, 120) / 20:.2f}",
        "product_visible": 0 if random.random() < SHARE_HIDDEN else 1,
        "product_brand": random.choice(words.BRANDS) if random.random() < 0.9 else "",
        "meta_title": f"{name} online" if has_meta else "",
        "meta_keywords": name.lower().split() if has_meta else [],
        "meta_description": f"Buy the {name} at a fair price." if has_meta else "",
        "product_url": f"{name.lower().replace(' ', '-')}-{FIRST_ID + position}",
        "fabric": random.sample(words.FABRICS, random.randint(0, 3)),
        "climate": random.sample(words.CLIMATES, random.randint(0, 3)),
        "activity": random.sample(words.ACTIVITIES, random.randint(0, 2)),
        "pattern": random.choice(words.PATTERNS) if random.random() < 0.7 else "",
        "eco_collection": random.choice(("Yes", "No")),
    }


def _soil(values: dict[str, Any], kind: str | None, names: Names, example: int) -> None:
    """Makes the product dirty in that way."""
    match kind:
        case "no_weight":
            values["product_weight"] = ""
        case "no_price":
            values["product_price"] = ""
        case "duplicate_names":
            values["product_name"] = names.of(example)
        case "duplicate_skus":
            values["REF"] = names.sku(example)
        case "over_long":
            column = LONG_COLUMNS[example % len(LONG_COLUMNS)]
            values[column] = (f"{values['REF']} is far too long " * 20)[:300]
