"""What chaos counts: each sort of damage is seen, and a clean end is clean."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sandbox.chaos.end import End, Verdict, judge
from sandbox.chaos.figures import Figures

SHIRT: dict[str, Any] = {
    "price": 10,
    "images": [],
    "variants": [{"sku": "S-1", "price": 10}, {"sku": "S-2", "price": 12}],
}
TWIN = End(
    store={"categories": {"tree [1] / Men": {"name": "Men"}}, "products": {"Shirt": SHIRT}},
    created={"categories": 1, "products": 1, "variants": 2},
    repeated=0,
    outcomes={("product", 1, 0): "created", ("variant", 2, 0): "rejected"},
    figures={("product", 0, "known"): 1, ("product", 0, "created"): 1},
    states=("completed",),
    booked=4,
    pending=0,
    turn="parked",
    is_idle=True,
)


def shirt(**changed: Any) -> dict[str, Any]:
    return {"categories": TWIN.store["categories"], "products": {"Shirt": SHIRT | changed}}


def test_an_end_like_its_twin_s_is_clean() -> None:
    assert judge(TWIN, TWIN) == Verdict()
    assert judge(TWIN, TWIN).is_clean()


@pytest.mark.parametrize(
    ("changed", "figure", "count"),
    [
        ({"store": {"categories": {}, "products": TWIN.store["products"]}}, "lost", 1),
        ({"store": {"categories": TWIN.store["categories"], "products": {}}}, "lost", 3),
        ({"store": shirt(variants=SHIRT["variants"][:1])}, "lost", 1),
        ({"store": shirt(price=11)}, "wrong", 1),
        ({"store": shirt(images=["a.jpg"])}, "wrong", 1),
        ({"store": shirt(variants=[*SHIRT["variants"], {"sku": "S-3"}])}, "wrong", 1),
        ({"created": {"categories": 1, "products": 2, "variants": 5}}, "doubled", 4),
        ({"outcomes": {("product", 1, 0): "created"}}, "lost", 1),
        ({"outcomes": {**TWIN.outcomes, ("product", 1, 0): "failed"}}, "wrong", 1),
        ({"figures": {("product", 0, "known"): 1}}, "lost", 1),
        ({"figures": {**TWIN.figures, ("product", 0, "failed"): 2}}, "wrong", 2),
        ({"states": ("completed", "failed")}, "lost", 1),
        ({"pending": 3}, "lost", 3),
        ({"is_idle": False, "turn": "broken"}, "stuck", 1),
        ({"repeated": 2}, "repeated", 2),
    ],
)
def test_each_sort_of_damage_is_counted_and_told(changed: dict[str, Any], figure: str, count: int) -> None:
    found = judge(replace(TWIN, **changed), TWIN)
    assert {name: getattr(found, name) for name in ("lost", "doubled", "wrong", "stuck", "repeated")} == {
        "lost": 0, "doubled": 0, "wrong": 0, "stuck": 0, "repeated": 0, figure: count
    }  # fmt: skip
    assert found.is_clean() is (figure == "repeated")
    assert bool(found.said) is not found.is_clean()


def test_other_runs_may_have_booked_otherwise() -> None:
    other = replace(TWIN, figures={}, outcomes={**TWIN.outcomes, ("product", 1, 0): "updated"})
    assert judge(other, TWIN, same_runs=False).is_clean()


def test_the_last_line_is_one_object_with_every_figure() -> None:
    figures = Figures()
    figures.add("tenant", TWIN, judge(TWIN, TWIN))
    figures.recovered(1.234, 4.0)
    figures.recovered(3.0, 4.0)
    assert figures.is_good()
    assert json.loads(figures.line()) == {
        "runs": 1,
        "items": 4,
        "lost": 0,
        "doubled": 0,
        "wrong": 0,
        "recovery_seconds": {"p50": 2.12, "max": 3.0},
        "repeated_calls": 0,
        "stuck": 0,
        "jain": None,
    }


@pytest.mark.parametrize("seconds", [4.1, None])
def test_who_is_taken_up_too_late_or_never_is_told(seconds: float | None) -> None:
    figures = Figures()
    figures.recovered(seconds, 4.0)
    assert not figures.is_good()
    assert len(figures.said) == 1


def test_two_parts_are_summed_and_the_storm_s_recovery_stands() -> None:
    whole, sweep, storm = Figures(), Figures(runs=3, items=5, recovery=[1.0]), Figures(runs=1, recovery=[6.0], jain=0.9)
    whole.join(sweep)
    whole.join(storm)
    assert (whole.runs, whole.items, whole.recovery, whole.jain) == (4, 5, [6.0], 0.9)
