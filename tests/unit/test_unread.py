"""Products of a listing, told apart without being read."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from worker.bigcommerce import decode, unread
from worker.bigcommerce.unread import Unread
from worker.catalog import letters

LAMP: dict[str, Any] = {
    "id": 7,
    "name": "Lamp",
    "brand_id": 3,
    "variants": [{"id": 71, "option_values": [{"id": 1, "label": "S"}]}, {"id": 72, "option_values": []}, {"id": 73}],
}


def listed(*rows: Any, **envelope: Any) -> list[Unread]:
    text = json.dumps({"data": list(rows), "meta": {"pagination": {"total": len(rows)}}} | envelope)
    found: list[Unread] = unread.listing(200, text).data
    return found


def test_a_product_tells_its_ids_and_is_read_as_it_was_written() -> None:
    written = json.dumps({"data": [LAMP, {"id": 8}]}).replace('"Lamp"', '"Lamp", "price": 9.90')
    lamp, other = unread.listing(200, written).data
    assert (lamp.id, lamp.brand_id, lamp.variant_ids) == (7, 3, [71])
    assert lamp.read() == LAMP | {"price": Decimal("9.90")}
    assert str(lamp.read()["price"]) == "9.90", "no digit is lost"
    assert (other.id, other.brand_id, other.variant_ids) == (8, 0, [])


@pytest.mark.parametrize("told", [{"brand_id": None}, {"variants": None}, {"variants": []}, {"id": "7"}, {"odd": [{}]}])
def test_what_is_empty_or_unknown_or_an_id_in_quotes_is_taken_in(told: dict[str, Any]) -> None:
    (one,) = listed(LAMP | told)
    assert one.id == 7
    assert one.read() == LAMP | told


def test_letters_that_no_database_takes_are_left_out_where_it_is_read() -> None:
    (one,) = listed(LAMP | {"name": "La\0mp \ud83d", "description": "\ud83d\ude00"})
    assert one.read() == LAMP | {"name": "Lamp ?", "description": "\U0001f600"}


def test_the_envelope_is_told_and_a_refusal_is_what_it_was() -> None:
    assert unread.listing(200, '{"data": [], "meta": {"pagination": {"total": 4}}}').meta == {
        "pagination": {"total": 4}
    }
    refusal = unread.listing(404, '{"title": "No such thing", "errors": {"id": "unknown"}}', "Not Found")
    assert (refusal.status, refusal.title, refusal.errors) == (404, "No such thing", {"id": "unknown"})


@pytest.mark.parametrize("text", ["", "<html>", "[]", "{}", '{"data": {}}', '{"data": [1]}', '{"data": [{}]}'])
def test_a_success_that_is_no_listing_is_not_taken_for_an_empty_store(text: str) -> None:
    with pytest.raises(ValueError, match="no listing"):
        unread.listing(200, text)


def test_a_product_is_the_same_as_long_as_its_text_its_brand_and_our_code_are(monkeypatch: pytest.MonkeyPatch) -> None:
    (one,), (again,), (other,) = listed(LAMP), listed(LAMP), listed(LAMP | {"name": "Lamp 2"})
    brands = {3: "Lumen"}
    known = decode.read_as(one, brands)
    assert decode.read_as(again, brands) == known
    assert len({known, decode.read_as(other, brands), decode.read_as(one, {3: "Other"}), decode.read_as(one, {})}) == 4
    monkeypatch.setattr(decode, "CODE", "another release")
    assert decode.read_as(one, brands) != known


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (r'"\ud83d"', "?"),
        (r'"\uDE00x"', "?x"),
        (r'"\ud83d\ud83d\ude00"', "?\U0001f600"),
        (r'"\\ud83d"', r"\ud83d"),
        (r'"\\\ud83d"', "\\?"),
        (r'"\n\u00e9"', "\né"),
    ],
)
def test_halves_of_letters_are_told_from_what_only_looks_like_one(written: str, told: str) -> None:
    assert json.loads(letters.whole(written)) == told
