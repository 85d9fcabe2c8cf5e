"""What a later wave refers to is known from an earlier one."""

from __future__ import annotations

from itertools import product

import pytest

from models.vocabulary import Action, ItemKind
from worker.rules import ordering
from worker.rules.validity import DEEPEST_CATEGORY

CATEGORY, PRODUCT, VARIANT = ItemKind
DEEPEST = (CATEGORY, Action.CREATE, DEEPEST_CATEGORY)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        pytest.param((CATEGORY, Action.CREATE, 1), (CATEGORY, Action.CREATE, 2), id="a parent before its children"),
        pytest.param((CATEGORY, Action.CREATE, 1), (CATEGORY, Action.UPDATE, 2), id="a child moves below a new parent"),
        pytest.param((CATEGORY, Action.UPDATE, 1), (CATEGORY, Action.CREATE, 2), id="a new child below a moved parent"),
        pytest.param(
            (PRODUCT, Action.RELABEL, 0), (PRODUCT, Action.REBUILD, 0), id="labels are free before they are taken"
        ),
        pytest.param(
            (PRODUCT, Action.REBUILD, 0), (VARIANT, Action.CREATE, 0), id="places are free before they are taken"
        ),
        pytest.param(
            (PRODUCT, Action.REBUILD, 0), (VARIANT, Action.UPDATE, 0), id="a variant is rebuilt before it is updated"
        ),
        pytest.param(DEEPEST, (PRODUCT, Action.CREATE, 0), id="categories before the products that stand in them"),
        pytest.param(DEEPEST, (PRODUCT, Action.UPDATE, 0), id="idem, of products that are there"),
        pytest.param(
            (PRODUCT, Action.CREATE, 0), (PRODUCT, Action.SHOW, 0), id="a product before its options are shown"
        ),
        pytest.param((PRODUCT, Action.CREATE, 0), (PRODUCT, Action.ASSIGN, 0), id="a product before it is assigned"),
        pytest.param((PRODUCT, Action.CREATE, 0), (VARIANT, Action.CREATE, 0), id="a product before its variants"),
        pytest.param(
            (VARIANT, Action.CREATE, 0), (PRODUCT, Action.SHOW, 0), id="options are there before they are shown"
        ),
        pytest.param((PRODUCT, Action.CREATE, 0), (PRODUCT, Action.RELATE, 0), id="products before who is related"),
        pytest.param(
            (PRODUCT, Action.CREATE, 0), (PRODUCT, Action.METAFIELDS, 0), id="a product before its metafields"
        ),
        pytest.param(
            (VARIANT, Action.CREATE, 0), (VARIANT, Action.METAFIELDS, 0), id="a variant before its metafields"
        ),
        pytest.param(
            (PRODUCT, Action.REBUILD, 0), (VARIANT, Action.METAFIELDS, 0), id="idem, of one that is made anew"
        ),
        pytest.param((VARIANT, Action.UPDATE, 0), (PRODUCT, Action.DISABLE, 0), id="what stays before what goes"),
        pytest.param((PRODUCT, Action.ASSIGN, 0), (VARIANT, Action.DISABLE, 0), id="idem"),
        pytest.param(
            (VARIANT, Action.DISABLE, 0), (PRODUCT, Action.DISABLE, 0), id="variants go before their products"
        ),
        pytest.param((PRODUCT, Action.DISABLE, 0), (CATEGORY, Action.DISABLE, 0), id="products go before categories"),
    ],
)
def test_what_is_referred_to_comes_first(
    earlier: tuple[ItemKind, Action, int], later: tuple[ItemKind, Action, int]
) -> None:
    assert ordering.wave(*earlier) < ordering.wave(*later)


def test_a_category_goes_in_the_wave_of_its_level() -> None:
    assert [ordering.wave(CATEGORY, Action.CREATE, level) for level in (1, 2, 8)] == [1, 2, 8]


def test_stock_has_waves_to_itself() -> None:
    stock = {ordering.STOCKED, ordering.GIVEN_BACK, ordering.PROVEN}
    others = {ordering.wave(kind, action) for kind in ItemKind for action in set(Action) - {Action.STOCK, Action.PROVE}}
    assert not stock & (others | {ordering.again(wave) for wave in others})
    assert ordering.wave(VARIANT, Action.PROVE) == ordering.GIVEN_BACK
    assert ordering.wave(VARIANT, Action.PROVE, 1) == ordering.PROVEN == max(stock | others)


def test_only_categories_have_levels_but_for_the_proof_of_a_stock() -> None:
    for kind, action in product((PRODUCT, VARIANT), set(Action) - {Action.PROVE}):
        assert ordering.wave(kind, action, 5) == ordering.wave(kind, action)
    assert ordering.wave(CATEGORY, Action.DISABLE, 5) == ordering.wave(CATEGORY, Action.DISABLE)
