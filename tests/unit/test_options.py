"""How a product's options are shown."""

from __future__ import annotations

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
