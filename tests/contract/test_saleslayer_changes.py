"""What an update says after something changed."""

from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.saleslayer import example
from sandbox.saleslayer.sandbox import Sandbox
from sandbox.saleslayer.switches import Options, Switches
from sandbox.saleslayer.visitor import Visitor

CODE = example.CODE
PLAIN: dict[str, Any] = {"same_parent_variants": None, "parents_category_tree": None}
NOTHING: dict[str, list[Any]] = {"catalogue": [], "products": [], "product_formats": []}


@dataclass
class Story:
    """A connector that has been read once, and time that passes only when it is told to."""

    now: float = float(example.TIME)
    cursor: int = 0

    def __post_init__(self) -> None:
        self.sandbox = Sandbox(clock=lambda: self.now)
        self.sandbox.put_connector(CODE, secret=example.SECRET, catalogue=example.catalogue())
        self.visitor = Visitor.of(self.sandbox, CODE, example.SECRET, clock=lambda: self.now)
        self.asks(last_update=None)

    def asks(self, **wishes: Any) -> dict[str, Any]:
        """Reads what changed since the last answer, and keeps its time."""
        answer = self.visitor.page(**{"last_update": self.cursor} | PLAIN | wishes)
        self.cursor = answer["time"]
        return answer

    def changes(self, **wishes: Any) -> dict[str, list[Any]]:
        """Status and id of what changed, by table."""
        answer = self.asks(**wishes)
        assert answer["action"] == "update"
        return {table: [row[:2] for row in rows] for table, rows in answer["data"].items()}


@pytest.fixture
def story() -> Story:
    story = Story()
    story.now += 100
    return story


def test_nothing_changed_is_a_normal_answer_with_empty_lists(story: Story) -> None:
    answer = story.asks()
    assert (answer["action"], answer["data"]) == ("update", NOTHING)


def test_nothing_changed_in_the_second_of_the_first_answer_either() -> None:
    assert Story().changes() == NOTHING


def test_an_edited_item_comes_with_its_values_and_only_it(story: Story) -> None:
    story.sandbox.edit(CODE, "product_formats", 9001, {"format_price": 3.0})
    answer = story.asks()
    assert [row[:6] for row in answer["data"]["product_formats"]] == [["M", 9001, 301, "V-301-S", "LAU-S-GRN", 3.0]]
    assert answer["data"]["products"] == answer["data"]["catalogue"] == []


def test_a_change_in_the_second_of_an_answer_is_found_by_the_next_call() -> None:
    story = Story()  # no time passes at all
    story.sandbox.edit(CODE, "products", 301, {"product_price": 1})
    assert story.changes()["products"] == [["M", 301]]
    story.sandbox.delete(CODE, "product_formats", 9001)
    assert story.changes()["product_formats"] == [["D", 9001]]


def test_a_change_is_found_even_when_the_clock_runs_back(story: Story) -> None:
    story.asks()
    story.now -= 50
    story.sandbox.edit(CODE, "products", 301, {"product_price": 1})
    assert story.changes()["products"] == [["M", 301]]


def test_what_a_call_found_is_not_found_again_later(story: Story) -> None:
    story.sandbox.edit(CODE, "products", 301, {"product_price": 1})
    story.now += 1
    assert story.changes()["products"] == [["M", 301]]
    story.now += 1
    assert story.changes() == NOTHING


@pytest.mark.parametrize("act", ["hide", "delete"])
def test_an_item_that_leaves_is_a_deletion_without_values(story: Story, act: str) -> None:
    getattr(story.sandbox, act)(CODE, "product_formats", 9002)
    assert story.asks()["data"]["product_formats"] == [["D", 9002]]
    assert [row[1] for row in story.visitor.page()["data"]["product_formats"]] == [9001]


def test_an_item_that_is_shown_again_comes_whole(story: Story) -> None:
    story.sandbox.hide(CODE, "product_formats", 9001)
    story.asks()
    story.now += 10
    story.sandbox.show(CODE, "product_formats", 9001)
    (row,) = story.asks()["data"]["product_formats"]
    assert row == example.catalogue()["data"]["product_formats"][0]  # images too, since they were gone


