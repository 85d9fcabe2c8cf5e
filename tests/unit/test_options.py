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


MOVES: dict[str, tuple[dict[int, str], dict[int, str], list[str], list[tuple[str, str]], set[int]]] = {
    # before, now, the labels of other variants in the store, what is relabelled, who is rebuilt
    # all users of S move to a label that the option does not know
    "relabelled": ({1: "S", 2: "S", 3: "M"}, {1: "Small", 2: "Small", 3: "M"}, [], [("S", "Small")], set()),
    # one of two users moves: the other keeps the value, so this one is made anew
    "split": ({1: "S", 2: "S"}, {1: "Small", 2: "S"}, [], [], {1}),
    # a variant that is not ours has the old value
    "stranger": ({1: "S"}, {1: "Small"}, ["S"], [], {1}),
    # one that is not ours has the new one
    "taken": ({1: "S"}, {1: "Small"}, ["small"], [], {1}),
    # two values become one: that of the most variants takes the label, the users of the other are made anew
    "merged": ({1: "S", 2: "M", 3: "M"}, {1: "One", 2: "One", 3: "One"}, [], [("M", "One")], {1}),
    # idem, of as many variants each: the one of the lower id
    "merged evenly": ({1: "M", 2: "S"}, {1: "One", 2: "One"}, [], [("M", "One")], {2}),
    # one value becomes another one that stays
    "joined": ({1: "S", 2: "M"}, {1: "M", 2: "M"}, [], [], {1}),
    # a label is given up by one value and taken by the next
    "chain": ({1: "S", 2: "M"}, {1: "M", 2: "L"}, [], [("M", "L"), ("S", "M")], set()),
    "long chain": (
        {1: "S", 2: "M", 3: "L"}, {1: "M", 2: "L", 3: "XL"}, [], [("L", "XL"), ("M", "L"), ("S", "M")], set(),
    ),
    # a chain that cannot begin: its last label stays with a stranger, so nobody can move up
    "stuck chain": ({1: "S", 2: "M"}, {1: "M", 2: "L"}, ["L"], [], {1, 2}),
    # two values change places
    "swapped": ({1: "S", 2: "M"}, {1: "M", 2: "S"}, [], [("M", "S"), ("S", "M")], set()),
    "circle": (
        {1: "S", 2: "M", 3: "L"}, {1: "M", 2: "L", 3: "S"}, [], [("L", "S"), ("M", "L"), ("S", "M")], set(),
    ),
    # a value that is split is free for nobody
    "swap of a split value": ({1: "S", 2: "M", 3: "M"}, {1: "M", 2: "S", 3: "M"}, [], [], {1, 2}),
    # another spelling of the same label is a new label for it
    "spelling": ({1: "black"}, {1: "Black"}, [], [("black", "Black")], set()),
    "nothing": ({1: "S", 2: "M"}, {1: "S", 2: "M"}, [], [], set()),
}  # fmt: skip


@pytest.mark.parametrize(("before", "now", "others", "relabels", "rebuilt"), MOVES.values(), ids=MOVES)
def test_a_value_keeps_its_variants_where_all_of_them_move_to_a_label_that_is_free(
    before: dict[int, str], now: dict[int, str], others: list[str], relabels: list[tuple[str, str]], rebuilt: set[int]
) -> None:
    moved = options.moves(
        {one: {"size": label} for one, label in before.items()},
        {one: {"size": label} for one, label in now.items()},
        others=[{"size": label} for label in others],
    )
    assert [(one.old, one.new) for one in moved.relabels] == relabels
    assert moved.rebuilt == rebuilt
    assert not moved.is_other_set


def test_another_option_set_rebuilds_every_variant() -> None:
    moved = options.moves(
        {1: {"size": "S"}, 2: {"size": "M"}},
        {1: {"size": "S", "fit": "Slim"}, 2: {"size": "M", "fit": "Slim"}},
        others=[],
    )
    assert moved.is_other_set
    assert moved.rebuilt == {1, 2}


def test_a_variant_that_is_gone_is_in_the_way_of_one_that_is_to_have_its_values() -> None:
    gone = {8: {"size": "L", "fit": "slim"}, 9: {"size": "L", "fit": "Wide"}}
    assert options.in_the_way([{"fit": "Slim", "size": "L"}], gone) == {8}


def test_labels_that_differ_in_their_case_only_are_one_value_as_the_first_variant_writes_it() -> None:
    variants = [a_variant(1, options={"Size": "s", "Fit": "Slim"}), a_variant(2, options={"Size": "S", "Fit": "wide"})]
    alike = options.spelled_alike(variants)
    assert [[value.label for value in one.options] for one in alike] == [["s", "Slim"], ["s", "wide"]]
    assert options.of_product(alike)[0] == Option("Size", "dropdown", (("s", ()),))


def test_values_stand_in_the_order_of_their_first_appearance_whatever_they_look_like() -> None:
    variants = [a_variant(n, options={"Size": label}) for n, label in enumerate(("10", "9", "XL", "S"))]
    assert [label for label, _ in options.of_product(variants)[0].values] == ["10", "9", "XL", "S"]
