"""What each storefront shows, compared with the source: links, roots, the storefront field, assignments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from models.vocabulary import Outcome
from sandbox.saleslayer.switches import Fault, Switches
from sandbox.stage.stage import SECRET
from tests.shops import FULL, HATS, HOME, IMPORT, LAMPS, MEN, OF_MEN, SHOES, Shop, catalogue, quiet
from worker.ledger import item_register
from worker.ledger.session import as_tenant

Open = Callable[..., Shop]

BOTH = [(1, None), (2, None)]


def test_without_a_link_the_first_storefront_shows_the_whole_tree(a_shop: Open) -> None:
    shop = a_shop(catalogue())
    assert shop.run() == "completed"
    assert (shop.tree(1), shop.tree(2)) == (FULL, set())
    assert {one: shop.channels_of(one) for one in shop.names()} == {one: {1} for one in shop.names()}
    assert quiet(shop)


def test_a_link_shows_its_root_and_all_below_and_a_tree_is_made_where_there_is_none(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=[(1, None), (2, MEN)])
    assert [row["channels"] for row in shop.store.trees] == [[1]]
    assert shop.run() == "completed"
    assert [row["channels"] for row in shop.store.trees] == [[1], [2]]
    assert (shop.tree(1), shop.tree(2)) == (FULL, OF_MEN)
    assert shop.channels_of("Cap") == {1, 2}
    assert shop.channels_of("Lantern") == {1}
    assert shop.places_of("Set") == {(1, "Boots"), (1, "Hats"), (2, "Boots"), (2, "Hats")}
    assert quiet(shop)


def test_two_storefronts_may_show_the_same_root(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=[(1, MEN), (2, MEN)])
    assert shop.run() == "completed_with_errors"  # the lantern stands in no tree
    assert shop.tree(1) == shop.tree(2) == OF_MEN
    assert set(shop.status("category", HATS)) == {1, 2}
    shop.edit("catalogue", HATS, section_name="Headwear")
    shop.run()
    assert {"Men/Headwear"} == (shop.tree(1) & shop.tree(2)) - OF_MEN
    assert quiet(shop)


def test_a_deleted_root_stops_the_connector_whoever_else_shows_the_full_tree(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=[(1, None), (2, HOME)])
    shop.run()
    shop.stage.sources.delete(shop.cast.code, "catalogue", HOME)
    shop.store.log.clear()
    assert shop.run() == "failed"
    assert shop.writes() == []
    [(code, message)] = shop.messages()
    assert code == "root_category_gone"
    assert "storefront 2 (Storefront 2)" in message
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        enabled, reason = session.execute(text("SELECT enabled, disabled_reason FROM connector")).one()
    assert not enabled
    assert "Storefront 2" in reason


def test_what_others_have_put_a_product_into_survives_its_updates(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=[(1, None), (2, MEN)], storefronts=3)
    shop.run()
    store, product = shop.store, shop.product("Cap")["id"]
    tree = store.add_tree({"name": "By hand", "channels": [3]})
    by_hand = [
        store.categories.add({"name": name, "tree_id": tree_id, "parent_id": 0, "is_visible": True})["category_id"]
        for name, tree_id in (("Of the third", tree["id"]), ("Beside ours", 1))
    ]
    for category in by_hand:
        store.in_category.add(product, category)
    store.on_channel.add(product, 3)
    store.journal.keep()
    shop.edit("products", 302, ID_catalogue=[SHOES], product_price="12")
    assert shop.run() == "completed"
    assert shop.places_of("Cap") == {(1, "Shoes"), (2, "Shoes"), (3, "Of the third"), (1, "Beside ours")}
    shop.edit("products", 302, ID_catalogue=[LAMPS])
    shop.run()
    assert shop.places_of("Cap") == {(1, "Lamps"), (3, "Of the third"), (1, "Beside ours")}
    assert shop.channels_of("Cap") == {1, 3}
    assert quiet(shop)


def test_a_product_of_the_second_storefront_alone_leaves_the_first_one_in_its_first_run(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=[(2, None)])
    shop.run()
    assert {one: shop.channels_of(one) for one in shop.names()} == {one: {2} for one in shop.names()}
    assert quiet(shop)


def test_where_a_merchant_shows_a_product_that_was_ours_alone_it_stays(a_shop: Open) -> None:
    shop = a_shop(catalogue(products={302: []}), links=BOTH, storefronts=3)
    shop.run()
    shop.edit("products", 301, product_storefronts=[])
    shop.run()
    assert shop.channels_of("Trainer") == set()
    shop.store.on_channel.add(shop.product("Trainer")["id"], 1)
    shop.store.journal.keep()
    shop.edit("products", 301, product_storefronts=["2"])
    shop.run()
    assert shop.channels_of("Trainer") == {1, 2}


def test_a_refused_assignment_is_said_of_the_product_and_names_the_storefront(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=BOTH)
    shop.store.configure(switches={"closed_channels": [2]})
    assert shop.run() == "completed"
    outcome, code, message = shop.status("product", 301)[0]
    assert (outcome, code) == ("created", "assignment_refused")
    assert "storefront 2 (Storefront 2)" in str(message)
    assert shop.channels_of("Trainer") == {1}
    shop.store.configure(switches={"closed_channels": []})
    shop.run(refresh=True)
    assert shop.channels_of("Trainer") == {1, 2}
    assert quiet(shop)


def test_a_category_is_in_the_trees_that_it_names_and_takes_what_is_below_it_with_it(a_shop: Open) -> None:
    cells = {SHOES: "storefront 1", HOME: "2 - Storefront 2", LAMPS: ["Storefront 1 (1)", "STOREFRONT 2"]}
    shop = a_shop(catalogue(categories=cells), links=BOTH)
    assert shop.run() == "completed"
    assert shop.tree(1) == OF_MEN
    assert shop.tree(2) == {"Men", "Men/Hats", "Home", "Home/Lamps"}
    assert shop.places_of("Set") == {(1, "Boots"), (1, "Hats"), (2, "Hats")}
    assert shop.channels_of("Trainer") == {1}
    assert shop.channels_of("Lantern") == {2}
    assert quiet(shop)


def test_a_category_that_names_another_storefront_moves_there_with_its_products(a_shop: Open) -> None:
    shop = a_shop(catalogue(categories={HOME: "1", LAMPS: "1"}), links=BOTH)
    shop.run()
    shop.edit("catalogue", HOME, section_storefronts="2")
    shop.edit("catalogue", LAMPS, section_storefronts="2")
    assert shop.run() == "completed"
    assert (shop.tree(1), shop.tree(2)) == (OF_MEN, FULL)
    assert shop.channels_of("Lantern") == {2}
    assert shop.places_of("Lantern") == {(2, "Lamps")}
    shop.edit("catalogue", HOME, section_storefronts="1,2")
    shop.edit("catalogue", LAMPS, section_storefronts="1,2")
    assert shop.run() == "completed"
    assert shop.tree(1) == FULL
    assert shop.channels_of("Lantern") == {1, 2}
    assert quiet(shop)


def test_categories_of_different_storefronts_may_share_a_name(a_shop: Open) -> None:
    shop = a_shop(catalogue(categories={7: "1", 8: "2"}, more=[(7, HOME, "Sale"), (8, HOME, "Sale")]), links=BOTH)
    assert shop.run() == "completed"
    assert shop.tree(1) == shop.tree(2) == FULL | {"Home/Sale"}
    shop.edit("catalogue", 8, section_storefronts="1,2")
    assert shop.run() == "completed_with_errors"
    assert shop.status("category", 8)[1][:2] == ("failed", "name_taken")
    assert shop.tree(1) == shop.tree(2) == FULL | {"Home/Sale"}
    shop.edit("catalogue", 8, section_storefronts="2", section_name="Outlet")
    shop.run()
    assert (shop.tree(1), shop.tree(2)) == (FULL | {"Home/Sale"}, FULL | {"Home/Outlet"})


def test_a_product_sells_where_it_says_and_takes_the_categories_of_there(a_shop: Open) -> None:
    shop = a_shop(catalogue(products={301: "Storefront 2", 302: "1", 303: ["2"]}), links=BOTH)
    assert shop.run() == "completed"
    assert [shop.channels_of(one) for one in ("Trainer", "Cap", "Set", "Lantern")] == [{2}, {1}, {2}, {1, 2}]
    assert shop.places_of("Set") == {(2, "Boots"), (2, "Hats")}
    assert quiet(shop)
    shop.edit("products", 303, product_storefronts=["1"])
    shop.run()
    assert shop.channels_of("Set") == {1}
    assert shop.places_of("Set") == {(1, "Boots"), (1, "Hats")}
    assert quiet(shop)


def test_who_names_no_storefront_is_taken_off_or_never_made(a_shop: Open) -> None:
    shop = a_shop(catalogue(categories={HATS: ""}, products={302: [], 304: ""}), links=BOTH)
    assert shop.run() == "completed_with_errors"
    assert shop.names() == {"Trainer", "Set"}
    for kind, source_id in (("product", 302), ("product", 304), ("category", HATS)):
        assert shop.status(kind, source_id)[0][:2] == ("rejected", "no_storefront")
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        listed = item_register.items(session, shop.cast.connector_id, outcome=Outcome.REJECTED)
    assert [(one.kind, one.source_id, one.storefront) for one in listed] == [
        ("category", HATS, "-"),
        ("product", 302, "-"),
        ("product", 304, "-"),
    ]
    assert shop.tree(1) == shop.tree(2) == FULL - {"Men/Hats"}
    shop.edit("products", 301, product_storefronts=[])
    shop.edit("catalogue", SHOES, section_storefronts=[])
    shop.edit("catalogue", HATS, section_storefronts=["1"])
    shop.edit("products", 302, product_storefronts=["1"])
    shop.run()
    assert shop.channels_of("Trainer") == set()
    assert shop.places_of("Trainer") == set()
    assert shop.tree(2) == {"Men", "Home", "Home/Lamps"}
    assert shop.places_of("Cap") == {(1, "Hats")}
    assert set(shop.status("category", HATS)) == {1}, "what stood against it does not stand any more"
    assert quiet(shop)


def test_a_word_that_is_no_storefront_is_said_and_takes_nothing_away(a_shop: Open) -> None:
    shop = a_shop(catalogue(categories={LAMPS: "Outlet"}, products={302: "Outlet", 303: "2, Outlet"}), links=BOTH)
    assert shop.run() == "completed_with_errors"
    outcome, code, message = shop.status("product", 302)[0]
    assert (outcome, code) == ("rejected", "unknown_storefront")
    assert "'Outlet'" in str(message)
    assert "Storefront 1 (1), Storefront 2 (2)" in str(message)
    assert shop.status("category", LAMPS)[0][:2] == ("rejected", "unknown_storefront")
    assert shop.channels_of("Set") == {2}
    shop.edit("products", 301, product_storefronts="Outlet")
    shop.edit("catalogue", HATS, section_storefronts="Outlet")
    shop.run()
    assert shop.channels_of("Trainer") == {1, 2}
    assert "Men/Hats" in shop.tree(1) & shop.tree(2)


def test_a_storefront_that_is_called_otherwise_takes_nothing_away_and_is_found_when_it_is_there(a_shop: Open) -> None:
    everywhere = {one: ["Storefront 1", "Storefront 2 (2)"] for one in range(1, 400)}
    shop = a_shop(catalogue(categories=everywhere, products=everywhere | {302: "Outlet"}), links=BOTH)
    shop.run()
    before = shop.stage.stores.snapshot(shop.cast.store_hash)["products"]
    shop.store.configure(channels=[{"id": 1, "name": "Main"}, {"id": 2, "name": "Outlet"}])
    shop.edit("products", 304, product_price="11")
    shop.run()
    assert (shop.tree(1), shop.tree(2)) == (FULL, FULL)
    assert shop.channels_of("Trainer") == shop.channels_of("Lantern") == {1, 2}
    assert shop.channels_of("Cap") == {2}, "the storefront that it named is there now"
    assert len(shop.names()) == len(before) + 1


def test_without_the_field_a_column_of_that_name_may_still_be_something_else(a_shop: Open) -> None:
    content = catalogue(products={301: "2"})
    shop = a_shop(content, links=BOTH, mapping={"product": {"warranty": "product_storefronts"}})
    assert shop.run() == "completed"
    assert shop.channels_of("Trainer") == {1, 2}
    assert shop.product("Trainer")["warranty"] == "2"


FIELDS = {"category": "section_storefronts", "product": "product_storefronts"}


def test_the_list_of_storefronts_is_written_into_the_source_once_for_each_change(a_shop: Open) -> None:
    shop = a_shop(catalogue(), storefront_list=FIELDS)
    shop.may_import()
    shop.run()
    listed = ["Storefront 1 (1)", "Storefront 2 (2)"]
    first = [("catalogue", "section_storefronts", listed), ("products", "product_storefronts", listed)]
    assert shop.choices() == first
    assert len(shop.stage.sources.log(IMPORT)) == 1, "one call for all"
    shop.run(refresh=True)
    assert len(shop.stage.sources.log(IMPORT)) == 1, "nothing has changed"
    shop.store.configure(channels=[{"id": 5, "name": "Outlet, new"}])
    shop.run(refresh=True)
    assert shop.choices()[2:] == [(table, column, [*listed, "Outlet new (5)"]) for table, column, _ in first]
    assert shop.messages() == []


def test_the_choices_that_were_written_are_understood_in_cells(a_shop: Open) -> None:
    shop = a_shop(catalogue(products={}), links=BOTH, storefront_list={"product": FIELDS["product"]})
    shop.may_import()
    shop.run()
    [(_, _, listed)] = shop.choices()
    shop.edit("products", 301, product_storefronts=[listed[1]])
    assert shop.run() == "completed"
    assert shop.channels_of("Trainer") == {2}


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        pytest.param({"secret": "another"}, "refuses the signature", id="credentials refused"),
        pytest.param({"code": "CN-NOBODY"}, "does not know this connector code", id="no such connector"),
        pytest.param({"column": "no_such_field"}, "refused them: 'products[0]", id="no such field"),
        pytest.param({"fault": Fault("http", times=None)}, "HTTP status 500", id="unwell"),
        pytest.param({"fault": Fault("html", times=None)}, "is not JSON", id="unreadable"),
        pytest.param({"fault": Fault("drop", times=None)}, "did not answer in time", id="away"),
    ],
)
def test_a_list_that_cannot_be_written_is_said_and_tried_again(
    a_shop: Open, trouble: dict[str, Any], said: str
) -> None:
    shop = a_shop(catalogue(), storefront_list={"product": trouble.get("column", "product_storefronts")})
    shop.may_import(**{name: value for name, value in trouble.items() if name in {"code", "secret"}})
    if "fault" in trouble:
        shop.stage.sources.set_switches(IMPORT, Switches(faults=(trouble["fault"],)))
    assert shop.run() == "completed"
    assert (shop.tree(1), len(shop.names())) == (FULL, 4)
    [(code, message)] = shop.messages()
    assert code == "storefront_list_not_written"
    assert said in message
    assert SECRET not in message
    shop.run(refresh=True)
    assert [code for code, _ in shop.messages()] == ["storefront_list_not_written"]
    if "fault" in trouble:
        shop.stage.sources.set_switches(IMPORT, Switches())
        shop.run(refresh=True)
        assert (len(shop.choices()), shop.messages()) == (1, [])


def test_empty_categories_are_shown_or_left_out_as_the_profile_says(a_shop: Open) -> None:
    more = [(7, HOME, "Rugs"), (8, MEN, "Coats"), (9, 8, "Parkas")]
    shown = a_shop(catalogue(more=more))
    shown.run()
    assert shown.tree(1) == FULL | {"Home/Rugs", "Men/Coats", "Men/Coats/Parkas"}
    shop = a_shop(catalogue(more=more), switches={"include_empty_categories": False})
    shop.run()
    assert shop.tree(1) == FULL
    shop.edit("products", 304, ID_catalogue=[9])
    assert shop.run() == "completed"
    assert shop.tree(1) == OF_MEN | {"Men/Coats", "Men/Coats/Parkas"}, "one came, and two are hidden"
    shop.edit("products", 304, ID_catalogue=[LAMPS], product_weight="")
    shop.run()
    assert shop.tree(1) == FULL, "a product that cannot be sent fills its category all the same"
    assert quiet(shop)


def test_a_root_that_is_empty_is_not_taken_for_deleted(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=[(1, None), (2, HOME)], switches={"include_empty_categories": False})
    shop.run()
    shop.edit("products", 304, ID_catalogue=[HATS])
    assert shop.run() == "completed"
    assert [code for code, _ in shop.messages()] == ["storefront_left_alone"]
    assert shop.tree(1) == OF_MEN


def test_a_storefront_without_a_valid_category_is_left_alone_until_it_has_one(a_shop: Open) -> None:
    shop = a_shop(catalogue(categories={}, products={}), links=[(1, None), (2, MEN)])
    shop.run()
    shop.edit("catalogue", MEN, section_storefronts=["1"])
    shop.edit("products", 302, ID_catalogue=[SHOES])
    shop.stage.sources.delete(shop.cast.code, "products", 303)
    fresh = {"ID": 305, "ID_catalogue": [HATS], "REF": "P305", "product_name": "Beret"}
    shop.stage.sources.add(
        shop.cast.code,
        "products",
        {**fresh, "product_price": "9", "product_weight": "1", "product_storefronts": ["1", "2"]},
    )
    assert shop.run() == "completed"
    [(code, message)] = shop.messages()
    assert code == "storefront_left_alone"
    assert "storefront 2 (Storefront 2)" in message
    assert shop.tree(2) == OF_MEN
    assert shop.channels_of("Trainer") == shop.channels_of("Cap") == {1, 2}
    assert shop.places_of("Cap") == {(1, "Shoes"), (2, "Hats")}
    assert shop.channels_of("Beret") == {1}
    assert shop.places_of("Beret") == {(1, "Hats")}
    assert quiet(shop)
    shop.edit("catalogue", MEN, section_storefronts=["1", "2"])
    assert shop.run() == "completed"
    assert shop.messages() == []
    assert shop.places_of("Cap") == {(1, "Shoes"), (2, "Shoes")}
    assert shop.places_of("Beret") == {(1, "Hats"), (2, "Hats")}
    assert shop.channels_of("Beret") == {1, 2}
    assert quiet(shop)


def test_a_storefront_whose_only_category_is_unfit_is_left_alone_too(a_shop: Open) -> None:
    shop = a_shop(catalogue(), links=[(1, MEN), (2, LAMPS)])
    shop.run()
    shop.edit("catalogue", LAMPS, section_name="x" * 51)
    shop.edit("products", 304, product_price="11")
    assert shop.run() == "completed_with_errors"
    assert [code for code, _ in shop.messages()] == ["storefront_left_alone"]
    assert shop.tree(2) == {"Lamps"}
    assert shop.status("category", LAMPS)[2][:2] == ("rejected", "value_too_long")
    assert shop.channels_of("Lantern") == {2}
    assert shop.places_of("Lantern") == {(2, "Lamps")}
    assert shop.product("Lantern")["price"] == 11