def test_a_new_item_comes_as_modified_and_its_parents_count(story: Story) -> None:
    product = story.sandbox.add(CODE, "products", {"ID_catalogue": [12], "REF": "P-302"})
    variant = story.sandbox.add(CODE, "product_formats", {"ID": 9050, "ID_products": product})
    assert (product, variant) == (302, 9050)
    assert story.changes() == {"catalogue": [], "products": [["M", 302]], "product_formats": [["M", 9050]]}


def test_a_deleted_id_may_be_used_again(story: Story) -> None:
    story.sandbox.delete(CODE, "product_formats", 9002)
    story.asks()
    story.now += 10
    story.sandbox.add(CODE, "product_formats", {"ID": 9002, "ID_products": 301})
    assert story.changes()["product_formats"] == [["M", 9002]]


def test_a_hidden_category_takes_products_and_variants_with_it_when_it_was_their_last(story: Story) -> None:
    story.sandbox.hide(CODE, "catalogue", 12)
    story.now += 1
    # The product stands in 11 too: it comes with one category fewer.
    answer = story.asks(add_empty_categories=1)
    assert answer["data"]["catalogue"] == [["D", 12]]
    assert [row[:3] for row in answer["data"]["products"]] == [["M", 301, [11]]]
    story.now += 10
    story.sandbox.hide(CODE, "catalogue", 11)
    story.now += 1
    assert story.changes(add_empty_categories=1) == {
        "catalogue": [["D", 11]],
        "products": [["D", 301]],
        "product_formats": [["D", 9001], ["D", 9002]],
    }
    story.now += 10
    story.sandbox.show(CODE, "catalogue", 12)
    assert story.changes(add_empty_categories=1) == {
        "catalogue": [["M", 12]],
        "products": [["M", 301]],
        "product_formats": [["M", 9001], ["M", 9002]],
    }


def test_without_the_cascade_only_the_category_leaves(story: Story) -> None:
    story.sandbox.put_connector(CODE, options=Options(cascade=False))
    story.asks()
    story.now += 10
    story.sandbox.hide(CODE, "catalogue", 11)
    assert story.changes(add_empty_categories=1)["products"] == [["M", 301]]
    assert [row[2] for row in story.visitor.page()["data"]["products"]] == [[11, 12]]


def test_a_hidden_product_takes_its_variants_with_it_and_orphans_stay(story: Story) -> None:
    story.sandbox.add(CODE, "product_formats", {"ID": 9100, "ID_products": 777})
    story.now += 1
    story.asks()
    story.now += 10
    story.sandbox.hide(CODE, "products", 301)
    assert story.changes(add_empty_categories=1)["product_formats"] == [["D", 9001], ["D", 9002]]
    refresh = story.visitor.page()
    assert [row[1] for row in refresh["data"]["product_formats"]] == [9100]


def test_categories_without_products_are_left_out_unless_they_are_asked_for(story: Story) -> None:
    story.sandbox.add(CODE, "catalogue", {"ID": 13, "ID_PARENT": 12})
    assert [row[1] for row in story.visitor.page()["data"]["catalogue"]] == [11, 12]
    assert [row[1] for row in story.visitor.page(add_empty_categories=1)["data"]["catalogue"]] == [11, 12, 13]
    story.asks()
    story.now += 10
    story.sandbox.edit(CODE, "products", 301, {"ID_catalogue": [13]})
    assert story.changes()["catalogue"] == [["M", 13]]  # 11 and 12 stand above it and are not empty
    story.now += 10
    story.sandbox.hide(CODE, "products", 301)
    assert sorted(story.changes()["catalogue"]) == [["D", 11], ["D", 12], ["D", 13]]


def test_the_connector_itself_may_include_empty_categories(story: Story) -> None:
    story.sandbox.put_connector(CODE, options=Options(include_empty_categories=True))
    story.sandbox.add(CODE, "catalogue", {"ID": 13, "ID_PARENT": 12})
    assert [row[1] for row in story.visitor.page()["data"]["catalogue"]] == [11, 12, 13]


