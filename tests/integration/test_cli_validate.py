"""`connector validate`: all that must be put right, at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sandbox.saleslayer import example
from tests.operators import CANARY, TOKEN, Operator, in_its_name, keep_columns, with_keys
from worker.catalog.profile import Mapping as FieldMapping
from worker.catalog.profile import Profile, StorefrontLink
from worker.ledger import connectors
from worker.ledger.session import as_tenant
from worker.ledger.vault import Vault


def open_both(acme: Operator, **store: Any) -> None:
    acme.sources.put_connector("CN1", secret=CANARY, catalogue=example.catalogue())
    acme.stores.open("abc", TOKEN, plan="Enterprise", **store)


def test_a_connector_that_is_in_order_is_told_so(acme: Operator) -> None:
    acme.adds()
    open_both(acme)
    assert "are in order" in acme.says("validate", "spring-shop").stdout
    assert acme.reads("validate", "spring-shop", shape="validate")["problems"] == []


def test_all_that_must_be_put_right_is_told_at_once(acme: Operator, a_row: Callable[..., int]) -> None:
    mapping = FieldMapping(product={"price": "cost"})
    links = (StorefrontLink(storefront=1, root=12), StorefrontLink(storefront=9, root=11))
    profile = Profile(mapping=mapping, storefronts=links).model_dump(mode="json")
    acme.adds(**profile)
    keep_columns(acme.here.engine, a_row)
    open_both(acme, scopes=["store_v2_information_read_only", "store_channel_settings_read_only"])
    acme.sources.put_connector("CN1", secret="another")
    problems = acme.reads("validate", "spring-shop", shape="validate", code=1)["problems"]
    assert [problem.split(":")[0] for problem in problems] == [
        "source", "storefronts", "category trees", "products", "mapping", "storefronts",
    ]  # fmt: skip
    assert "no storefront 9, it has 1 (" in problems[1]
    assert "lacks the scope 'Products: modify'" in problems[2]
    assert "product.price is mapped to 'cost'" in problems[4]
    assert "no category 12, the root of storefront 1" in problems[5]
    assert "category trees" in acme.says("validate", "spring-shop", code=1).stderr


def test_the_import_credentials_are_checked_where_there_are_any(acme: Operator, vault: Vault) -> None:
    open_both(acme)
    source = {"code": "CN1", "secret": CANARY}
    acme.adds(source=source, storefront_list={"product": "product_storefronts"})
    [problem] = acme.reads("validate", "spring-shop", shape="validate", code=1)["problems"]
    assert "no import credentials" in problem
    imports = {"import_code": "CN2", "import_secret": CANARY}
    acme.says("set-profile", "spring-shop", "--file", acme.file(source=source | imports))
    [problem] = acme.reads("validate", "spring-shop", shape="validate", code=1)["problems"]
    assert problem.startswith("source, for import: Sales Layer does not know this connector code.")
    acme.sources.put_connector("CN2", secret=CANARY, catalogue=example.catalogue())
    acme.says("validate", "spring-shop")
    acme.says("set-profile", "spring-shop", "--file", acme.file(source=source))
    tenant_id, connector_id = in_its_name(acme.here.engine)
    with as_tenant(acme.here.engine, tenant_id) as session:
        opened = connectors.open_credentials(session, vault, tenant_id=tenant_id, connector_id=connector_id)
    assert not set(imports) & set(opened), "what the file does not hold any more is forgotten"


def test_a_stock_location_that_the_store_does_not_have_is_told(acme: Operator) -> None:
    acme.adds(stock_location=3)
    open_both(acme)
    problems = acme.reads("validate", "spring-shop", shape="validate", code=1)["problems"]
    assert [problem.partition(", it has ")[0] for problem in problems] == ["stock: the store has no location 3"]


def test_a_stored_profile_of_another_version_is_told_with_all_its_faults(acme: Operator) -> None:
    acme.adds()
    tenant_id, _ = in_its_name(acme.here.engine)
    with as_tenant(acme.here.engine, tenant_id) as session:
        stored = {"mapping": {"product": {"prize": "p"}}, "sock": 1}
        session.exec_driver_sql("UPDATE connector SET profile = %s", (json.dumps(stored),))
    problems = acme.reads("validate", "spring-shop", shape="validate", code=1)["problems"]
    assert len(problems) == 2
    assert "no such field: product.prize" in problems[0]
    assert "sock is no field" in problems[1]


def test_a_token_that_is_refused_is_told_once(acme: Operator) -> None:
    acme.adds()
    open_both(acme)
    acme.stores.store("abc").token = "another"
    [problem] = acme.reads("validate", "spring-shop", shape="validate", code=1)["problems"]
    assert "the store refuses the access token" in problem
    assert problem.endswith("Give the connector the right ones.")


def test_credentials_that_no_key_opens_are_told(acme: Operator) -> None:
    acme.adds()
    acme.here = with_keys(acme, "")
    [problem] = acme.reads("validate", "spring-shop", shape="validate", code=1)["problems"]
    assert "CREDENTIAL_KEYS lacks the key 'test'" in problem
