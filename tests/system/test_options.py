"""Options: as the source writes them, changed with as little as can be, and nothing of others' lost on the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.system.shirts import Shop, in_sizes, option, product, variant

Make = Callable[..., Shop]


# As they are created ------------------------------------------------------------------------------------------------


def test_an_option_is_a_dropdown_with_its_values_in_the_order_of_the_variants(open_shirts: Make) -> None:
    here = open_shirts([product()], in_sizes("10", "9", "XL", "S"))
    assert here.run() == "completed"
    assert option(here, "size")["type"] == "dropdown"
    assert here.values() == ["10", "9", "XL", "S"]


def test_an_option_is_made_only_where_some_variant_has_a_value_for_it(open_shirts: Make) -> None:
    variants = [variant(1, size="S", fit=""), variant(2, 302, size="", fit="Slim")]
    here = open_shirts([product(), product(302)], variants)
    here.run()
    assert [one["display_name"] for one in here.product(301)["options"]] == ["size"]
    assert [one["display_name"] for one in here.product(302)["options"]] == ["fit"]


def test_colours_with_codes_are_a_swatch(open_shirts: Make) -> None:
    codes = ("Red#FF0000", "Flag#ff0000#00FF00#0000ff")
    here = open_shirts([product()], [variant(n, colour=code) for n, code in enumerate(codes, 1)])
    assert here.run() == "completed"
    held = option(here, "colour")
    assert held["type"] == "swatch"
    assert [(one["label"], one["value_data"]["colors"]) for one in held["option_values"]] == [
        ("Red", ["#FF0000"]),
        ("Flag", ["#FF0000", "#00FF00", "#0000FF"]),
    ]


@pytest.mark.parametrize("other", ["Blue", "Blue#00F", "Blue#GG0000"])
def test_a_colour_without_a_code_makes_the_whole_option_a_dropdown(open_shirts: Make, other: str) -> None:
    here = open_shirts([product()], [variant(1, colour="Red#FF0000"), variant(2, colour=other)])
    assert here.run() == "completed"
    assert option(here, "colour")["type"] == "dropdown"
    assert here.values("colour") == ["Red", "Blue"]


def test_a_colour_without_a_name_is_no_value_and_its_variant_says_so(open_shirts: Make) -> None:
    here = open_shirts([product()], [variant(1, colour="Red#FF0000"), variant(2, colour="#00FF00")])
    assert here.run() == "completed_with_errors"
    assert here.values("colour") == ["Red"]
    assert here.status("variant", 2)[:2] == ("rejected", "no_option")


def test_labels_that_differ_in_their_case_only_are_one_value(open_shirts: Make) -> None:
    here = open_shirts([product()], [variant(1, size="Small", fit="Slim"), variant(2, size="small", fit="Wide")])
    assert here.run() == "completed"
    assert here.values() == ["Small"]
    assert here.run(refresh=True) == "completed"
    assert here.log.counters()["writes"] == 0


def test_options_left_as_created_cost_no_call(open_shirts: Make) -> None:
    here = open_shirts([product()], in_sizes("S", "M"), switches={"option_display": "as_created"})
    here.run()
    assert option(here, "size")["type"] == "rectangles"
    assert (
        here.calls("PUT /v3/catalog/products/{id}/options") == here.calls("GET /v3/catalog/products/{id}/options") == 0
    )


def test_another_option_set_or_the_same_combination_is_told_of_the_variants_concerned(open_shirts: Make) -> None:
    variants = [*in_sizes("S", "M", "s"), variant(4, size="L", fit="Slim")]
    here = open_shirts([product()], variants)
    assert here.run() == "completed_with_errors"
    assert here.labels() == {"V1": "S", "V2": "M"}
    assert here.status("variant", 3)[:2] == ("rejected", "combination_taken")
    outcome, code, message = here.status("variant", 4)
    assert (outcome, code) == ("rejected", "option_set_differs")
    assert "fit, size" in message


def test_a_new_variant_whose_values_one_that_is_gone_has_is_told_without_a_call(open_shirts: Make) -> None:
    here = open_shirts([product()], in_sizes("S", "M"))
    here.run()
    here.remove("product_formats", 2)
    here.stage.sources.add(here.cast.code, "product_formats", variant(5, size="m"))
    assert here.run() == "completed_with_errors"
    assert here.status("variant", 5)[:2] == ("failed", "combination_held")
    assert here.calls("POST") == 0
    product_id, gone = here.product()["id"], here.ids()["V2"]
    here.merchant.delete(f"/catalog/products/{product_id}/variants/{gone}").raise_for_status()
    assert here.run(refresh=True) == "completed"
    assert here.labels() == {"V1": "S", "V5": "m"}
    assert here.values() == ["S", "m"]


def test_six_hundred_variants_go_and_the_next_one_is_told(open_shirts: Make) -> None:
    here = open_shirts([product()], [variant(n, size=f"S{n // 30}", fit=f"F{n % 30}") for n in range(1, 602)])
    assert here.run() == "completed_with_errors"
    assert len(here.variants()) == 600
    assert here.status("variant", 601)[:2] == ("rejected", "too_many_variants")


def test_an_option_takes_250_values_and_the_next_one_is_told(open_shirts: Make) -> None:
    here = open_shirts([product()], in_sizes(*(f"S{n}" for n in range(251))))
    assert here.run() == "completed_with_errors"
    assert len(here.values()) == 250
    assert here.status("variant", 251)[:2] == ("rejected", "too_many_values")


# Values that change in place --------------------------------------------------------------------------------------

CHANGES = {
    # what the sizes were, what they become
    "a new label": ("S M L", "Small M L"),
    "a chain": ("S M L", "M L XL"),
    "a swap": ("S M L", "M S L"),
    "a circle": ("S M L", "M L S"),
    "a circle and a chain": ("S M L X", "M S X XL"),
    "upper case": ("s m l", "S m L"),
    "a swap of cases": ("S s1 M", "s1 S m"),
}


@pytest.mark.parametrize(("before", "now"), CHANGES.values(), ids=CHANGES)
def test_labels_change_in_place_and_every_variant_stays(open_shirts: Make, before: str, now: str) -> None:
    here = open_shirts([product()], in_sizes(*before.split()))
    here.run()
    ids, values = here.ids(), {one["id"] for one in option(here, "size")["option_values"]}
    for n, label in enumerate(now.split(), 1):
        here.vary(n, size=label)
    assert here.run() == "completed"
    assert here.labels() == {f"V{n}": label for n, label in enumerate(now.split(), 1)}
    assert here.ids() == ids
    assert {one["id"] for one in option(here, "size")["option_values"]} == values
    assert here.values() == now.split()
    assert here.status("variant", 1)[:2] == ("updated", "relabelled")
    assert here.run(refresh=True) == "completed"
    assert here.log.counters()["writes"] == 0


def test_only_the_variants_whose_label_changed_are_told(open_shirts: Make) -> None:
    here = open_shirts([product()], in_sizes("S", "M"))
    here.run()
    here.vary(1, size="XS")
    here.run()
    assert here.status("variant", 1)[:2] == ("updated", "relabelled")
    assert here.status("variant", 2)[:2] == ("created", None)


def test_colours_that_change_places_take_their_codes_along(open_shirts: Make) -> None:
    here = open_shirts([product()], [variant(1, colour="Red#FF0000"), variant(2, colour="Blue#0000FF")])
    here.run()
    ids = here.ids()
    here.vary(1, colour="Blue#0000FF")
    here.vary(2, colour="Red#FF0000")
    here.run()
    assert (here.labels(), here.ids()) == ({"V1": "Blue", "V2": "Red"}, ids)
    codes = {one["label"]: one["value_data"]["colors"] for one in option(here, "colour")["option_values"]}
    assert codes == {"Red": ["#FF0000"], "Blue": ["#0000FF"]}


@pytest.mark.parametrize("display", ["dropdown_and_swatch", "as_created"])
def test_a_value_that_nobody_uses_gives_way_to_one_of_its_label(open_shirts: Make, display: str) -> None:
    here = open_shirts([product()], in_sizes("S", "M"), switches={"option_display": display})
    here.run()
    ids, size = here.ids(), option(here, "size")
    path = f"/catalog/products/{here.product()['id']}/options/{size['id']}/values"
    here.merchant.post(path, json={"label": "XS", "sort_order": 7}).raise_for_status()
    here.vary(1, size="XS")
    assert here.run() == "completed"
    assert (here.labels(), here.ids()) == ({"V1": "XS", "V2": "M"}, ids)
    assert sorted(here.values()) == ["M", "XS"]


def test_a_value_that_a_variant_of_the_merchant_has_keeps_its_label(open_shirts: Make) -> None:
    here = open_shirts([product()], in_sizes("S", "M"))
    here.run()
    size = option(here, "size")
    path = f"/catalog/products/{here.product()['id']}"
    value = here.merchant.post(f"{path}/options/{size['id']}/values", json={"label": "XS", "sort_order": 7}).json()
    chosen = [{"option_id": size["id"], "id": value["data"]["id"]}]
    here.merchant.post(f"{path}/variants", json={"sku": "OWN", "option_values": chosen}).raise_for_status()
    here.vary(1, size="XS")
    assert here.run() == "completed_with_errors"
    outcome, code, message = here.status("variant", 1)
    assert (outcome, code) == ("failed", "refused_by_store")
    assert "OWN" in message
    assert here.labels() == {"V1": "S", "V2": "M", "OWN": "XS"}, "nothing was deleted before it was refused"


# Variants made anew -----------------------------------------------------------------------------------------------
