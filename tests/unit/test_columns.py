"""Columns are kept with the mirror and come back as they were."""

from __future__ import annotations

import json

import pytest

from models.vocabulary import ItemKind
from tests.builders import a_column
from worker.catalog.columns import Column, Columns

PLAIN = a_column("price", "numeric")
SPOKEN = Column("name_es", "name", "string", "es", "Nombre", translations={"red": "rojo"})
PICTURE = Column("photo", "photo", "image", sizes=(("ORG", 0), ("TH", 22500)))


@pytest.mark.parametrize("column", [PLAIN, SPOKEN, PICTURE], ids=lambda column: column.name)
def test_a_column_comes_back_from_json_as_it_was(column: Column) -> None:
    assert Column.from_json(json.loads(json.dumps(column.to_json()))) == column


def test_a_plain_column_is_kept_short() -> None:
    assert PLAIN.to_json() == ["price", "price", "numeric", None, ""]


def test_columns_come_back_from_json_as_they_were() -> None:
    columns = Columns({ItemKind.PRODUCT: (PLAIN, SPOKEN), ItemKind.VARIANT: (PICTURE,)}, "es", ("es", "en"))
    assert Columns.from_json(json.loads(json.dumps(columns.to_json()))) == columns


def test_a_column_can_be_a_key_whatever_its_translations() -> None:
    assert hash(SPOKEN) == hash(Column("name_es", "name", "string", "es", "Nombre"))


def test_a_newer_answer_adds_columns_and_tells_known_ones_anew() -> None:
    old = Columns({ItemKind.PRODUCT: (PLAIN, SPOKEN), ItemKind.VARIANT: (PICTURE,)}, "es", ("es",))
    newer = Columns({ItemKind.PRODUCT: (a_column("price", "string"), a_column("mpn"))}, "en", ("en", "es"))
    merged = old.merged_with(newer)
    assert merged.of[ItemKind.PRODUCT] == (a_column("price", "string"), SPOKEN, a_column("mpn"))
    assert merged.of[ItemKind.VARIANT] == (PICTURE,), "a kind that the answer does not carry stays"
    assert (merged.default_language, merged.languages) == ("en", ("en", "es"))


def test_an_answer_without_languages_leaves_the_known_ones() -> None:
    merged = Columns({}, "es", ("es",)).merged_with(Columns())
    assert (merged.default_language, merged.languages) == ("es", ("es",))
