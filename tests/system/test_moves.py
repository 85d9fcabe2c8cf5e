"""Categories, roots and links that move about: what a store shows is what the source and the profile say now."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sandbox.bigcommerce.faults import Fault
from tests.shops import BOOTS, FULL, HATS, HOME, LAMPS, MEN, OF_MEN, SHOES, Shop, catalogue, quiet
from worker.catalog.profile import Profile
from worker.ledger import connectors
from worker.ledger.session import as_tenant

Open = Callable[..., Shop]

BOTH = [(1, None), (2, MEN)]


def link(shop: Shop, links: Sequence[tuple[int, int | None]]) -> None:
    """Save the profile with these links of storefronts to roots."""
    profile = Profile.model_validate({"storefronts": [{"storefront": one, "root": root} for one, root in links]})
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        connectors.change_profile(session, shop.cast.connector_id, profile)


def ids(shop: Shop) -> set[tuple[int, str]]:
    return {(row["category_id"], row["name"]) for row in shop.stage.stores.snapshot(shop.cast.store_hash)["categories"]}


def test_a_category_leaves_a_root_and_comes_back_under_another_parent(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=BOTH)
    shop.run()
    before = ids(shop)
    shop.edit("catalogue", HATS, ID_PARENT=HOME)
    assert shop.run() == "completed"
    assert shop.tree(1) == (FULL - {"Men/Hats"}) | {"Home/Hats"}
    assert shop.tree(2) == OF_MEN - {"Men/Hats"}
    assert shop.channels_of("Cap") == {1}
    assert shop.places_of("Cap") == {(1, "Hats")}
    assert shop.places_of("Set") == {(1, "Boots"), (1, "Hats"), (2, "Boots")}
    assert quiet(shop)
    shop.edit("catalogue", HATS, ID_PARENT=SHOES)
    assert shop.run() == "completed"
    assert shop.tree(1) == (FULL - {"Men/Hats"}) | {"Men/Shoes/Hats"}
    assert shop.tree(2) == (OF_MEN - {"Men/Hats"}) | {"Men/Shoes/Hats"}
    assert shop.channels_of("Cap") == {1, 2}
    assert shop.places_of("Set") == {(1, "Boots"), (1, "Hats"), (2, "Boots"), (2, "Hats")}
    assert ids(shop) == before, "the same categories of the store all along"
    assert quiet(shop)


def test_three_storefronts_may_overlap_and_a_root_may_move_out_of_another(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=[(1, MEN), (2, SHOES), (3, None)], storefronts=3)
    assert shop.run() == "completed"
    assert (shop.tree(1), shop.tree(2), shop.tree(3)) == (OF_MEN, {"Shoes", "Shoes/Boots"}, FULL)
    assert (shop.channels_of("Cap"), shop.channels_of("Lantern"), shop.channels_of("Set")) == ({1, 3}, {3}, {1, 2, 3})
    shop.edit("catalogue", SHOES, ID_PARENT=HOME)
    assert shop.run() == "completed"
    assert (shop.tree(1), shop.tree(2)) == ({"Men", "Men/Hats"}, {"Shoes", "Shoes/Boots"})
    assert shop.tree(3) == {"Men", "Men/Hats", "Home", "Home/Lamps", "Home/Shoes", "Home/Shoes/Boots"}
    assert shop.channels_of("Trainer") == {2, 3}
    assert quiet(shop)


def test_parent_and_child_change_places(a_shop: Open) -> None:
    shop = a_shop(catalogue())
    shop.run()
    shop.edit("catalogue", SHOES, ID_PARENT=0)
    shop.edit("catalogue", MEN, ID_PARENT=SHOES)
    assert shop.run() == "completed"
    assert shop.tree(1) == {"Shoes", "Shoes/Boots", "Shoes/Men", "Shoes/Men/Hats", "Home", "Home/Lamps"}
    assert quiet(shop)


def test_a_category_moves_under_one_that_is_made_in_the_same_run(a_shop: Open) -> None:
    shop = a_shop(catalogue())
    shop.run()
    new = shop.stage.sources.add(shop.cast.code, "catalogue", {"ID_PARENT": HOME, "REF": "N", "section_name": "New"})
    shop.edit("catalogue", SHOES, ID_PARENT=new)
    assert shop.run() == "completed"
    moved = {"Home/New", "Home/New/Shoes", "Home/New/Shoes/Boots"}
    assert shop.tree(1) == {"Men", "Men/Hats", "Home", "Home/Lamps"} | moved
    assert quiet(shop)


def test_a_category_that_is_made_anew_at_the_source_takes_over_what_the_store_has(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=BOTH)
    shop.run()
    before = ids(shop)
    for category in (BOOTS, SHOES):
        shop.stage.sources.delete(shop.cast.code, "catalogue", category)
    anew = shop.stage.sources.add(shop.cast.code, "catalogue", {"ID_PARENT": MEN, "REF": "N", "section_name": "Shoes"})
    shop.edit("products", 301, ID_catalogue=[anew])
    assert shop.run() == "completed"
    assert shop.tree(1) == FULL - {"Men/Shoes/Boots"}
    # A run later, when the one that is gone is hidden already.
    boots = {"ID_PARENT": anew, "REF": "B", "section_name": "Boots"}
    anew = shop.stage.sources.add(shop.cast.code, "catalogue", boots)
    shop.edit("products", 303, ID_catalogue=[anew, HATS])
    assert shop.run() == "completed"
    assert (shop.tree(1), shop.tree(2)) == (FULL, OF_MEN)
    assert ids(shop) == before
    assert shop.places_of("Trainer") == {(1, "Shoes"), (2, "Shoes")}
    assert shop.places_of("Set") == {(1, "Boots"), (2, "Boots"), (1, "Hats"), (2, "Hats")}
    assert quiet(shop)


def test_siblings_pass_their_names_on(a_shop: Open) -> None:
    shop = a_shop(catalogue())
    shop.run()
    shop.edit("catalogue", SHOES, section_name="Hats")
    shop.edit("catalogue", HATS, section_name="Caps")
    assert shop.run() == "completed"
    assert shop.tree(1) == {"Men", "Men/Hats", "Men/Hats/Boots", "Men/Caps", "Home", "Home/Lamps"}
    assert quiet(shop)


def test_siblings_exchange_their_names(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=BOTH)
    shop.run()
    before = {one for one, _ in ids(shop)}
    shop.edit("catalogue", SHOES, section_name="Hats")
    shop.edit("catalogue", HATS, section_name="Shoes")
    assert shop.run() == "completed"
    assert shop.tree(1) == {"Men", "Men/Hats", "Men/Hats/Boots", "Men/Shoes", "Home", "Home/Lamps"}
    assert shop.tree(2) == {"Men", "Men/Hats", "Men/Hats/Boots", "Men/Shoes"}
    assert shop.places_of("Cap") == {(1, "Shoes"), (2, "Shoes")}
    assert {one for one, _ in ids(shop)} == before, "none was made anew"
    assert quiet(shop)


def test_a_category_that_the_store_refuses_blocks_what_is_below_by_name_and_all_heals(a_shop: Open) -> None:
    shop = a_shop(catalogue())
    # The second level is Men/Shoes, Men/Hats and Home/Lamps: refused together, then one by one.
    shop.store.faults.add(Fault("status_before", "POST", "trees/categories", nth=2, times=100, status=422))
    assert shop.run() == "completed_with_errors"
    assert shop.tree(1) == {"Men", "Home"}
    assert shop.status("category", SHOES)[1][0] == "failed"
    outcome, code, message = shop.status("category", BOOTS)[1]
    assert (outcome, code) == ("blocked", "parent_failed")
    assert f"category {SHOES}" in str(message)
    assert shop.status("product", 303)[0][:2] == ("blocked", "category_missing")
    shop.store.faults.clear()
    shop.edit("catalogue", SHOES, section_name="Footwear")
    assert shop.run() == "completed"
    assert shop.tree(1) == {"Men", "Men/Footwear", "Men/Footwear/Boots", "Men/Hats", "Home", "Home/Lamps"}
    assert shop.places_of("Set") == {(1, "Boots"), (1, "Hats")}
    assert quiet(shop)


def test_other_roots_are_shown_after_a_refresh(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=[(1, MEN), (2, HOME)])
    shop.run()
    link(shop, [(1, HOME), (2, SHOES)])
    shop.run(refresh=True)
    assert (shop.tree(1), shop.tree(2)) == ({"Home", "Home/Lamps"}, {"Shoes", "Shoes/Boots"})
    assert (shop.channels_of("Lantern"), shop.channels_of("Trainer"), shop.channels_of("Cap")) == ({1}, {2}, set())
    assert quiet(shop)
    link(shop, BOTH)
    shop.run(refresh=True)
    assert (shop.tree(1), shop.tree(2)) == (FULL, OF_MEN)
    assert quiet(shop)


def test_a_link_that_is_added_fills_its_storefront_and_sends_nothing_else_again(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=[(1, None)])
    shop.run()
    link(shop, BOTH)
    assert shop.run() == "unchanged", "saving a profile starts nothing"
    shop.store.log.clear()
    shop.edit("products", 304, product_price="11")
    assert shop.run() == "completed"
    assert shop.tree(2) == OF_MEN
    assert (shop.channels_of("Cap"), shop.channels_of("Lantern")) == ({1, 2}, {1})
    assert quiet(shop)


def test_a_storefront_without_its_link_keeps_what_it_shows_until_it_is_linked_again(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=BOTH)
    shop.run()
    before = ids(shop)
    shop.edit("catalogue", SHOES, section_name="x" * 51)
    assert shop.run() == "completed_with_errors"
    link(shop, [(1, None)])
    shop.edit("catalogue", SHOES, section_name="Shoes")
    shop.edit("products", 301, product_price="11")
    shop.edit("catalogue", HATS, section_name="Caps")
    assert shop.run() == "completed", "what stood against it on the other storefront is nobody's any more"
    assert shop.messages() == []
    assert shop.tree(1) == (FULL - {"Men/Hats"}) | {"Men/Caps"}
    assert shop.tree(2) == OF_MEN, "nobody touches it any more"
    assert (shop.channels_of("Trainer"), shop.places_of("Trainer")) == ({1, 2}, {(1, "Shoes"), (2, "Shoes")})
    assert quiet(shop)
    link(shop, BOTH)
    assert shop.run(refresh=True) == "completed"
    assert shop.tree(2) == (OF_MEN - {"Men/Hats"}) | {"Men/Caps"}
    assert {one for one, _ in ids(shop)} == {one for one, _ in before}, "its categories are known again"
    assert shop.channels_of("Trainer") == {1, 2}
    assert quiet(shop)


def test_every_root_that_is_gone_is_named_at_once(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=[(1, HOME), (2, HOME), (3, MEN)], storefronts=3)
    shop.run()
    shop.stage.sources.delete(shop.cast.code, "catalogue", HOME)
    shop.stage.sources.delete(shop.cast.code, "catalogue", MEN)
    assert shop.run() == "failed"
    [(code, message)] = shop.messages()
    assert code == "root_category_gone"
    for one in (1, 2, 3):
        assert f"storefront {one} (Storefront {one})" in message


def test_a_withdrawal_that_is_refused_is_a_message_of_the_product_that_names_the_storefront(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=BOTH)
    shop.run()
    shop.store.faults.add(Fault("status_before", "DELETE", "channel-assignments", status=422))
    shop.edit("products", 303, ID_catalogue=[LAMPS])
    shop.edit("products", 302, product_price="12")
    shop.run()
    outcome, code, message = shop.status("product", 303)[0]
    assert (outcome, code) == ("updated", "assignment_refused")
    assert "storefront 2 (Storefront 2)" in str(message)
    assert shop.channels_of("Set") == {1, 2}
    shop.store.faults.clear()
    shop.edit("products", 303, product_price="13")
    assert shop.run() == "completed"
    assert shop.channels_of("Set") == {1}
    assert shop.places_of("Set") == {(1, "Lamps")}
