"""What the environment asks of the demo."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.processes.trouble import CannotPlay

NO = frozenset({"", "0", "no", "false"})
DEFAULT_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Order:
    """One demo, as it was asked for."""

    once: bool = False
    """End by itself when all runs have ended."""
    catalogue: Path | None = None
    root: str | None = None
    """Name of the category that the second storefront is linked to."""
    scale: float = 1.0
    """How large generated catalogues are: 0.1 makes each a tenth."""
    seconds: float = DEFAULT_SECONDS
    """How long the runs may take together where the demo is to end by itself."""


def read(environment: Mapping[str, str] = os.environ) -> Order:
    """The order that ONCE, CATALOGUE, ROOT, DEMO_SCALE and DEMO_SECONDS give."""
    file = environment.get("CATALOGUE")
    return Order(
        once=environment.get("ONCE", "").strip().lower() not in NO,
        catalogue=Path(file).expanduser() if file else None,
        root=environment.get("ROOT") or None,
        scale=_number(environment, "DEMO_SCALE", 1.0),
        seconds=_number(environment, "DEMO_SECONDS", DEFAULT_SECONDS),
    )


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    given = environment.get(name)
    try:
        number = float(given) if given else default
    except ValueError:
        number = 0.0
    if number <= 0:
        raise CannotPlay(f"{name} is {given!r}; it has to be a number above 0")
    return number
