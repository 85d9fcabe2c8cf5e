"""A blank is a value that the store has and would lose; what somebody has said is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.vocabulary import ItemKind
from tests.builders import a_product
from worker.catalog.bulk_pricing import BulkRule
from worker.catalog.fields import WhenEmpty
from worker.rules import blanks
from worker.rules.mapping import Mapped

CLEARED = Mapped(
    {},
    when_empty={
        "is_featured": WhenEmpty.CLEAR,
        "condition": WhenEmpty.CLEAR,
        "sale_price": WhenEmpty.OVERWRITE,
        "is_visible": WhenEmpty.LEAVE_ALONE,
    },
)


@pytest.mark.parametrize(
    ("said", "held", "lost"),
    [
        pytest.param({"warranty": None}, {"warranty": "2 years"}, ("warranty",), id="a text that the store has"),
        pytest.param({"warranty": None}, {"warranty": None}, (), id="nothing where nothing was"),
        pytest.param({"warranty": "3 years"}, {"warranty": "2 years"}, (), id="another value is no blank"),
        pytest.param({"cost_price": None}, {"cost_price": "12.5"}, ("cost_price",), id="a number"),
        pytest.param({"cost_price": "0"}, {"cost_price": "12.5"}, (), id="a 0 that somebody wrote"),
        pytest.param({"condition": None}, {"condition": "Used"}, (), id="the store has no empty condition"),
        pytest.param({"condition": "New"}, {"condition": "Used"}, ("condition",), id="cleared to what a new one has"),
        pytest.param({"is_featured": False}, {"is_featured": True}, ("is_featured",), id="a flag cleared"),
        pytest.param({"is_featured": False}, {"is_featured": False}, (), id="a flag that is clear already"),
        pytest.param({"sale_price": "0"}, {"sale_price": "5"}, ("sale_price",), id="a sale price that is overwritten"),
        pytest.param({"preorder_release_date": None}, {"preorder_release_date": "2026-01-01"},
                     ("preorder_release_date",), id="a date becomes null"),
    ],
)  # fmt: skip
def test_a_blank_is_a_value_lost(said: dict[str, Any], held: dict[str, Any], lost: tuple[str, ...]) -> None:
    groups = {"selling", "price"}
    assert blanks.of(ItemKind.PRODUCT, a_product(**said), groups, held=held, ours={}, mapped=CLEARED) == lost


def test_what_is_not_sent_takes_nothing_away() -> None:
    product = a_product(warranty=None)
    assert blanks.of(ItemKind.PRODUCT, product, {"price"}, held={"warranty": "x"}, ours={}, mapped=CLEARED) == ()


def test_bulk_pricing_rules_and_videos_count_where_they_were_ours() -> None:
    groups = {"bulk_pricing", "videos"}
    ours = {"bulk_rules": [[2, 0, "price", "1", 7]], "videos": [["dQw4w9WgXcQ", 8]]}
    bare = a_product()
    full = replace(bare, bulk_rules=(BulkRule(2, 0, "price", "2"),), videos=("abc_def-123",))
    assert blanks.of(ItemKind.PRODUCT, bare, groups, held={}, ours=ours, mapped=CLEARED) == ("bulk_rules", "videos")
    assert blanks.of(ItemKind.PRODUCT, full, groups, held={}, ours=ours, mapped=CLEARED) == ()
    assert blanks.of(ItemKind.PRODUCT, bare, {"price"}, held={}, ours=ours, mapped=CLEARED) == ()


def test_pictures_and_custom_fields_count_where_they_were_ours() -> None:
    groups = {"images", "custom_fields"}
    ours = {"images": {"p1": [7, "u"]}, "custom_fields": [["a", "b", 3]]}
    bare, full = a_product(), a_product(images=("u",), custom_fields=(("a", "b"),))
    assert blanks.of(ItemKind.PRODUCT, bare, groups, held={}, ours=ours, mapped=CLEARED) == ("images", "custom_fields")
    assert blanks.of(ItemKind.PRODUCT, full, groups, held={}, ours=ours, mapped=CLEARED) == ()
    assert blanks.of(ItemKind.PRODUCT, bare, groups, held={"images": [[9, "f", 0]]}, ours={}, mapped=CLEARED) == ()
