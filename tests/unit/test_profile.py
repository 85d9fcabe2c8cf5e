"""A profile says all that a run has to know, and refuses what it cannot mean."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from models.vocabulary import ItemKind
from tests.builders import a_profile
from worker.catalog.profile import ConnectorFile, Profile

FILE: dict[str, Any] = {
    "name": "acme-es",
    "source": {"code": "CN1", "secret": "canary-source"},
    "store": {"hash": "abc123", "access_token": "canary-token"},
    "language": "es",
    "switches": {"overwrite_stock": True},
}


def test_an_empty_profile_is_the_documented_one() -> None:
    profile = Profile()
    assert profile.storefronts == ()
    assert (profile.custom_fields, profile.options) == (None, None), "null = every column that maps to no field"
    assert not profile.switches.overwrite_stock
    assert profile.switches.overwrite_prices
    assert profile.switches.option_display == "dropdown_and_swatch"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param(
            {"mapping": {"product": {"prize": "x"}}}, "no such field: product.prize", id="a field that is not"
        ),
        pytest.param({"mapping": {"category": {"sku": "x"}}}, "category.sku", id="a field of another kind"),
        pytest.param(
            {"storefronts": [{"storefront": 1}, {"storefront": 1, "root": 5}]}, "linked twice", id="one root each"
        ),
        pytest.param({"language": "a\0b"}, "no text", id="no database takes NUL"),
        pytest.param({"mapping": {"product": {"name\ud800": "x"}}}, "no text", id="nor half a letter"),
        pytest.param({"storefronts": [{"storefront": 0}]}, "greater than or equal to 1", id="storefronts count from 1"),
        pytest.param({"check_every_seconds": 5}, "greater than or equal to 10", id="the source is not hammered"),
        pytest.param({"quota_left_to_others": 1}, "less than or equal to 0.9", id="something is left to us"),
        pytest.param({"source_page_size": 6000}, "less than or equal to 5000", id="pages have a size"),
        pytest.param({"switches": {"option_display": "radio"}}, "dropdown_and_swatch", id="displays that there are"),
        pytest.param(
            {"overwrite_stock": True}, "Extra inputs are not permitted", id="a misplaced setting is not ignored"
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        a_profile(**settings)


def test_a_letter_that_is_no_text_is_a_fault_of_its_field_and_however_deep_it_stands() -> None:
    with pytest.raises(ValidationError) as refused:
        ConnectorFile.model_validate(FILE | {"source": {"code": "CN1", "secret": "canary\0"}, "language": "\udfff"})
    assert {fault["loc"]: fault["input"] for fault in refused.value.errors()} == {
        ("source", "secret"): None,
        ("language",): None,
    }
    nested: Any = "\0"
    for _ in range(20_000):
        nested = [nested]
    with pytest.raises(ValidationError, match="no text"):
        a_profile(custom_fields=nested)


def test_two_storefronts_may_share_a_root() -> None:
    assert len(a_profile(storefronts=[{"storefront": 1, "root": 5}, {"storefront": 2, "root": 5}]).storefronts) == 2


def test_a_mapping_is_asked_by_kind() -> None:
    mapping = a_profile(mapping={"product": {"price": "PVP"}, "variant": {"sku": "EAN"}}).mapping
    assert [mapping.of(kind) for kind in ItemKind] == [{}, {"price": "PVP"}, {"sku": "EAN"}]


def test_a_profile_is_a_value() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        a_profile().language = "es"  # type: ignore[misc]


def test_a_profile_comes_back_from_json_as_it_was() -> None:
    profile = a_profile(
        storefronts=[{"storefront": 1, "root": 5}], options=["Size"], mapping={"product": {"sku": "REF"}}
    )
    assert Profile.model_validate_json(profile.model_dump_json()) == profile


def test_a_connector_file_holds_a_profile_without_its_secrets() -> None:
    profile = ConnectorFile.model_validate(FILE).profile()
    assert profile == a_profile(language="es", switches={"overwrite_stock": True})
    assert "canary" not in profile.model_dump_json()


def test_a_connector_file_gives_the_credentials_that_it_has() -> None:
    assert ConnectorFile.model_validate(FILE).credentials() == {
        "source_code": "CN1",
        "source_secret": "canary-source",
        "store_token": "canary-token",
    }
    with_client = FILE | {"store": FILE["store"] | {"client_id": "c1"}}
    assert ConnectorFile.model_validate(with_client).credentials()["store_client_id"] == "c1"


def test_an_import_connector_has_a_code_and_a_key() -> None:
    imports = {"import_code": "CN2", "import_secret": "canary-import"}
    file = ConnectorFile.model_validate(FILE | {"source": FILE["source"] | imports})
    assert imports.items() <= file.credentials().items()
    assert "canary" not in repr(file)
    for one, value in imports.items():
        with pytest.raises(ValidationError, match="needed together"):
            ConnectorFile.model_validate(FILE | {"source": FILE["source"] | {one: value}})


def test_the_list_of_storefronts_goes_into_the_fields_that_are_named() -> None:
    assert a_profile().storefront_list.columns() == {}
    named = a_profile(storefront_list={"product": "shops"}).storefront_list
    assert named.columns() == {ItemKind.PRODUCT: "shops"}
    with pytest.raises(ValidationError):
        a_profile(storefront_list={"product": "shops][0"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Acme ES"},  # a name is as in a URL
        {"name": ""},
        {"store": {"hash": "https://store-abc.mybigcommerce.com", "access_token": "t"}},  # the hash, not an address
        {"source": {"code": "", "secret": "s"}},  # a code is not empty
    ],
)
def test_a_connector_file_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ConnectorFile.model_validate(FILE | wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Acme ES"},
        {"source": {"code": "", "secret": "canary-source"}},
        {"store": {"hash": "abc", "access_token": "canary-token" * 30}},
        {"mapping": {"product": {"prize": "x"}}},
    ],
)
def test_a_refusal_quotes_no_secret(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refusal:
        ConnectorFile.model_validate(FILE | wrong)
    assert "canary" not in str(refusal.value)


def test_a_connector_file_does_not_show_its_secrets() -> None:
    assert "canary" not in repr(ConnectorFile.model_validate(FILE))