def test_siblings_come_with_a_changed_or_deleted_variant(story: Story) -> None:
    story.sandbox.edit(CODE, "product_formats", 9001, {"size": ["Medium"]})
    assert story.changes(same_parent_variants=1)["product_formats"] == [["M", 9001], ["M", 9002]]
    story.now += 10
    story.sandbox.delete(CODE, "product_formats", 9001)
    assert story.changes(same_parent_variants=1)["product_formats"] == [["D", 9001], ["M", 9002]]


def test_the_upper_tree_comes_with_a_changed_category_or_product(story: Story) -> None:
    story.sandbox.edit(CODE, "catalogue", 12, {"section_order": 5})
    assert story.changes(parents_category_tree=1)["catalogue"] == [["M", 11], ["M", 12]]
    story.now += 10
    story.sandbox.edit(CODE, "products", 301, {"ID_catalogue": [12]})
    assert story.changes(parents_category_tree=1)["catalogue"] == [["M", 11], ["M", 12]]


def test_images_that_did_not_change_are_a_u_and_others_come(story: Story) -> None:
    story.sandbox.edit(CODE, "products", 301, {"product_price": 1})
    (row,) = story.asks()["data"]["products"]
    assert row[11:13] == [["U"], ["U"]]  # the images and the data sheet
    story.now += 10
    story.sandbox.edit(CODE, "products", 301, {"product_image": []})
    (row,) = story.asks()["data"]["products"]
    assert row[11:13] == [[], ["U"]]


def test_the_u_can_be_switched_off(story: Story) -> None:
    story.sandbox.set_switches(CODE, Switches(unchanged_images=False))
    story.sandbox.edit(CODE, "products", 301, {"product_price": 1})
    (row,) = story.asks()["data"]["products"]
    assert row[11] == example.catalogue()["data"]["products"][0][11]


def test_a_refresh_never_says_u_or_d(story: Story) -> None:
    story.sandbox.edit(CODE, "products", 301, {"product_price": 1})
    story.sandbox.delete(CODE, "product_formats", 9002)
    content = story.asks(last_update=None)
    assert content["action"] == "refresh"
    assert all(row[0] == "M" and ["U"] not in row for rows in content["data"].values() for row in rows)


def test_ghosts_are_deletions_of_ids_that_never_were(story: Story) -> None:
    story.sandbox.set_switches(CODE, Switches(ghost_deletes=2))
    answer = story.asks()
    known = {row[1] for rows in example.catalogue()["data"].values() for row in rows}
    for rows in answer["data"].values():
        assert [row[0] for row in rows] == ["D", "D"]
        assert not {row[1] for row in rows} & known


def test_a_changed_configuration_answers_one_refresh_and_then_updates() -> None:
    story = Story()  # all in the same second
    story.sandbox.touch_config(CODE)
    assert story.asks()["action"] == "refresh"
    assert story.asks()["action"] == "update"
    story.sandbox.edit(CODE, "products", 301, {"product_price": 1})
    assert story.changes()["products"] == [["M", 301]]


def test_an_old_cursor_gets_a_refresh_as_often_as_it_is_sent() -> None:
    story = Story()
    story.sandbox.touch_config(CODE)
    answers = [story.visitor.page(last_update=example.TIME) for _ in range(3)]
    assert [answer["action"] for answer in answers] == ["refresh"] * 3


def test_a_refresh_after_a_changed_configuration_can_be_declined(story: Story) -> None:
    story.sandbox.touch_config(CODE)
    answer = story.asks(force_update_only=1)
    assert (answer["action"], answer["data"]) == ("update", NOTHING)


@pytest.mark.parametrize("cursor", [None, "", "0"])
def test_no_cursor_means_everything(story: Story, cursor: str | None) -> None:
    assert story.asks(last_update=cursor)["action"] == "refresh"


def test_a_replaced_catalogue_is_a_changed_configuration(story: Story) -> None:
    smaller = example.catalogue()
    smaller["data"]["product_formats"] = smaller["data"]["product_formats"][:1]
    story.sandbox.put_connector(CODE, catalogue=smaller)
    answer = story.asks()
    assert answer["action"] == "refresh"
    assert len(answer["data"]["product_formats"]) == 1
