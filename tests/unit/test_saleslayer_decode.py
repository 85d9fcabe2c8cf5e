"""Pages of the source are read for exactly what they say."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary import ItemKind
from tests.builders import a_profile
from worker.catalog import fingerprint
from worker.catalog.columns import Column, Columns, Page, Row
from worker.errors import SourceUnreadable, SourceUnwell
from worker.rules import mapping
from worker.saleslayer import answer, decode

ANSWERS = Path(__file__).parent / "saleslayer_answers"
CATEGORY, PRODUCT, VARIANT = ItemKind
SIZES = {"ORG": {"width": 0, "height": 0}, "IMD": {"width": 900, "height": 900}, "TH": {"width": "150", "height": 150}}
PICTURES = {"product_image": ["STATUS", "ID", "TH", "IMD", "ORG"]}


def told(body: str | bytes) -> dict[str, Any]:
    """The body as the client opens it."""
    return answer.opened(httpx.Response(200, content=body))


def example(name: str) -> dict[str, Any]:
    return told((ANSWERS / f"{name}.json").read_bytes())


def by_id(page: Page) -> dict[tuple[str, int], Row]:
    return {(row.kind.value, row.source_id): row for row in page.rows}


def an_answer(
    *rows: list[Any],
    headings: tuple[Any, ...] = ("REF",),
    info: dict[str, Any] | None = None,
    table: str = "products",
    **more: Any,
) -> dict[str, Any]:
    """A first page with rows of one table."""
    return {
        "time": 1, "action": "update", "schema": {"default_language": "en", "languages": ["en", "es"]},
        "data_schema": {table: ["STATUS", "ID", *headings]},
        "data_schema_info": {table: {"ID": {"type": "numeric"}} | (info or {})},
        "data": {table: list(rows)},
    } | more  # fmt: skip


def cell(value: Any, heading: Any = "field", **about: Any) -> Any:
    """What becomes of one cell."""
    name = heading if isinstance(heading, str) else next(iter(heading))
    page = decode.page(an_answer(["M", 1, value], headings=(heading,), info={name: about} if about else {}))
    return page.rows[0].cells[name]


def test_the_first_example_is_read_as_its_description_says() -> None:
    page = decode.page(example("first_page"))
    assert (page.is_refresh, page.time, page.company_id, page.media_pending) == (True, 1767225600, 4211, 0)
    assert page.next_url == "https://api.saleslayer.com/?page_token=made-up-1"
    rows = by_id(page)
    assert {key: row.parent_id for key, row in rows.items()} == {
        ("category", 11): None,
        ("category", 12): 11,
        ("product", 301): None,
    }
    assert rows["product", 301].cells == {
        "ID_catalogue": [11, 12],
        "REF": "P-301",
        "product_name_en": "Laurel invitation",
        "product_name_es": "Invitacion Laurel",
        "product_price": "2.95",
        "product_visible": 1,
        "product_tags": ["Wedding", "Vintage"],
        "product_release": "2026-01-15 00:00:00",
        "product_specs": [["Paper", "Cotton"], ["Weight", "300 g"]],
        "product_image": [
            ["img-701", "https://img.example.test/o/701.jpg"],
            ["img-702", "https://img.example.test/o/702.jpg"],
        ],
        "product_datasheet": [["file-88", "https://files.example.test/laurel.pdf"]],
    }
    assert rows["category", 12].cells["section_image"] == []


def test_the_first_example_describes_its_columns() -> None:
    columns = decode.page(example("first_page")).columns
    assert (columns.default_language, columns.languages) == ("en", ("en", "es"))
    named = {column.name: column for column in columns.of[PRODUCT]}
    assert list(named)[:3] == ["ID_catalogue", "REF", "product_name_en"]
    assert named["product_name_es"] == Column("product_name_es", "product_name", "string", "es", "Nombre")
    assert named["product_price"] == Column("product_price", "product_price", "numeric", None, "Price")
    assert named["product_image"].sizes == (("ORG", 0), ("IMD", 810_000), ("TH", 22_500))
    assert named["product_datasheet"] == Column(
        "product_datasheet", "product_datasheet", "file", None, "Datasheet", (("FILE", 0),)
    )
    assert columns.of[VARIANT][0] == Column("ID_products", "ID_products", "numeric")


def test_the_first_example_in_spanish_has_spanish_labels_and_tags() -> None:
    page = decode.page(example("first_page"), language="es")
    row = by_id(page)["product", 301]
    assert row.cells["product_tags"] == ["Boda", "Clasico"]
    assert {column.label for column in page.columns.of[CATEGORY]} >= {"Orden", "Category name", "Nombre"}


def test_the_second_example_is_read_under_the_columns_of_the_first() -> None:
    first = decode.page(example("first_page"))
    page = decode.page(example("second_page"), known=first.columns)
    rows = by_id(page)
    assert {key: row.parent_id for key, row in rows.items()} == {("variant", 9001): 301, ("variant", 9002): 301}
    assert rows["variant", 9001].cells["size"] == ["Small"]
    assert rows["variant", 9001].cells["colour_en"] == "Green#00AA55"
    assert rows["variant", 9001].cells["format_image"] == [["img-801", "https://img.example.test/o/801.jpg"]]
    assert rows["variant", 9002].cells["format_image"] == []
    assert page.next_url is None
    assert page.columns == first.columns


def test_a_page_without_columns_is_read_under_those_that_are_known_even_after_they_were_kept() -> None:
    first = decode.page(example("first_page"))
    kept = Columns.from_json(json.loads(json.dumps(first.columns.to_json())))
    assert kept == first.columns
    full, bare = example("second_page"), example("second_page")
    del bare["data_schema"]
    assert decode.page(bare, known=kept).rows == decode.page(full, known=first.columns).rows


def test_the_third_example_tells_what_is_gone_and_what_is_unchanged() -> None:
    page = decode.page(example("update"))
    assert not page.is_refresh
    rows = by_id(page)
    assert {key for key, row in rows.items() if row.gone} == {("category", 12), ("variant", 9002)}
    product = rows["product", 301]
    assert product.cells == {
        "ID_catalogue": [11], "REF": "P-301", "product_name_en": "Laurel invitation (new)", "product_price": "3.1",
    }  # fmt: skip
    assert product.unchanged_cells == ("product_image",)


def test_columns_kept_by_an_older_version_are_read() -> None:
    kept = {"default_language": "en", "languages": ["en"], "of": {"product": [["a_en", "a", "string", "en", "A"]]}}
    assert Columns.from_json(kept).of[PRODUCT] == (Column("a_en", "a", "string", "en", "A"),)
    assert Columns.from_json(kept).to_json() == kept


@pytest.mark.parametrize(
    ("pictures", "picked"),
    [
        ([["M", 7, "th", "imd", "org"]], [["7", "org"]]),  # the original, wherever it stands
        ([["M", "7", "th", "imd", ""]], [["7", "imd"]]),  # no original: the largest
        ([["M", "7", "th", None]], [["7", "th"]]),  # a short entry: what there is
        ([["M", "7", "", "", ""], ["M", "8"]], []),  # no URL at all
        ([["D", "7", "th", "imd", "org"], ["M", "8", "", "", "org"]], [["8", "org"]]),  # a removed one
        ([["M", "9", "", "", "b"], ["M", "8", "", "", "a"]], [["9", "b"], ["8", "a"]]),  # the order is kept
        ([["U", "7", "", "", "org"]], [["7", "org"]]),  # `U` inside an entry is its status, not the cell's
        ({"0": ["M", "7", "", "", "a"], "2": ["M", "8", "", "", "b"]}, [["7", "a"], ["8", "b"]]),  # PHP, with a gap
        ([], []),
        ("", []),
        (None, []),
    ],
)
def test_of_a_picture_the_best_url_is_taken(pictures: Any, picked: list[list[str]]) -> None:
    assert cell(pictures, PICTURES, type="image", sizes=SIZES) == picked


def test_a_column_of_pictures_may_name_its_sizes_as_fields() -> None:
    heading = {"photo": ["STATUS", "ID", {"field": "TH"}, {"field": "ORG"}]}
    assert cell([["M", "1", "small", "whole"]], heading) == [["1", "whole"]]


@pytest.mark.parametrize("marked", [["U"], ["U", 7], ["U", ["M", "1", "a"]]])
def test_a_picture_cell_marked_u_is_unchanged_and_not_empty(marked: list[Any]) -> None:
    row = decode.page(an_answer(["M", 1, marked], headings=(PICTURES,))).rows[0]
    assert row.unchanged_cells == ("product_image",)
    assert row.cells == {}


def test_a_list_whose_first_value_is_u_is_a_list() -> None:
    assert cell(["U", "V"], "letters", type="list") == ["U", "V"]


@pytest.mark.parametrize("broken", [["https://x/a.jpg"], "https://x/a.jpg", 7, [[]]])
def test_a_picture_cell_of_another_kind_is_unreadable_rather_than_empty(broken: Any) -> None:
    with pytest.raises(SourceUnreadable, match=r"Row 1 of the table products .* product_image"):
        cell(broken, PICTURES)


@pytest.mark.parametrize(
    ("told_as", "ids"),
    [(11, [11]), ("11", [11]), ([11, "12", 11], [11, 12]), ("", []), (None, []), (0, []), ("0", []), ([], []),
     ("11\n12", [11, 12]), ("11,12", [11, 12]), ([""], []), ({"1": 11}, [11])],
)  # fmt: skip
def test_the_categories_of_a_product_are_a_list_of_ids(told_as: Any, ids: list[int]) -> None:
    assert cell(told_as, "ID_catalogue") == ids


@pytest.mark.parametrize(
    ("told_as", "parent_id"),
    [(5, 5), ("5", 5), ([5, 6], 5), (0, None), ("0", None), (None, None), ("", None), ([], None)],
)
@pytest.mark.parametrize(("table", "column"), [("catalogue", "ID_PARENT"), ("product_formats", "ID_products")])
def test_the_parent_is_an_id_or_none(table: str, column: str, told_as: Any, parent_id: int | None) -> None:
    page = decode.page(an_answer(["M", 1, told_as], headings=(column,), table=table))
    assert page.rows[0].parent_id == parent_id


@pytest.mark.parametrize("wrong", ["", None, "abc", "1.5", True, [1], "1_0", "٣", 2**63, "9" * 5000])
def test_an_id_that_is_no_whole_number_names_table_and_row(wrong: Any) -> None:
    with pytest.raises(SourceUnreadable, match="Row 2 of the table products has an ID"):
        decode.page(an_answer(["M", 1, "a"], ["M", wrong, "b"]))


def test_an_id_as_text_is_a_number() -> None:
    assert decode.page(an_answer(["M", "301", "a"])).rows[0].source_id == 301


def test_a_short_row_has_empty_cells_where_it_ends() -> None:
    headings = ("name", "REF", "ID_brand", "ID_catalogue", PICTURES)
    row = decode.page(an_answer(["M", 1], headings=headings)).rows[0]
    assert row.cells == {"name": "", "REF": None, "ID_brand": None, "ID_catalogue": [], "product_image": []}


def test_a_row_longer_than_its_columns_is_not_guessed_at() -> None:
    with pytest.raises(SourceUnreadable, match="Row 1 of the table products has 4 cells for 3 columns"):
        decode.page(an_answer(["M", 1, "a", "b"]))


def test_rows_of_a_table_without_columns_are_not_guessed_at_but_deletions_need_none() -> None:
    data = {"catalogue": [["D", 4]]}
    assert decode.page(an_answer(data=data)).rows[0].gone
    with pytest.raises(SourceUnreadable, match="table catalogue"):
        decode.page(an_answer(data={"catalogue": [["M", 4, "a"]]}))


def test_rows_of_one_product_are_united_with_all_their_categories() -> None:
    rows = (["M", 1, 11, "a"], ["M", 2, 11, "b"], ["M", 1, 12, "a"], ["M", 1, 11, "a"])
    page = decode.page(an_answer(*rows, headings=("ID_catalogue", "REF")))
    assert [(row.source_id, row.cells["ID_catalogue"]) for row in page.rows] == [(1, [11, 12]), (2, [11])]
    fewer = decode.page(an_answer(rows[0], headings=("ID_catalogue", "REF")))
    assert fewer.rows[0].raw_hash != page.rows[0].raw_hash


@pytest.mark.parametrize(
    ("told_as", "may_be"), [(11, True), ("11", True), ([11], False), ([11, 12], False), ("11\n12", False), ("", False)]
)
def test_a_product_under_one_category_may_be_told_under_another_on_a_later_page(told_as: Any, may_be: bool) -> None:
    page = decode.page(an_answer(["M", 1, told_as], headings=("ID_catalogue",)))
    assert page.rows[0].may_be_a_part == may_be


@pytest.mark.parametrize("rows", [(["D", 1], ["M", 1, "a"]), (["M", 1, "a"], ["D", 1])])
def test_an_item_that_is_told_both_there_and_gone_is_there(rows: tuple[list[Any], ...]) -> None:
    page = decode.page(an_answer(*rows))
    assert [(row.gone, dict(row.cells)) for row in page.rows] == [(False, {"REF": "a"})]


def test_tables_of_our_own_making_are_ignored() -> None:
    data = {"mat_care": [["M", "not-an-id", "a", "b"]], "products": []}
    assert decode.page(an_answer(data=data, data_schema={"mat_care": ["whatever"]})).rows == ()


def test_what_is_empty_in_php_is_read_as_empty() -> None:
    page = decode.page(an_answer(schema=[], data_schema=[], data_schema_info=[], data=[], waiting=[], next_page=None))
    assert (page.rows, page.columns, page.next_url) == ((), Columns(), None)


def test_a_value_is_translated_into_the_columns_language_else_the_default_else_not() -> None:
    translations = {"en": {"W": "Wedding", "V": "Vintage", "K": "Kids"}, "es": {"W": "Boda", "V": ""}}
    about = {"type": "list", "language_code": "es", "tag_translations": translations}
    assert cell(["W", "V", "X"], "tags_es", **about) == ["Boda", "Vintage", "X"]
    assert cell("W", "tags_es", **about) == "Boda"
    assert cell(["W", "X"], "tags", type="list", tag_translations=translations) == ["Wedding", "X"]


def test_the_hash_is_that_of_the_raw_row_under_its_columns() -> None:
    raw = ["M", 1, "a", [["M", "7", "t", "i", "o"]]]
    row = decode.page(an_answer(raw, headings=("REF", PICTURES))).rows[0]
    assert row.raw_hash == fingerprint.of_row(["STATUS", "ID", "REF", "product_image"], raw)


def test_a_value_that_is_called_otherwise_now_changes_the_hash() -> None:
    def hashed(text: str, *, tag: str = "W") -> str:
        info = {"tags": {"type": "list", "tag_translations": {"en": {"W": text}}}}
        return decode.page(an_answer(["M", 1, [tag]], headings=("tags",), info=info)).rows[0].raw_hash

    assert hashed("Wedding") != hashed("Marriage")
    assert hashed("Wedding", tag="V") == hashed("Marriage", tag="V")


def test_a_later_page_may_order_its_columns_anew() -> None:
    first = decode.page(an_answer(["M", 1, "r", "n"], headings=("REF", "name"), info={"name": {"type": "big_string"}}))
    later = an_answer(["M", 2, "n2", "r2"], headings=("name", "REF"), data_schema_info=None)
    page = decode.page(later, known=first.columns)
    assert page.rows[0].cells == {"name": "n2", "REF": "r2"}
    assert page.columns.of[PRODUCT] == tuple(reversed(first.columns.of[PRODUCT]))


def test_the_default_language_is_one_of_the_languages_unless_it_is_forced() -> None:
    schema = {"default_language": "de", "languages": ["fr", "en"]}
    assert decode.page(an_answer(schema=schema)).columns.default_language == "fr"
    forced = schema | {"force_output_default_language": 1}
    assert decode.page(an_answer(schema=forced)).columns.default_language == "de"


SPOKEN = {
    "name_en": {"language_code": "en", "basename": "name"},
    "name_en-us": {"language_code": "en-us", "basename": "name"},
    "name_es": {"language_code": "es", "basename": "name"},
    "cut_en": {"type": "string", "titles": {"en": "Cut"}},  # of no language, whatever its name ends in
}


@pytest.mark.parametrize(
    ("schema", "wish", "column"),
    [
        ({"default_language": "en", "languages": ["en", "en-us", "es"]}, None, "name_en"),
        ({"default_language": "en-us", "languages": ["en", "en-us", "es"]}, None, "name_en-us"),
        ({"default_language": "en", "languages": ["en", "en-us", "es"]}, "en-us", "name_en-us"),
        ({"default_language": "de", "languages": ["es", "en"]}, None, "name_es"),  # the first of the languages
        ({"default_language": "en", "languages": ["es"], "force_output_default_language": 1}, None, "name_en"),
        ({"default_language": "en", "languages": ["es"], "force_output_default_language": 0}, None, "name_es"),
    ],
)
def test_texts_come_from_the_columns_of_one_language(schema: dict[str, Any], wish: str | None, column: str) -> None:
    row = ["M", 1, "English", "American", "Español", "slim"]
    told = an_answer(row, headings=tuple(SPOKEN), info=SPOKEN, schema=schema)
    page = decode.page(told, language=wish)
    mapped, faults = mapping.settle(a_profile(language=wish), page.columns)
    assert faults == []
    assert mapped[PRODUCT].fields == {"name": column}
    assert mapped[PRODUCT].extras == (("cut_en", "cut_en"),)


def test_rows_without_a_description_of_their_columns_mean_that_the_source_is_preparing_its_data() -> None:
    with pytest.raises(SourceUnwell, match="preparing its data") as raised:
        decode.page(an_answer(["M", 1, "a"], data_schema_info={}))
    assert raised.value.retry_after == 180
    assert decode.page(an_answer(["D", 1], data_schema_info={})).rows[0].gone


def test_a_refresh_without_a_description_of_its_columns_does_not_say_that_everything_is_gone() -> None:
    with pytest.raises(SourceUnwell, match="preparing its data"):
        decode.page(an_answer(data_schema_info={}, action="refresh"))
    assert decode.page(an_answer(action="refresh")).rows == (), "an empty catalogue is described"


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"data": None}, "neither data nor an error"),
        ({"data": "x"}, "'data' is not an object"),
        ({"action": "testing"}, "update or a refresh"),
        ({"time": "yesterday"}, "of what time"),
        ({"data_schema": {"products": ["ID", "STATUS"]}}, "do not begin with STATUS and ID"),
        ({"data_schema": {"products": ["STATUS", "ID", "a", "a"]}}, "same name"),
        ({"data_schema": {"products": ["STATUS", "ID", 5]}}, "has no name"),
        ({"data": {"products": ["x"]}}, "Row 1 of the table products is not a list"),
        ({"data_schema_info": {"products": "x"}}, "data_schema_info of products"),
    ],
)
def test_a_page_that_makes_no_sense_is_unreadable(broken: dict[str, Any], says: str) -> None:
    with pytest.raises(SourceUnreadable, match=says):
        decode.page(an_answer(["M", 1, "a"]) | broken)


def test_the_pictures_still_in_preparation_are_counted() -> None:
    assert decode.page(an_answer(waiting={"images": {"total": 7, "partial": 3}, "files": 1})).media_pending == 7
    assert decode.page(an_answer(waiting={"images": "2"})).media_pending == 2


def test_a_number_keeps_all_its_digits() -> None:
    body = json.dumps(an_answer(["M", 1, "PRICE"])).replace('"PRICE"', "2.9500000000000001")
    assert decode.page(told(body)).rows[0].cells == {"REF": "2.9500000000000001"}


def test_a_byte_order_mark_is_not_part_of_the_answer() -> None:
    assert told(b"\xef\xbb\xbf" + b'{"data": {}}') == {"data": {}}


def test_what_postgres_cannot_keep_is_left_out_of_texts() -> None:
    assert told(r'{"a": ["x\u0000y", "\ud83d\ude00", "\ud83d!"]}') == {"a": ["xy", "😀", "?!"]}


@pytest.mark.parametrize(
    "body", [b"<html>Down</html>", b"", b"\xff\xfe", b"[1]", b'"x"', b"null", b'{"a":', b"[" * 100_000, b"9" * 5000]
)
def test_an_answer_that_is_no_json_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(SourceUnreadable, match="Sales Layer's answer is not"):
        told(body)


SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=8, max_size=40).filter(str.strip)


@given(st.text(max_size=150), SECRETS, st.text(max_size=150))
def test_a_quote_never_holds_what_is_to_be_hidden(before: str, secret: str, after: str) -> None:
    quote = answer.quoted(before + secret + after, hide=[secret])
    assert " ".join(secret.split()) not in quote
    assert len(quote) <= 130


def test_a_quote_hides_addresses_and_long_words_and_shows_the_rest() -> None:
    page = "<html><h1>Bad Gateway</h1>for https://x.test/?key256=abc&amp;code=CN1 or " + "f" * 64 + "</html>"
    assert answer.quoted(page) == "'Bad Gateway for *** or ***'"
