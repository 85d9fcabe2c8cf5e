"""What holds for any value: numbers, fingerprints, and changes that are kept."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import ItemKind, Outcome
from tests.property.strategies import categories, ids, json_values, products, variants, words
from worker.catalog import changes, fingerprint, values
from worker.catalog.changes import (
    AssignStorefronts,
    Change,
    CreateCategory,
    CreateProduct,
    CreateVariant,
    Disable,
    ShowOptions,
    UpdateCategory,
    UpdateProduct,
    UpdateVariant,
)
from worker.catalog.fields import Group
from worker.catalog.items import Option
from worker.catalog.values import Unreadable

groups = st.frozensets(st.sampled_from([one.value for one in Group]))
fingerprints = st.dictionaries(st.sampled_from([one.value for one in Group]), st.text("0123456789abcdef", max_size=16))
places = st.lists(st.tuples(ids, ids), max_size=3).map(tuple)
options = st.lists(
    st.builds(Option, words, st.sampled_from(["dropdown", "swatch"]),
              st.lists(st.tuples(words, st.lists(words, max_size=3).map(tuple)), max_size=3).map(tuple)),
    max_size=2,
).map(tuple)  # fmt: skip
outcomes = st.sampled_from([Outcome.UPDATED, Outcome.DISABLED])
any_change: st.SearchStrategy[Change] = st.one_of(
    st.builds(CreateCategory, ids, ids, ids, st.none() | ids, categories, fingerprints),
    st.builds(UpdateCategory, ids, ids, ids, st.none() | ids, categories, groups, fingerprints, outcomes),
    st.builds(
        CreateProduct, ids, products, st.lists(variants, max_size=2).map(tuple), options, places, fingerprints,
        st.dictionaries(ids, fingerprints, max_size=2),
    ),
    st.builds(UpdateProduct, ids, products, places, groups, fingerprints, outcomes),
    st.builds(ShowOptions, ids, options, words),
    st.builds(AssignStorefronts, ids, st.lists(ids).map(tuple), words),
    st.builds(CreateVariant, ids, ids, variants, options, fingerprints),
    st.builds(UpdateVariant, ids, ids, variants, groups, fingerprints, outcomes),
    st.builds(Disable, st.sampled_from(ItemKind), ids, ids),
)  # fmt: skip


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18))
def test_a_number_keeps_its_value_and_its_text_is_its_own(exact: Decimal) -> None:
    for spelled in (str(exact), format(exact, "f"), f" {exact} "):
        try:
            text = values.number(spelled)
        except Unreadable:
            assert abs(exact.adjusted()) > 30, "only what is far too small is refused"
            continue
        assert text is not None
        assert Decimal(text) == exact
        assert values.number(text) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_a_json_number_keeps_its_value(number: float) -> None:
    try:
        assert float(str(values.number(number))) == number
    except Unreadable:
        assert abs(number) < 1e-29


@given(st.text())
def test_any_text_is_a_number_or_unreadable(written: str) -> None:
    try:
        text = values.number(written)
    except Unreadable:
        return
    assert text is None or Decimal(text).is_finite()


@given(st.text())
def test_any_text_is_a_date_or_unreadable(written: str) -> None:
    try:
        moment = values.date(written)
    except Unreadable:
        return
    assert moment is None or values.date(moment) == moment


def shuffled(value: Any, seed: random.Random) -> Any:
    """The same value, the keys of each object in another order."""
    match value:
        case dict():
            pairs = [(key, shuffled(part, seed)) for key, part in value.items()]
            seed.shuffle(pairs)
            return dict(pairs)
        case list():
            return [shuffled(part, seed) for part in value]
        case _:
            return value


@given(json_values, st.randoms())
def test_a_fingerprint_ignores_the_order_of_keys(value: Any, seed: random.Random) -> None:
    assert fingerprint.of(shuffled(value, seed)) == fingerprint.of(value)


@given(json_values, json_values)
def test_other_values_have_other_fingerprints(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (fingerprint.of(one) == fingerprint.of(other)) is same


@given(any_change)
def test_a_change_comes_back_from_json_as_it_was(change: Change) -> None:
    kept = json.loads(changes.to_json(change))
    back = changes.from_json(json.dumps(kept))
    assert back == change
    # 1 == True: what is equal must be of the same type too.
    assert json.loads(changes.to_json(back)) | {"groups": 0} == kept | {"groups": 0}
    assert repr(getattr(back, "product", None)) == repr(getattr(change, "product", None))
