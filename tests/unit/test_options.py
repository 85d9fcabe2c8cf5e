"""How a product's options are shown."""

from __future__ import annotations

import pytest

from tests.builders import a_coloured_variant, a_variant
from worker.catalog.items import Option
from worker.rules import options


def test_options_and_their_values_come_in_the_order_of_the_variants() -> None:
    variants = [a_variant(1, options={"Size": "M", "Fit": "Slim"}), a_variant(2, options={"Size": "S", "Fit": "Slim"})]
    assert options.of_product(variants) == (
        Option("Size", "dropdown", (("M", ()), ("S", ()))),
        Option("Fit", "dropdown", (("Slim", ()),)),
    )


def test_an_option_with_a_colour_for_every_value_is_a_swatch() -> None:
    variants = [a_coloured_variant(1, "Red", "#FF0000"), a_coloured_variant(2, "Flag", "#FF0000", "#00FF00")]
    assert options.of_product(variants) == (
        Option("Colour", "swatch", (("Red", ("#FF0000",)), ("Flag", ("#FF0000", "#00FF00")))),
    )


def test_one_value_without_colour_makes_the_whole_option_a_dropdown() -> None:
    variants = [a_coloured_variant(1, "Red", "#FF0000"), a_coloured_variant(2, "Plain")]
    assert options.of_product(variants) == (Option("Colour", "dropdown", (("Red", ()), ("Plain", ()))),)


def test_a_colour_that_one_variant_tells_holds_for_all_of_that_value() -> None:
    variants = [
        a_coloured_variant(1, "Red"),
        a_coloured_variant(2, "Red", "#FF0000"),
        a_coloured_variant(3, "Red", "#AA0000"),
    ]
    assert options.of_product(variants) == (Option("Colour", "swatch", (("Red", ("#FF0000",)),)),)


def test_without_variants_there_are_no_options() -> None:
    assert options.of_product([]) == ()


MOVES = {
    # all users of S move to a label that the option does not know
    "relabelled": ({1: "S", 2: "S", 3: "M"}, {1: "Small", 2: "Small", 3: "M"}, {"S", "M"}, [], [("S", "Small")], set()),
    # one of two users moves: the other keeps the value, so this one is made anew
    "split": ({1: "S", 2: "S"}, {1: "Small", 2: "S"}, {"S"}, [], [], {1}),
    # the new label is there already, though nobody uses it
    "known label": ({1: "S"}, {1: "XS"}, {"S", "XS"}, [], [], {1}),
    # a variant that is not ours has the old value
    "stranger": ({1: "S"}, {1: "Small"}, {"S"}, [{"size": "S"}], [], {1}),
    # two values become one: one would clash with the other
    "merged": ({1: "S", 2: "M"}, {1: "One size", 2: "One size"}, {"S", "M"}, [], [], {1, 2}),
    # two values change places
    "swapped": ({1: "S", 2: "M"}, {1: "M", 2: "S"}, {"S", "M"}, [], [], {1, 2}),
    # another spelling of the same label is a new label for it
    "spelling": ({1: "black"}, {1: "Black"}, {"black"}, [], [("black", "Black")], set()),
    "nothing": ({1: "S", 2: "M"}, {1: "S", 2: "M"}, {"S", "M"}, [], [], set()),
}


@pytest.mark.parametrize(("before", "now", "known", "strangers", "relabels", "rebuilt"), MOVES.values(), ids=MOVES)
def test_a_value_keeps_its_variants_where_its_label_is_new_and_all_users_move(
    before: dict[int, str],
    now: dict[int, str],
    known: set[str],
    strangers: list[dict[str, str]],
    relabels: list[tuple[str, str]],
    rebuilt: set[int],
) -> None:
    moved = options.moves(
        {one: {"size": label} for one, label in before.items()},
        {one: {"size": label} for one, label in now.items()},
        strangers=strangers,
        known_labels={"size": known},
    )
    assert [(one.old, one.new) for one in moved.relabels] == relabels
    assert moved.rebuilt == rebuilt
    assert not moved.is_other_set


def test_another_option_set_rebuilds_every_variant() -> None:
    moved = options.moves(
        {1: {"size": "S"}, 2: {"size": "M"}},
        {1: {"size": "S", "fit": "Slim"}, 2: {"size": "M", "fit": "Slim"}},
        strangers=[],
        known_labels={"size": {"S", "M"}},
    )
    assert moved.is_other_set
    assert moved.rebuilt == {1, 2}
