"""Options are shown one call each; a slice that ends between two of them costs no call twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from models.vocabulary import ItemKind
from worker.bigcommerce.client import Client, Stopping
from worker.bigcommerce.options import options_shown
from worker.catalog.changes import ShowOptions
from worker.catalog.items import Key, Option
from worker.catalog.sending import Applied, Job
from worker.catalog.store import Relation

SIZE = Option("Size", "dropdown", (("S", ()), ("M", ())))
COLOUR = Option("Colour", "swatch", (("Red", ("#FF0000",)),))
HELD = {"Size": {"id": 7, "values": {"S": 1, "M": 2}}, "Colour": {"id": 8, "values": {"Red": 3}}}


@dataclass
class Store:
    """A client that takes so many calls before the slice ends."""

    takes: int
    sent: list[str] = field(default_factory=list)

    def put(self, path: str, _body: Any) -> None:
        """Take the call, or say that the slice ends."""
        if len(self.sent) >= self.takes:
            raise Stopping
        self.sent.append(path.rpartition("/")[2])


def show(store: Store, relation: Relation, *options: Option) -> Applied:
    job = Job(1, ShowOptions(301, options, "print"), relation=relation)
    return options_shown.show(cast("Client", store), job)


def a_relation() -> Relation:
    return Relation(Key(ItemKind.PRODUCT, 301), 112, created_here=True, parts={"options": HELD})


def test_what_was_shown_before_the_slice_ended_is_not_sent_again() -> None:
    first, second = Store(takes=1), Store(takes=9)
    cut = show(first, a_relation(), SIZE, COLOUR)
    assert isinstance(cut.trouble, Stopping)
    done = show(second, cut.relations[0], SIZE, COLOUR)
    assert done.trouble is None
    assert (first.sent, second.sent) == (["7"], ["8"])


def test_when_all_are_shown_no_mark_stays_so_that_a_later_order_sends_them_all() -> None:
    done = show(Store(takes=9), a_relation(), SIZE, COLOUR)
    assert done.relations[0].parts == {"options": HELD}
    assert done.relations[0].fingerprints == {"options": "print"}


def test_an_option_that_has_changed_meanwhile_is_sent_again() -> None:
    cut = show(Store(takes=1), a_relation(), SIZE, COLOUR)
    again = Store(takes=9)
    show(again, cut.relations[0], Option("Size", "dropdown", (("M", ()), ("S", ()))), COLOUR)
    assert again.sent == ["7", "8"]
