"""The operator's command line, on a real Postgres, with the sandbox as its neighbours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import fakeredis
import jsonschema
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from cli import waiting
from cli.here import Here
from cli.main import app
from cli.waiting import Bar
from models.vocabulary import ItemKind, RunState
from sandbox.bigcommerce.core import Sandbox as Stores
from sandbox.bigcommerce.transport import SandboxTransport as StoreTransport
from sandbox.saleslayer import example
from sandbox.saleslayer.sandbox import Sandbox as Sources
from sandbox.saleslayer.transport import SandboxTransport as SourceTransport
from worker.catalog.columns import Column, Columns
from worker.catalog.profile import Mapping as FieldMapping
from worker.catalog.profile import Profile, StorefrontLink
from worker.ledger import connectors, mirror, register, runs, turns
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.turns import Dispatched
from worker.ledger.vault import Vault
from worker.meet import meet
from worker.settings import Settings

DOCS = (Path(__file__).parents[2] / "docs" / "cli.md").read_text("utf-8")
SHAPES = {
    name: json.loads(shape)
    for name, shape in re.findall(r"<!-- shape: ([a-z ]+) -->\n```json\n(.*?)```", DOCS, re.DOTALL)
}
EXAMPLE = json.loads(re.findall(r"<!-- example: profile -->\n```json\n(.*?)```", DOCS, re.DOTALL)[0])
KEY = "A" * 43  # what every key of the tests' ring holds
CANARY = "canary-secret-8f1c"
TOKEN = "canary-token-77aa"
FILE: dict[str, Any] = {
    "name": "spring-shop",
    "source": {"code": "CN1", "secret": CANARY},
    "store": {"hash": "abc", "access_token": TOKEN},
}


class Operator:
    """Somebody at the command line."""

    def __init__(self, here: Here, folder: Path) -> None:
        self.here, self._folder = here, folder
        self.published: list[Dispatched] = []
        self.stores, self.sources = Stores(opens_stores=False), Sources()
        self.here.publish = self.published.append

    def says(self, *words: str, code: int = 0) -> Result:
        """The command's result, once it is sure that its exit code is right and that it tells no secret."""
        result = CliRunner().invoke(app, list(words), obj=self.here)
        assert result.exit_code == code, result.output
        for secret in (CANARY, TOKEN, KEY):
            assert secret not in result.output
        return result

    def reads(self, *words: str, shape: str, code: int = 0) -> Any:
        """The JSON that the command prints, in the shape of the docs."""
        found = json.loads(self.says(*words, "--json", code=code).stdout)
        checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
        jsonschema.Draft202012Validator(SHAPES[shape], format_checker=checker).validate(found)
        return found

    def file(self, content: object = None, **changes: object) -> str:
        """The path of a profile file with this content, by default a good one with these changes."""
        path = self._folder / "profile.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content or {**FILE, **changes}))
        return str(path)

    def adds(self, **changes: object) -> None:
        """Add the good connector to the tenant acme."""
        self.says("add", "--tenant", "acme", "--file", self.file(**changes))


@pytest.fixture
def operator(database_url: str, key_ring: str, tmp_path: Path) -> Iterator[Operator]:
    settings = Settings(
        database_url=database_url, credential_keys=SecretStr(key_ring), redis_url="redis://127.0.0.1:1/0"
    )
    here = Here(settings)
    one = Operator(here, tmp_path)
    here.meeting = lambda settings, vault, _redis: meet(
        settings,
        vault,
        fakeredis.FakeRedis(),
        source_transport=SourceTransport(one.sources),
        store_transport=StoreTransport(one.stores),
    )
    yield one
    for used in (here, one.here):
        used.engine.dispose()


@pytest.fixture
def acme(operator: Operator) -> Operator:
    operator.says("tenant", "add", "acme")
    return operator


def in_its_name(engine: Engine, connector: str = "spring-shop") -> tuple[int, int]:
    with as_scheduler(engine) as session:
        [(tenant_id, connector_id, *_)] = connectors.find(session, tenant="acme", connector=connector)
    return tenant_id, connector_id


