"""How a product's options are shown: dropdown or swatch, in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from worker.catalog.items import Option, Variant

DROPDOWN = "dropdown"
SWATCH = "swatch"


def of_product(variants: Iterable[Variant]) -> tuple[Option, ...]:
    """The options that these variants span.

    A swatch needs a colour for every value: where one has none, the whole option is a dropdown
    (the original's §8: a colour without hex codes creates a dropdown).
    """
    values: dict[str, dict[str, tuple[str, ...]]] = {}
    for variant in variants:
        for value in variant.options:
            known = values.setdefault(value.option, {})
            if not known.get(value.label):
                known[value.label] = value.colors
    return tuple(
        Option(name, SWATCH if all(of.values()) else DROPDOWN, tuple(of.items() if all(of.values()) else _plain(of)))
        for name, of in values.items()
    )


def _plain(labels: Iterable[str]) -> Sequence[tuple[str, tuple[str, ...]]]:
    return [(label, ()) for label in labels]
