"""What is fit to be sent, and what is wrong with what is not."""

from __future__ import annotations

import pytest

from tests.builders import a_category, a_product, a_variant
from worker.catalog.items import Item, OptionValue, Problem, Read, Variant
from worker.rules import validity


def wrong_with(item: Item) -> list[tuple[str, str | None]]:
    """Code and field of each grave problem."""
    return [(one.code, one.field) for one in validity.graver(Read(item))]


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(a_category(), id="a category with a name"),
        pytest.param(a_product(), id="a product with name, SKU, price and weight"),
        pytest.param(a_product(price="0", weight="0"), id="zero is a valid price and weight"),
        pytest.param(a_product(description=None), id="an empty field that is not required"),
        pytest.param(a_product(name="x" * 250), id="a name of 250 characters"),
        pytest.param(a_product(sort_order=-5), id="places may be negative"),
        pytest.param(a_product(tax_class_id=255), id="the highest tax class"),
        pytest.param(a_product(custom_fields=tuple((f"n{i}", "x" * 250) for i in range(200))), id="200 custom fields"),
        pytest.param(a_variant(), id="a variant with SKU and option"),
        pytest.param(a_variant(options={"Size": "x" * 255}), id="a label of 255 characters"),
    ],
)
def test_it_is_fit(item: Item) -> None:
    assert wrong_with(item) == []


@pytest.mark.parametrize(
    ("item", "code", "field"),
    [
        pytest.param(a_product(price=None), "no_valid_price", "price", id="no price"),
        pytest.param(a_product(price="-0.01"), "no_valid_price", "price", id="a price below zero"),
        pytest.param(a_product(weight=None), "no_valid_weight", "weight", id="no weight"),
        pytest.param(a_product(weight="-1"), "no_valid_weight", "weight", id="a weight below zero"),
        pytest.param(a_product(name=None), "no_name", "name", id="no name"),
        pytest.param(a_product(sku=None), "no_sku", "sku", id="no SKU"),
        pytest.param(a_product(name="x" * 251), "value_too_long", "name", id="a name beyond 250 characters"),
        pytest.param(a_product(price="10000000000"), "value_out_of_range", "price", id="a price beyond ten digits"),
        pytest.param(a_product(categories=()), "no_category", None, id="a product in no category"),
        pytest.param(a_category(name=None), "no_name", "name", id="a category without name"),
        pytest.param(a_category(name="x" * 51), "value_too_long", "name", id="a category's name beyond 50"),
        pytest.param(a_variant(sku=None), "no_sku", "sku", id="a variant without SKU"),
        pytest.param(a_variant(options={}), "no_option", None, id="a variant without option value"),
        pytest.param(a_variant(options={"Size": "x" * 256}), "value_too_long", "Size", id="a label beyond 255"),
        pytest.param(a_variant(options={"x" * 256: "S"}), "value_too_long", "x" * 256, id="a name beyond 255"),
    ],
)
def test_it_is_rejected(item: Item, code: str, field: str | None) -> None:
    assert wrong_with(item) == [(code, field)]


def test_all_that_is_wrong_is_told_at_once() -> None:
    codes = [code for code, _ in wrong_with(a_product(price=None, weight="-1", sku=None, categories=()))]
    assert sorted(codes) == ["no_category", "no_sku", "no_valid_price", "no_valid_weight"]


def test_the_reason_is_a_sentence_with_the_value() -> None:
    (problem,) = validity.graver(Read(a_product(name="y" * 300)))
    assert problem.text.startswith("name has 300 characters, the store takes 250: 'yyy")


def test_a_required_field_that_cannot_be_read_is_told_once() -> None:
    unread = Problem("unreadable_value", "price (column PVP): 'x' is not a number", "price")
    other = Problem("unreadable_value", "width (column W): 'x' is not a number", "width")
    read = Read(a_product(price=None), (unread, other))
    grave = validity.graver(read)
    assert [one.code for one in grave] == ["no_valid_price"]
    assert validity.lighter(read, grave) == (other,)


def test_an_unreadable_field_that_is_not_required_rejects_nothing() -> None:
    read = Read(a_product(), (Problem("unreadable_value", "width: 'x' is not a number", "width"),))
    assert validity.graver(read) == ()
    assert validity.lighter(read, ()) == read.problems


# Variants beside their siblings ---------------------------------------------------------------------------------