def keep_columns(engine: Engine, a_row: Callable[..., int]) -> None:
    """The mirror has been read: two columns of products, category 11."""
    tenant_id, connector_id = in_its_name(engine)
    product = (Column("product_name", "product_name", "string"), Column("product_sku", "product_sku", "string"))
    columns = Columns(
        {ItemKind.PRODUCT: product, ItemKind.CATEGORY: (Column("section_name", "section_name", "string"),)}
    )
    with as_tenant(engine, tenant_id) as session:
        session.connection().exec_driver_sql("UPDATE mirror SET columns = %s", (json.dumps(columns.to_json()),))
    a_row(tenant_id, "source_item", connector_id=connector_id, kind="category", source_id=11, cells={}, raw_hash="x")


def with_keys(operator: Operator, ring: str) -> Here:
    """The same place with another key ring."""
    settings = operator.here.settings.model_copy(update={"credential_keys": SecretStr(ring)})
    return Here(settings, operator.published.append, operator.here.meeting)


# Tenants and connectors


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
        kept = session.connection().exec_driver_sql("SELECT string_agg(encode(sealed, 'escape'), '') FROM credential")
        assert CANARY not in str(kept.scalar())
        opened = connectors.open_credentials(session, vault, tenant_id=tenant_id, connector_id=connector_id)
    assert (opened["source_secret"], opened["store_token"]) == (CANARY, TOKEN)


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


# Runs


def test_a_run_is_requested_once_and_its_turn_is_published(acme: Operator) -> None:
    acme.adds()
    run_id = acme.says("run", "spring-shop").stdout.strip()
    assert acme.says("run", "spring-shop", "--refresh").stdout.strip() == run_id  # folded into the one that waits
    [run] = acme.reads("activity", "spring-shop", shape="activity")["runs"]
    assert (str(run["run"]), run["state"], run["trigger"], run["refresh"]) == (run_id, "queued", "refresh", True)
    assert [(one.tenant, one.connector, one.epoch) for one in acme.published] == [("acme", "spring-shop", 1)]


def test_a_wait_without_a_worker_ends_with_3(acme: Operator) -> None:
    acme.adds()
    result = acme.says("run", "spring-shop", "--wait", "--patience", "0.3", code=3)
    assert "no worker has answered for 0.3 s" in result.stdout
    assert re.search(r"run \d+ queued", result.stderr)


def test_a_turn_that_is_broken_ends_the_wait(acme: Operator) -> None:
    acme.adds()

    def break_it(_: Dispatched) -> None:
        with as_scheduler(acme.here.engine) as session:
            session.connection().exec_driver_sql("UPDATE turn SET state = 'broken'")

    acme.here.publish = break_it
    assert "five times in a row" in acme.says("run", "spring-shop", "--wait", code=2).stdout


@pytest.mark.parametrize(
    ("states", "code", "sentence"),
    [
        (["preparing", "unchanged"], 0, "unchanged: nothing has changed at the source"),
        (["preparing", "prepared", "completed"], 0, "completed: 3 products created"),
        (["preparing", "prepared", "completed_with_errors"], 1, "completed_with_errors: 3 products created"),
        (["preparing", "failed"], 2, "failed: the source refuses the credentials"),
        (["cancelled"], 2, "cancelled: 3 products created"),
        (["preparing", "awaiting_approval"], 2, "the run waits for somebody's approval"),
    ],
)
def test_a_wait_ends_with_the_runs_end(
    acme: Operator, a_row: Callable[..., int], states: list[str], code: int, sentence: str,
) -> None:  # fmt: skip
    acme.adds()
    tenant_id, connector_id = in_its_name(acme.here.engine)

    def work(_: Dispatched) -> None:
        """A worker that is quicker than the eye."""
        with as_tenant(acme.here.engine, tenant_id) as session:
            run = runs.current(session, connector_id)
            assert run is not None
            for state in states:
                runs.become(session, run.id, RunState(state))
            text = "the source refuses the credentials"
            runs.say(session, tenant_id, run.id, level="error", code="credentials_refused", message=text)
        figure = {"kind": "product", "storefront_id": 0, "figure": "created", "count": 3}
        a_row(tenant_id, "run_counter", run_id=run.id, **figure)

    acme.here.publish = work
    assert sentence in acme.says("run", "spring-shop", "--wait", code=code).stdout


