"""What is wrong in a generated catalogue, and where."""

from dataclasses import dataclass, field
from random import Random

# BigCommerce's limits, which over-long values exceed: product name 250, SKU 255, custom field 250 characters.
LIMITS = {"products": {"product_name": 250, "REF": 255, "pattern": 250}, "product_formats": {"REF": 255}}
LONG_COLUMNS = ("product_name", "REF", "pattern")


@dataclass(frozen=True, slots=True)
class Dirt:
    """Shares between 0 and 1: of the variants for orphans, of products and of variants for SKUs, else of products."""

    no_weight: float = 0.0
    no_price: float = 0.0
    orphans: float = 0.0
    duplicate_names: float = 0.0
    duplicate_skus: float = 0.0
    over_long: float = 0.0

    @classmethod
    def everywhere(cls, share: float) -> "Dirt":
        """The same share of each kind."""
        return cls(share, share, share, share, share, share)


@dataclass(frozen=True, slots=True)
class Places:
    """Which positions are dirty; nothing is dirty in two ways, so that every consequence has one cause."""

    kinds: dict[int, str] = field(default_factory=dict)
    examples: dict[int, int] = field(default_factory=dict)  # the clean position whose name or SKU is repeated


def among_products(dirt: Dirt, count: int, random: Random) -> Places:
    """The dirty products, by position."""
    shares = {
        "no_weight": dirt.no_weight,
        "no_price": dirt.no_price,
        "duplicate_names": dirt.duplicate_names,
        "duplicate_skus": dirt.duplicate_skus,
        "over_long": dirt.over_long,
    }
    return _places(shares, count, random)


def among_variants(dirt: Dirt, count: int, random: Random) -> Places:
    """The dirty variants, by position."""
    return _places({"orphans": dirt.orphans, "duplicate_skus": dirt.duplicate_skus}, count, random)


def _places(shares: dict[str, float], count: int, random: Random) -> Places:
    numbers = {kind: round(share * count) for kind, share in shares.items()}
    dirty = sum(numbers.values())
    repeats = any(number for kind, number in numbers.items() if kind.startswith("duplicate"))
    if dirty > count or (repeats and dirty == count):
        msg = f"{dirty} dirty items do not fit into {count}, of which one must stay clean to be repeated"
        raise ValueError(msg)
    chosen = iter(random.sample(range(count), dirty))
    kinds = {next(chosen): kind for kind, number in numbers.items() for _ in range(number)}
    clean = [position for position in range(count) if position not in kinds] if repeats else []
    examples = {position: random.choice(clean) for position, kind in kinds.items() if kind.startswith("duplicate")}
    return Places(kinds, examples)
