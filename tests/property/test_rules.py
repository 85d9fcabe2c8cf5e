"""What holds for any catalogue: difference, matching, order, coverage, siblings."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import Action, ItemKind
from tests.builders import an_option
from tests.property.strategies import bare_variants, categories, ids, products, variants
from worker.catalog import fingerprint
from worker.catalog.fields import Group
from worker.catalog.items import Variant
from worker.catalog.profile import Switches
from worker.catalog.store import Candidate
from worker.rules import coverage, difference, matching, options, ordering, validity

ALL = Switches(overwrite_stock=True, overwrite_prices=True)
places = st.lists(st.tuples(ids, ids), max_size=3, unique=True).map(tuple)
any_groups: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(difference.product_groups, products, places, st.just((an_option("Size", "S"),)) | st.just(())),
    st.builds(difference.category_groups, categories, st.none() | ids),
    st.builds(difference.variant_groups, variants),
)
UNSAID = {Group.BULK_PRICING, Group.VIDEOS, Group.RELATED, Group.METAFIELDS}
switches = st.builds(Switches, overwrite_stock=st.booleans(), overwrite_prices=st.booleans())
trees = st.dictionaries(ids, st.none() | ids, max_size=30)


@given(any_groups, any_groups, switches)
def test_difference_then_apply_leaves_nothing(now: dict[str, Any], before: dict[str, Any], chosen: Switches) -> None:
    sent = fingerprint.of_groups(before)
    said = fingerprint.of_groups(now)
    groups = difference.changed(now, sent, chosen)
    applied = sent | {group: said[group] for group in groups}
    assert difference.changed(now, applied, chosen) == frozenset(), "a second plan is empty"
    left_alone = difference.changed(now, applied, ALL)
    stock = set() if chosen.overwrite_stock else {Group.STOCK}
    prices = set() if chosen.overwrite_prices else {Group.PRICE, Group.BULK_PRICING}
    assert left_alone <= stock | prices


@given(any_groups, any_groups)
def test_only_what_differs_is_sent(now: dict[str, Any], before: dict[str, Any]) -> None:
    groups = difference.changed(now, fingerprint.of_groups(before), ALL)
    # A part that was never sent and of which nothing is said is no difference.
    said = {group for group, value in now.items() if group in before or group not in UNSAID or value}
    assert groups == {
        group for group in said if group not in before or fingerprint.of(now[group]) != fingerprint.of(before[group])
    }


@given(st.dictionaries(ids, st.tuples(st.sampled_from("ABC"), st.sampled_from("xyz"))),
       st.dictionaries(ids, st.tuples(st.sampled_from("ABC"), st.sampled_from("xyz"))))  # fmt: skip
def test_matching_is_one_to_one(source: dict[int, tuple[str, str]], store: dict[int, tuple[str, str]]) -> None:
    """Source and store items are (SKU, name); each source item in turn sees what no other one is linked to."""
    taken: dict[int, int] = {}
    for source_id, (sku, name) in sorted(source.items()):
        free = [
            Candidate(store_id, same_sku=sku == its_sku, same_name=name == its_name)
            for store_id, (its_sku, its_name) in store.items()
            if store_id not in taken
        ]
        found = matching.match(free)
        if found.store_id is not None:
            assert found.store_id not in taken
            assert found.problem is None
            its_sku, its_name = store[found.store_id]
            assert its_sku == sku or its_name == name, "it shares the SKU or the name"
            rivals = [one for one in free if one.same_sku] or [one for one in free if one.same_name]
            assert len(rivals) == 1, "never a guess"
            taken[found.store_id] = source_id
        else:
            fitting = any(one.same_sku or one.same_name for one in free)
            assert fitting is (found.problem is not None), "what fits nothing is to be created, without trouble"
    assert len(set(taken.values())) == len(taken)


@given(st.lists(st.booleans() | st.none(), max_size=6), st.randoms())
def test_the_order_of_candidates_is_no_matter(fits: list[bool | None], seed: Any) -> None:
    candidates = [Candidate(n, same_sku=fit is True, same_name=fit is False) for n, fit in enumerate(fits, 1)]
    turned = candidates.copy()
    seed.shuffle(turned)
    assert matching.match(candidates).store_id == matching.match(turned).store_id


@given(trees, st.none() | ids)
def test_every_category_is_covered_once_below_its_parent(parents: dict[int, int | None], root: int | None) -> None:
    covered = coverage.cover(parents, 1, root)
    for source_id, (parent, level) in covered.places.items():
        if parent is None:
            assert level == 1
            assert source_id == root or (root is None and parents[source_id] not in parents)
        else:
            assert parent == parents[source_id]
            assert level == covered.places[parent][1] + 1
    if root is None:
        assert covered.places.keys() | covered.in_circle == parents.keys()
        assert not covered.places.keys() & covered.in_circle
        assert all(parents[lost] in covered.in_circle for lost in covered.in_circle), "what is lost hangs in a circle"
    else:
        missed = [one for one, parent in parents.items() if parent in covered.places and one not in covered.places]
        assert missed == [], "a root brings all its descendants"


@given(trees)
def test_the_order_of_sending_respects_parents(parents: dict[int, int | None]) -> None:
    covered = coverage.cover(parents, 1, None)
    wave = {one: ordering.wave(ItemKind.CATEGORY, Action.CREATE, level) for one, (_, level) in covered.places.items()}
    assert all(wave[one] > wave[parent] for one, (parent, _) in covered.places.items() if parent is not None)
    shallow = [wave[one] for one, (_, level) in covered.places.items() if level <= validity.DEEPEST_CATEGORY]
    assert all(one < ordering.wave(ItemKind.PRODUCT, Action.CREATE) for one in shallow)


@given(st.lists(bare_variants, max_size=12, unique_by=lambda one: one.source_id), st.randoms())
def test_what_stays_among_siblings_has_one_option_set_and_unique_combinations(found: list[Variant], seed: Any) -> None:
    wrong = validity.among_siblings(found)
    stay = [one for one in found if one.source_id not in wrong]
    assert bool(stay) is bool(found), "somebody stays"
    sets = {frozenset(value.option for value in one.options) for one in stay}
    assert len(sets) <= 1
    combinations = Counter(frozenset((v.option, v.label.casefold()) for v in one.options) for one in stay)
    assert all(times == 1 for times in combinations.values())
    assert validity.among_siblings(stay) == {}, "those that stay are fit beside each other"
    turned = found.copy()
    seed.shuffle(turned)
    assert validity.among_siblings(turned) == wrong


@given(st.lists(bare_variants, max_size=8, unique_by=lambda one: one.source_id))
def test_options_hold_every_value_that_a_variant_has_and_no_other(found: list[Variant]) -> None:
    spanned = {(option.name, label) for option in options.of_product(found) for label, _ in option.values}
    assert spanned == {(value.option, value.label) for one in found for value in one.options}


@given(st.lists(st.lists(ids, unique=True), max_size=3), trees)
def test_a_product_shows_only_where_its_categories_do(found: list[list[int]], parents: dict[int, int | None]) -> None:
    covered = [coverage.cover(parents, 1, None), coverage.cover(parents, 2, next(iter(parents), None))]
    for category_ids in found:
        shown = coverage.storefronts_of(category_ids, covered)
        assert len(set(shown)) == len(shown)
        assert all(category in category_ids and category in covered[at - 1] for at, category in shown)


labels = st.sampled_from(["S", "M", "L", "XL"])
moved = st.dictionaries(ids, st.tuples(st.tuples(labels, labels), st.tuples(labels, labels)), max_size=6)


@given(moved, st.lists(labels, max_size=2))
def test_relabels_take_every_variant_that_is_not_rebuilt_where_it_belongs(
    found: dict[int, tuple[tuple[str, str], tuple[str, str]]], strange: list[str]
) -> None:
    before, now = (
        {one: dict(zip(("Size", "Fit"), pair[at], strict=True)) for one, pair in found.items()} for at in (0, 1)
    )
    strangers = [{"Size": label} for label in strange]
    moves = options.moves(before, now, others=strangers)
    called = {(one.option, one.old): one.new for one in moves.relabels}
    for one in found.keys() - moves.rebuilt:
        assert {option: called.get((option, label), label) for option, label in before[one].items()} == now[one]
    for (option, old), new in called.items():
        stay = {one[option] for one in (*before.values(), *strangers) if option in one}
        stay = {label for label in stay if (option, label) not in called}
        assert new not in stay, "a label that stays in use is never given twice"
        assert {option: old} not in strangers, "what is not ours keeps its label"
    assert len({(option, new) for (option, _), new in called.items()}) == len(called)