def beside(*variants: Variant) -> dict[int, str]:
    return {source_id: problem.code for source_id, problem in validity.among_siblings(variants).items()}


def test_siblings_with_one_option_set_and_unique_combinations_all_stay() -> None:
    red_s, red_m = ({"Colour": "Red", "Size": size} for size in "SM")
    assert beside(a_variant(1, options=red_s), a_variant(2, options=red_m)) == {}


def test_no_variants_is_no_trouble() -> None:
    assert beside() == {}


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        pytest.param(
            [{"Size": "S"}, {"Colour": "Red"}, {"Size": "M"}],
            {2: "option_set_differs"},
            id="most siblings say which set",
        ),
        pytest.param(
            [{"Size": "S"}, {"Size": "S", "Colour": "Red"}],
            {1: "option_set_differs"},
            id="of a tie the larger set stays",
        ),
        pytest.param(
            [{"Size": "S"}, {"Colour": "Red"}], {2: "option_set_differs"}, id="of an equal tie the lowest id's stays"
        ),
        pytest.param(
            [{"Size": "S", "Colour": "Red"}, {"Colour": "Blue", "Size": "S"}],
            {},
            id="the order of options is no matter",
        ),
        pytest.param([{"Size": "S"}, {"Size": "S"}], {2: "combination_taken"}, id="a combination stands once"),
        pytest.param([{"Size": "S"}, {"Size": "s"}], {2: "combination_taken"}, id="case does not tell labels apart"),
        pytest.param([{"Size": "S", "Fit": "M"}, {"Size": "M", "Fit": "S"}], {}, id="a label belongs to its option"),
    ],
)
def test_what_keeps_a_variant_from_standing_beside_its_siblings(
    options: list[dict[str, str]], wrong: dict[int, str]
) -> None:
    variants = [a_variant(place, options=one) for place, one in enumerate(options, 1)]
    assert beside(*variants) == wrong
    assert beside(*reversed(variants)) == wrong, "the order in which they come does not matter"


def test_the_holder_of_a_combination_is_named() -> None:
    found = validity.among_siblings([a_variant(9, options={"Size": "S"}), a_variant(4, options={"Size": "S"})])
    assert found[9].text == "variant 4 has the same option values"


def test_a_variant_that_is_refused_for_other_reasons_is_told_of_its_siblings_too_and_holds_nothing() -> None:
    fit = [a_variant(5, options={"Size": "S"}), a_variant(6, options={"Size": "M"})]
    unfit = [
        a_variant(1, options={"Size": "S"}),
        a_variant(2, options={"Size": "L"}),
        a_variant(3, options={"Colour": "Red"}),
        a_variant(4, options={}),
    ]
    found = {source_id: one.code for source_id, one in validity.among_siblings(fit, unfit).items()}
    assert found == {1: "combination_taken", 3: "option_set_differs"}
    assert validity.among_siblings([], unfit) == {}


def test_a_product_takes_600_variants_and_no_more() -> None:
    many = [a_variant(n, options={"A": str(n // 25), "B": str(n % 25)}) for n in range(1, 603)]
    assert beside(*many) == {601: "too_many_variants", 602: "too_many_variants"}


def test_an_option_takes_250_values_and_no_more() -> None:
    many = [a_variant(n, options={"A": f"value {n}"}) for n in range(1, 252)]
    late = a_variant(300, options={"A": "VALUE 1"})
    assert beside(*many) == {251: "too_many_values"}
    assert beside(*many, late)[300] == "combination_taken"


def test_an_option_that_is_full_takes_known_values_on() -> None:
    many = [a_variant(n, options={"A": f"v{n}", "B": "x"}) for n in range(1, 251)]
    assert beside(*many, a_variant(300, options={"A": "V1", "B": "y"})) == {}


def test_a_refused_variant_fills_nothing() -> None:
    # Both of 1 and 2 hold one combination: 2 must not count as the 250th value of option A.
    twins = [a_variant(n, options={"A": "twin"}) for n in (1, 2)]
    more = [a_variant(n, options={"A": f"v{n}"}) for n in range(3, 252)]
    assert beside(*twins, *more) == {2: "combination_taken"}


def test_colours_do_not_tell_combinations_apart() -> None:
    red, crimson = (
        Variant(n, 301, {}, (OptionValue("Colour", "Red", (code,)),)) for n, code in ((1, "#FF0000"), (2, "#DC143C"))
    )
    assert beside(red, crimson) == {2: "combination_taken"}