def test_the_live_view_has_a_bar_for_each_kind_and_one_for_each_follow_up(
    acme: Operator, a_row: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    acme.adds()
    tenant_id, connector_id = in_its_name(acme.here.engine)
    run = {"connector_id": connector_id, "trigger": "request", "state": "synchronizing", "step": "send"}
    run_id = a_row(tenant_id, "run", started_at="2026-11-23", slices=2, calls=7, **run)
    for figure, count in (("to_create", 3), ("to_update", 2), ("to_show", 4)):
        figures = {"kind": "product", "storefront_id": 0, "figure": figure, "count": count}
        a_row(tenant_id, "run_counter", run_id=run_id, **figures)
    with as_tenant(acme.here.engine, tenant_id) as session:
        progress = register.progress(session, run_id)
    assert progress is not None
    assert waiting.bars(progress.parts) == [Bar("product", 5, 5), Bar("options to show", 4, 4)]
    view = waiting.Bars()
    view.show(progress)
    view.close()
    shown = capsys.readouterr().err
    assert "synchronization: send (2 slices, 7 calls)" in shown
    assert "options to show" in shown


def test_the_activity_shows_figures_messages_and_errors(acme: Operator, a_row: Callable[..., int]) -> None:
    acme.adds()
    assert "no run yet" in acme.says("activity", "spring-shop").stdout
    tenant_id, connector_id = in_its_name(acme.here.engine)
    of = {"connector_id": connector_id, "trigger": "request"}
    older = a_row(tenant_id, "run", state="unchanged", **of)
    run_id = a_row(tenant_id, "run", state="completed_with_errors", calls=201, slices=4, **of)
    a_row(tenant_id, "storefront", connector_id=connector_id, storefront_id=1, name="Main", tree_id=1)
    for kind, storefront, figure, count in (
        ("category", 1, "created", 39), ("category", 1, "to_disable", 2), ("product", 0, "rejected", 9),
    ):  # fmt: skip
        figures = {"kind": kind, "storefront_id": storefront, "figure": figure, "count": count}
        a_row(tenant_id, "run_counter", run_id=run_id, **figures)
    a_row(tenant_id, "run_message", run_id=run_id, level="warning", code="pictures_pending", text="3 pictures wait")
    for source_id in range(1, 6):
        status = {"kind": "product", "source_id": source_id, "storefront_id": 0, "outcome": "rejected"}
        told = {"code": "no_weight", "message": "[red]it has no \x1b[31mweight"}
        a_row(tenant_id, "item_status", connector_id=connector_id, run_id=run_id, **status, **told)
    shown = acme.says("activity", "spring-shop").stdout
    for part in ("39 categories created; 9 products rejected", "to disable", "3 pictures wait", "no_weight", "2 more"):
        assert part in shown
    assert "\x1b" not in shown
    assert "[red]it has no" in shown
    found = acme.reads("activity", "spring-shop", shape="activity")
    assert [one["run"] for one in found["runs"]] == [run_id, older]
    assert found["runs"][0]["counters"]["category"] == {"Main": {"created": 39, "to_disable": 2}}
    assert found["runs"][0]["errors"][0]["more"] == 2
    only = acme.reads("activity", "spring-shop", "--run", str(older), shape="activity")["runs"]
    assert [one["run"] for one in only] == [older]
    assert "there is no run 999" in acme.says("activity", "spring-shop", "--run", "999", code=2).stderr


def a_held_run(acme: Operator, a_row: Callable[..., int], state: str) -> int:
    """A run of this state that has planned to take things away."""
    tenant_id, connector_id = in_its_name(acme.here.engine)
    run_id = a_row(tenant_id, "run", connector_id=connector_id, trigger="request", state=state, step="send")
    for kind, storefront, figure, count in (
        ("category", 1, "to_disable", 2), ("product", 0, "to_hide", 3), ("product", 0, "to_blank", 4),
        ("product", 0, "to_create", 90),
    ):  # fmt: skip
        figures = {"kind": kind, "storefront_id": storefront, "figure": figure, "count": count}
        a_row(tenant_id, "run_counter", run_id=run_id, **figures)
    with as_scheduler(acme.here.engine) as session:
        session.execute(text("UPDATE turn SET not_before = 'infinity' WHERE connector_id = :id"), {"id": connector_id})
    return run_id


def test_a_run_that_the_brake_holds_is_approved_once(acme: Operator, a_row: Callable[..., int]) -> None:
    acme.adds()
    assert "no run of 'spring-shop' waits for an approval" in acme.says("approve", "spring-shop", code=2).stderr
    run_id = a_held_run(acme, a_row, "awaiting_approval")
    told = acme.says("approve", "spring-shop").stdout
    assert told == f"run {run_id} goes on; it may disable or blank 9 items\n"
    tenant_id, connector_id = in_its_name(acme.here.engine)
    with as_tenant(acme.here.engine, tenant_id) as session:
        run = runs.load(session, run_id)
    assert run is not None
    assert (run.state, run.step) == (RunState.PREPARING, None)
    assert [one.connector_id for one in acme.published] == [connector_id]
    assert "waits for an approval" in acme.says("approve", "spring-shop", code=2).stderr


@pytest.mark.parametrize("state", ["queued", "awaiting_approval"])
def test_a_run_that_waits_is_cancelled_and_the_connector_is_checked_in_its_time(
    acme: Operator, a_row: Callable[..., int], state: str
) -> None:
    acme.adds()
    run_id = a_held_run(acme, a_row, state)
    assert acme.says("cancel", "spring-shop").stdout == f"run {run_id} is cancelled\n"
    tenant_id, connector_id = in_its_name(acme.here.engine)
    with as_tenant(acme.here.engine, tenant_id) as session:
        assert session.scalar(text("SELECT state FROM run WHERE id = :id"), {"id": run_id}) == "cancelled"
    with as_scheduler(acme.here.engine) as session:
        due = session.scalar(
            text("SELECT not_before BETWEEN now() AND now() + interval '301 s' FROM turn WHERE connector_id = :id"),
            {"id": connector_id},
        )
    assert due
    assert acme.published == []
    assert "no run that could be cancelled" in acme.says("cancel", "spring-shop", code=2).stderr


def test_a_run_under_way_is_paused_resumed_and_cancelled(acme: Operator, a_row: Callable[..., int]) -> None:
    acme.adds()
    assert "no run that could be paused" in acme.says("pause", "spring-shop", code=2).stderr
    assert "no run of 'spring-shop' is paused" in acme.says("resume", "spring-shop", code=2).stderr
    run_id = a_held_run(acme, a_row, "synchronizing")
    tenant_id, connector_id = in_its_name(acme.here.engine)
    with as_tenant(acme.here.engine, tenant_id) as session:
        session.execute(text("UPDATE run SET started_at = now() WHERE id = :id"), {"id": run_id})
    assert "is paused; `connector resume spring-shop`" in acme.says("pause", "spring-shop").stdout
    assert "stands still already: it is paused" in acme.says("pause", "spring-shop", code=2).stderr
    assert acme.says("resume", "spring-shop").stdout == f"run {run_id} goes on: prepared\n"
    assert [one.connector_id for one in acme.published] == [connector_id]
    with as_scheduler(acme.here.engine) as session:
        session.execute(text("UPDATE turn SET state = 'running' WHERE connector_id = :id"), {"id": connector_id})
    assert acme.says("cancel", "spring-shop").stdout == f"run {run_id} is cancelled\n"
    with as_scheduler(acme.here.engine) as session:
        assert session.scalar(text("SELECT stop_asked FROM turn WHERE connector_id = :id"), {"id": connector_id})


def test_items_are_listed_page_by_page_with_their_names(acme: Operator, a_row: Callable[..., int]) -> None:
    acme.adds()
    keep_columns(acme.here.engine, a_row)
    tenant_id, connector_id = in_its_name(acme.here.engine)
    run_id = a_row(tenant_id, "run", connector_id=connector_id, trigger="request", state="completed_with_errors")
    for source_id in (1, 2, 3):
        item = {"kind": "product", "source_id": source_id, "cells": {"product_name": f"Ball {source_id}"}}
        a_row(tenant_id, "source_item", connector_id=connector_id, raw_hash="x", **item)
    for source_id, outcome, code in ((1, "created", None), (2, "failed", "sku_taken")):
        status = {"kind": "product", "source_id": source_id, "storefront_id": 0, "outcome": outcome, "code": code}
        a_row(tenant_id, "item_status", connector_id=connector_id, run_id=run_id, **status)
    first = acme.reads("items", "spring-shop", "--limit", "1", shape="items")
    assert [one["name"] for one in first["items"]] == ["Ball 1"]
    rest = acme.reads("items", "spring-shop", "--after", first["next"], shape="items")
    assert ([one["outcome"] for one in rest["items"]], rest["next"]) == (["failed"], None)
    assert [one["do"] for one in (*first["items"], *rest["items"])] == [None, "Change one of the two."]
    left = acme.reads("items", "spring-shop", "--status", "unchanged", "--kind", "product", shape="items")
    assert [one["source_id"] for one in left["items"]] == [3]
    assert "Ball 2" in acme.says("items", "spring-shop", "--status", "failed").stdout
    assert "--after product:1:0" in acme.says("items", "spring-shop", "--limit", "1").stderr
    acme.says("items", "spring-shop", "--after", "here", code=2)
    acme.says("items", "spring-shop", "--status", "nonsense", code=2)


def test_failed_items_wait_for_an_outcome_again_all_or_those_of_a_code(
    acme: Operator, a_row: Callable[..., int]
) -> None:
    acme.adds()
    assert "no item of 'spring-shop' has failed." in acme.says("retry", "spring-shop", code=2).stderr
    assert "no item is quarantined" in acme.says("quarantine", "spring-shop").stdout
    assert "quarantined" in acme.says("quarantine", "spring-shop", "--release", code=2).stderr
    keep_columns(acme.here.engine, a_row)
    tenant_id, connector_id = in_its_name(acme.here.engine)
    run_id = a_row(tenant_id, "run", connector_id=connector_id, trigger="request", state="completed_with_errors")
    told = ((1, "created", None), (2, "failed", "sku_taken"), (3, "failed", "quarantined"), (4, "rejected", "no_name"))
    for source_id, outcome, code in told:
        at = {"kind": "product", "source_id": source_id}
        a_row(tenant_id, "source_item", connector_id=connector_id, raw_hash="x", due=False, cells={}, **at)
        status = {"storefront_id": 0, "outcome": outcome, "code": code, **at}
        a_row(tenant_id, "item_status", connector_id=connector_id, run_id=run_id, **status)

    def due() -> list[int]:
        with as_tenant(acme.here.engine, tenant_id) as session:
            return list(
                session.scalars(text("SELECT source_id FROM source_item WHERE due AND kind = 'product' ORDER BY 1"))
            )

    listed = acme.reads("quarantine", "spring-shop", shape="items")
    assert [one["source_id"] for one in listed["items"]] == [3]
    coded = acme.reads("items", "spring-shop", "--code", "sku_taken", shape="items")
    assert [one["source_id"] for one in coded["items"]] == [2]
    assert due() == []
    asked = acme.says("quarantine", "spring-shop", "--release").stdout
    assert due() == [3]
    assert acme.says("retry", "spring-shop").stdout == asked
    assert due() == [2, 3]
    assert int(asked) > run_id
    assert [one.connector_id for one in acme.published] == [connector_id]
    assert "has failed with no_such" in acme.says("retry", "spring-shop", "--code", "no_such", code=2).stderr


# Validation


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
        session.connection().exec_driver_sql("UPDATE connector SET profile = %s", (json.dumps(stored),))
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
    assert "set-profile" in problem


def test_credentials_that_no_key_opens_are_told(acme: Operator) -> None:
    acme.adds()
    acme.here = with_keys(acme, "")
    [problem] = acme.reads("validate", "spring-shop", shape="validate", code=1)["problems"]
    assert "CREDENTIAL_KEYS lacks the key 'test'" in problem


# The command itself


def test_a_database_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql+psycopg2://service:{CANARY}@localhost:1/shops"
    told = the_command("list", cwd=tmp_path, DATABASE_URL=url)
    assert told.returncode == 2
    assert told.stderr.startswith("connector: the database 'shops' at localhost:1 is not reachable: ")
    assert CANARY not in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_the_installed_command_prints_nothing_but_json(database_url: str, key_ring: str, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": database_url, "CREDENTIAL_KEYS": key_ring, "REDIS_URL": "redis://127.0.0.1:1/0"}
    assert the_command("tenant", "add", "acme", cwd=tmp_path, **environment).returncode == 0
    told = the_command("tenant", "list", "--json", cwd=tmp_path, **environment)
    assert [one["tenant"] for one in json.loads(told.stdout)["tenants"]] == ["acme"]
    assert told.stderr == ""


def test_wrong_usage_ends_with_2(operator: Operator) -> None:
    assert "No such command" in operator.says("nonsense", code=2).stderr
    operator.says("run", code=2)


def the_command(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("connector")
    run = [str(command), *words]
    return subprocess.run(  # noqa: S603 our own command
        run, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_every_turn_state_is_in_the_docs_shape(acme: Operator) -> None:
    acme.adds()
    for state in ("ready", "running", "broken"):
        with as_scheduler(acme.here.engine) as session:
            session.connection().exec_driver_sql("UPDATE turn SET state = %s, not_before = 'infinity'", (state,))
            assert turns.standings(session)[0].state == state
        assert acme.reads("list", shape="list")["connectors"][0]["turn"] == state
