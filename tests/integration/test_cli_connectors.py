"""Tenants and connectors at the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping

import jsonschema
import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.operators import CANARY, EXAMPLE, FILE, SHAPES, TOKEN, Operator, in_its_name, with_keys
from worker.ledger import connectors, mirror
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.vault import Vault


def test_tenants_are_added_and_listed(operator: Operator) -> None:
    assert operator.says("tenant", "list").stdout == "no tenant yet; `connector tenant add NAME` adds one\n"
    operator.says("tenant", "add", "acme", "--weight", "2.5", "--max-slots", "3")
    [tenant] = operator.reads("tenant", "list", shape="tenant list")["tenants"]
    assert (tenant["tenant"], tenant["weight"], tenant["max_slots"], tenant["connectors"]) == ("acme", 2.5, 3, 0)
    assert "2.5" in operator.says("tenant", "list").stdout


def test_a_tenants_name_is_taken_once(acme: Operator) -> None:
    assert acme.says("tenant", "add", "acme", code=2).stderr == "connector: there is a tenant 'acme' already.\n"
    acme.says("tenant", "add", "a.b", code=2)


def test_a_connector_is_added_with_sealed_credentials_and_a_check_that_is_due(acme: Operator, vault: Vault) -> None:
    acme.adds()
    [line] = acme.reads("list", shape="list")["connectors"]
    assert (line["tenant"], line["connector"], line["store"]) == ("acme", "spring-shop", "abc")
    assert (line["enabled"], line["turn"], line["last_run"]) == (True, "parked", None)
    assert line["due"] is not None
    tenant_id, connector_id = in_its_name(acme.here.engine)
    with as_tenant(acme.here.engine, tenant_id) as session:
        kept = session.exec_driver_sql("SELECT string_agg(encode(sealed, 'escape'), '') FROM credential")
        assert CANARY not in str(kept.scalar())
        opened = connectors.open_credentials(session, vault, tenant_id=tenant_id, connector_id=connector_id)
    assert (opened["source_secret"], opened["store_token"]) == (CANARY, TOKEN)


def test_a_connector_whose_store_rests_is_listed_with_the_time(acme: Operator) -> None:
    acme.adds()
    assert acme.reads("list", shape="list")["connectors"][0]["rests_until"] is None
    with as_scheduler(acme.here.engine) as session:
        session.exec_driver_sql("UPDATE store_turn SET not_before = '2999-01-01 12:34:56 UTC'")
    assert acme.reads("list", shape="list")["connectors"][0]["rests_until"].startswith("2999-01-01")
    assert "its neighbour rests until" in " ".join(acme.says("list").stdout.split())


def test_all_faults_of_a_file_are_told_at_once_and_nothing_is_stored(acme: Operator) -> None:
    source = {"code": "", "secret": CANARY, "secrets": CANARY}
    links = [{"storefront": 3}, {"storefront": 3}]
    path = acme.file(name="No Name", source=source, store={"hash": "a/b"}, storefronts=links, check_every_seconds=1)
    told = acme.says("add", "--tenant", "acme", "--file", path, code=2).stderr
    for field in (
        "name must match", "source.code:", "source.secrets is no field", "store.hash must match",
        "store.access_token is missing.", "check_every_seconds:", "storefront 3 is linked twice",
    ):  # fmt: skip
        assert field in told
    assert acme.reads("list", shape="list") == {"connectors": []}


@pytest.mark.parametrize(("code", "reads_anew"), [("CN1", False), ("CN2", True)])
def test_another_connector_of_sales_layer_is_read_from_its_beginning(
    acme: Operator, code: str, *, reads_anew: bool
) -> None:
    acme.adds()
    acme.says("set-profile", "spring-shop", "--file", acme.file(source={"code": code, "secret": CANARY}))
    tenant_id, connector_id = in_its_name(acme.here.engine)
    with as_tenant(acme.here.engine, tenant_id) as session:
        assert mirror.state(session, connector_id).refresh_wanted == reads_anew


@pytest.mark.parametrize("command", [("add", "--tenant", "acme"), ("set-profile", "spring-shop")])
def test_faults_of_every_part_of_a_profile_are_told_at_once(acme: Operator, command: tuple[str, ...]) -> None:
    acme.adds()
    profile = {
        "mapping": {"product": {"prize": "p", "price": 5, "wait": "w"}, "variant": {"name": "n"}, "brand": {}},
        "storefronts": [{"storefront": 0}, {"storefront": 3}, {"storefront": 3}, {"channel": 1}],
        "switches": {"option_display": "radio", "overwrite": True},
        "language": 3,
        "sock": "stock",
    }
    told = acme.says(*command, "--file", acme.file(**{"name": "spring-shop-2", **profile}), code=2).stderr
    for fault in (
        "mapping.product.prize: no such field: product.prize", "mapping.product.price: ", "no such field: product.wait",
        "no such field: variant.name; known fields are sku", "mapping.brand is no field", "storefronts.0.storefront: ",
        "storefront 3 is linked twice", "storefronts.3.storefront is missing", "storefronts.3.channel is no field",
        "switches.option_display: ", "switches.overwrite is no field", "language: ", "sock is no field",
    ):  # fmt: skip
        assert fault in told
    kept = json.loads(acme.says("profile", "spring-shop").stdout)
    assert kept["mapping"] == {"category": {}, "product": {}, "variant": {}}, "nothing is stored"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"name": "x",', "is not JSON: "),
        ("[1]", "it must hold one JSON object"),
        ('{"mapping": {"product": {"prize": "p"}}}', "no such field: product.prize"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_profile_is_told_in_a_sentence(acme: Operator, content: str, sentence: str) -> None:
    assert sentence in acme.says("add", "--tenant", "acme", "--file", acme.file(content), code=2).stderr


def test_a_file_that_is_not_there_is_told_in_a_sentence(acme: Operator) -> None:
    told = acme.says("add", "--tenant", "acme", "--file", "/nowhere/profile.json", code=2).stderr
    assert told == "connector: /nowhere/profile.json cannot be read: No such file or directory.\n"


def test_a_name_is_taken_once_a_tenant_and_near_names_are_told(acme: Operator) -> None:
    acme.adds()
    assert "has a connector 'spring-shop' already" in acme.says(
        "add", "-t", "acme", "-f", acme.file(), code=2,
    ).stderr  # fmt: skip
    assert "did you mean spring-shop?" in acme.says("run", "sprng-shop", code=2).stderr
    assert "did you mean acme?" in acme.says("run", "spring-shop", "--tenant", "acne", code=2).stderr
    assert "`connector list` shows all" in acme.says("run", "zzz", code=2).stderr


def test_a_name_that_several_tenants_have_asks_for_the_tenant(acme: Operator) -> None:
    acme.adds()
    acme.says("tenant", "add", "bolt")
    acme.says("add", "-t", "bolt", "-f", acme.file())
    told = acme.says("profile", "spring-shop", code=2).stderr
    assert "several tenants have a connector 'spring-shop': acme, bolt" in told
    acme.says("profile", "spring-shop", "--tenant", "bolt")
    ids = [str(line["id"]) for line in acme.reads("list", shape="list")["connectors"]]
    acme.says("profile", ids[0])


def test_without_a_key_ring_no_connector_is_added(acme: Operator) -> None:
    acme.here = with_keys(acme, "")
    assert "CREDENTIAL_KEYS is empty" in acme.says("add", "-t", "acme", "-f", acme.file(), code=2).stderr
    assert acme.reads("list", shape="list") == {"connectors": []}


def test_the_profile_in_use_is_printed_without_credentials_and_taken_back(acme: Operator, vault: Vault) -> None:
    acme.adds(language="en", check_every_seconds=77)
    printed = json.loads(acme.says("profile", "spring-shop").stdout)
    assert (printed["language"], printed["check_every_seconds"]) == ("en", 77)
    assert not {"name", "source", "store"} & set(printed)
    acme.says("set-profile", "spring-shop", "--file", acme.file({**printed, "language": "es"}))
    assert json.loads(acme.says("profile", "spring-shop").stdout)["language"] == "es"
    fresh = {**FILE, "source": {"code": "CN2", "secret": CANARY}}
    assert "profile and credentials" in acme.says("set-profile", "spring-shop", "-f", acme.file(fresh)).stdout
    tenant_id, connector_id = in_its_name(acme.here.engine)
    with as_tenant(acme.here.engine, tenant_id) as session:
        opened = connectors.open_credentials(session, vault, tenant_id=tenant_id, connector_id=connector_id)
    assert opened["source_code"] == "CN2"


@pytest.mark.parametrize("change", [{"name": "other"}, {"store": {"hash": "xyz", "access_token": TOKEN}}])
def test_a_profile_of_another_connector_or_store_is_not_taken(acme: Operator, change: Mapping[str, object]) -> None:
    acme.adds()
    acme.says("set-profile", "spring-shop", "--file", acme.file(**change, language="es"), code=2)
    assert json.loads(acme.says("profile", "spring-shop").stdout)["language"] is None


def test_the_schema_is_the_one_in_the_docs_and_the_docs_example_fits_it(operator: Operator) -> None:
    printed = json.loads(operator.says("schema").stdout)
    assert printed == SHAPES["schema"]
    jsonschema.Draft202012Validator(printed).validate(EXAMPLE)
    operator.says("tenant", "add", "acme")
    operator.says("add", "-t", "acme", "-f", operator.file(EXAMPLE))


def test_a_connector_is_switched_off_with_a_reason_and_on_with_a_check(acme: Operator) -> None:
    acme.adds()
    acme.says("disable", "spring-shop", "--reason", "store moves")
    assert "no: store moves" in acme.says("list").stdout
    assert "is switched off (store moves)" in acme.says("run", "spring-shop", code=2).stderr
    acme.says("enable", "spring-shop")
    [line] = acme.reads("list", shape="list")["connectors"]
    assert (line["enabled"], line["disabled_reason"], line["turn"]) == (True, None, "dispatched")
    assert [one.connector for one in acme.published] == ["spring-shop"]


# ---- remove


def test_a_connector_is_removed_after_a_question_or_without_one(acme: Operator) -> None:
    acme.adds()
    acme.adds(name="other-shop")
    refused = CliRunner().invoke(app, ["remove", "spring-shop"], input="n\n", obj=acme.here)
    assert refused.exit_code == 2
    assert "Remove 'spring-shop' of acme with its runs, statuses and links?" in refused.output
    assert "'spring-shop' was not removed." in refused.output
    agreed = CliRunner().invoke(app, ["remove", "spring-shop"], input="y\n", obj=acme.here)
    assert agreed.exit_code == 0
    assert acme.says("remove", "other-shop", "--yes").stdout == "other-shop is removed\n"
    assert "there is no connector 'spring-shop'" in acme.says("remove", "spring-shop", "--yes", code=2).output
    acme.adds()
    assert acme.says("list").stdout.count("spring-shop") == 1


def test_a_file_comes_by_standard_input_too(acme: Operator) -> None:
    words = ["add", "--tenant", "acme", "--file", "-"]
    broken = CliRunner().invoke(app, words, obj=acme.here, input="{")
    assert broken.exit_code == 2
    assert "standard input is not JSON" in broken.stderr
    taken = CliRunner().invoke(app, words, obj=acme.here, input=json.dumps(FILE))
    assert taken.exit_code == 0, taken.output
    assert [line["connector"] for line in acme.reads("list", shape="list")["connectors"]] == ["spring-shop"]
