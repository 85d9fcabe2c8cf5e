"""A neighbour that refuses, breaks off or talks nonsense: a clear word in the register, and nothing lost."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from sandbox.bigcommerce.faults import Fault as StoreFault
from sandbox.bigcommerce.transport import SandboxTransport
from sandbox.generator.catalogue import generate
from sandbox.saleslayer.switches import Fault, Switches
from sandbox.stage.compare import content
from sandbox.stage.stage import TOKEN, Cast, Stage
from worker.ledger import connectors
from worker.ledger.session import as_tenant
from worker.ledger.vault import Vault
from worker.settings import Settings
from worker.steps import sequence

CATALOGUE = generate(seed=3, categories=6, products=12, variants_per_product=2)
_names = count()


@dataclass
class Play:
    """A stage with one connector on it."""

    stage: Stage
    cast: Cast

    def run(self, *, refresh: bool = False) -> list[str]:
        """Request a run and play until nothing is left; how the slices ended."""
        self.stage.request(self.cast, refresh=refresh)
        return self.stage.play(most=60)

    def one(self, sql: str, **values: Any) -> Any:
        """One value out of the tenant's rows."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return session.scalar(text(sql), values)

    @property
    def state(self) -> str:
        """The last run's state."""
        return str(self.one("SELECT state FROM run ORDER BY id DESC LIMIT 1"))

    def messages(self) -> dict[str, str]:
        """The messages of all runs by code, one a line."""
        found: dict[str, str] = {}
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            for code, told in session.execute(text("SELECT code, text FROM run_message ORDER BY id")):
                found[code] = f"{found[code]}\n{told}" if code in found else told
        return found

    @property
    def products(self) -> int:
        """How many products the store has."""
        return len(self.stage.stores.snapshot(self.cast.store_hash)["products"])

    def store(self) -> Any:
        """The simulated store."""
        return self.stage.stores.store(self.cast.store_hash)


@pytest.fixture
def play(config: Settings) -> Iterator[Play]:
    stage = Stage(config, haste=50)
    yield Play(stage, stage.connect(f"bad-{next(_names)}", CATALOGUE))
    stage.close()


def test_a_source_that_refuses_the_key_fails_the_run_and_disables_the_connector(play: Play) -> None:
    play.stage.sources.put_connector(play.cast.code, secret="f" * 32)
    play.run()
    assert play.state == "failed"
    assert "credentials_refused" in play.messages()
    assert play.one("SELECT enabled FROM connector") is False
    assert play.store().log.counters()["requests"] == 0


def test_a_store_that_refuses_the_token_fails_the_run_and_the_mirror_stays(play: Play) -> None:
    play.store().configure(token="another-token-altogether")
    play.run()
    assert play.state == "failed"
    assert "access token" in play.messages()["credentials_refused"]
    assert play.one("SELECT count(*) FROM source_item WHERE kind = 'product'") == 12
    play.store().configure(token="sandbox-access-token")
    with as_tenant(play.stage.engine, play.cast.tenant_id) as session:
        connectors.enable(session, play.cast.connector_id)
    play.run()
    assert play.state == "completed"
    assert play.products == 12


def test_a_source_that_is_away_is_asked_again_later_and_the_run_goes_on(play: Play) -> None:
    switches = Switches(faults=(Fault("http", times=3, status=503),))
    play.stage.sources.set_switches(play.cast.code, switches)
    endings = play.run()
    assert "neighbour_unwell" in endings
    assert play.state == "completed"
    assert play.products == 12


def test_a_source_that_answers_a_web_page_fails_the_run_with_its_words(play: Play) -> None:
    play.stage.sources.set_switches(play.cast.code, Switches(faults=(Fault("html", page=1, times=None),)))
    play.run()
    assert play.state == "failed"
    assert "source_unreadable" in play.messages()


@pytest.mark.parametrize("kind", ["http", "html", "cut", "drop", "expired", "no_data"])
def test_a_page_that_breaks_midway_is_read_again_from_the_first_and_nothing_is_lost(play: Play, kind: str) -> None:
    faults = (Fault(kind, page=2, times=1),)
    play.stage.sources.set_switches(play.cast.code, Switches(page_rows=10, faults=faults))
    play.run()
    assert play.state == "completed"
    assert "source_broke_off" in play.messages()
    assert play.products == 12
    assert play.one("SELECT count(*) FROM source_item WHERE kind = 'variant'") == 24


@pytest.mark.parametrize("kind", ["http", "cut"])
def test_a_page_that_always_breaks_leaves_the_old_mirror_and_cursor(play: Play, kind: str) -> None:
    play.run()
    before = play.one("SELECT last_update FROM mirror"), play.one("SELECT count(*) FROM source_item WHERE NOT gone")
    faults = (Fault(kind, page=2, times=None),)
    play.stage.sources.set_switches(play.cast.code, Switches(page_rows=10, faults=faults))
    play.stage.request(play.cast, refresh=True)
    for _ in range(8):
        play.stage.play_one()
        play.stage.let_time_pass()
    after = play.one("SELECT last_update FROM mirror"), play.one("SELECT count(*) FROM source_item WHERE NOT gone")
    assert after == before
    play.stage.sources.set_switches(play.cast.code, Switches(page_rows=10))
    play.stage.play(most=40)
    play.run()
    assert play.state in {"completed", "unchanged"}


@pytest.mark.parametrize("kind", ["repeat", "empty"])
def test_pages_without_end_are_stopped(play: Play, kind: str) -> None:
    faults = (Fault(kind, page=2, times=None),)
    play.stage.sources.set_switches(play.cast.code, Switches(page_rows=10, faults=faults))
    play.run()
    assert play.state == "failed"
    assert "source_unreadable" in play.messages()


def test_a_mapping_that_names_missing_columns_is_told_all_at_once(config: Settings) -> None:
    stage = Stage(config, haste=50)
    profile = {"mapping": {"product": {"price": "prize", "name": "title_xx"}}}
    play = Play(stage, stage.connect(f"bad-{next(_names)}", CATALOGUE, profile=profile))
    play.run()
    assert play.state == "failed"
    assert "prize" in play.messages()["profile_unusable"]
    assert "title_xx" in play.messages()["profile_unusable"]
    stage.close()


def test_a_storefront_that_the_store_lacks_is_named(config: Settings) -> None:
    stage = Stage(config, haste=50)
    play = Play(stage, stage.connect(f"bad-{next(_names)}", CATALOGUE, profile={"storefronts": [{"storefront": 9}]}))
    play.run()
    assert play.state == "failed"
    assert "storefront 9" in play.messages()["store_gone"]
    stage.close()


def test_a_root_category_that_is_gone_disables_the_connector_and_names_the_storefront(config: Settings) -> None:
    stage = Stage(config, haste=50)
    profile = {"storefronts": [{"storefront": 1, "root": 424242}]}
    play = Play(stage, stage.connect(f"bad-{next(_names)}", CATALOGUE, profile=profile))
    play.run()
    assert play.state == "failed"
    assert "storefront 1 (Storefront 1)" in play.messages()["root_category_gone"]
    assert play.one("SELECT enabled FROM connector") is False
    stage.close()


FAULTS = {
    "the store acts and its answer is lost": {"action": "drop_after_commit"},
    "the connection breaks before the store acts": {"action": "drop_before"},
    "500 before the store acts": {"action": "status_before", "status": 500},
    "502 after the store has acted": {"action": "status_after", "status": 502},
    "429 with headers": {"action": "429", "headers": True},
    "429 without headers": {"action": "429", "headers": False},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_trouble_of_the_store_doubles_nothing_and_loses_nothing(
    config: Settings, play: Play, fault: dict[str, Any], method: str
) -> None:
    undisturbed = Stage(config, haste=50)
    calm = Play(undisturbed, undisturbed.connect(f"bad-{next(_names)}", CATALOGUE))
    calm.run()
    for nth in (2, 5):  # twice at most for one item: the third time it would be left alone
        play.store().faults.add(StoreFault.from_json({"match": {"method": method, "nth": nth}, **fault}))
    play.run()
    assert play.state == "completed"
    stores = play.stage.stores, calm.stage.stores
    assert content(stores[0].snapshot(play.cast.store_hash)) == content(stores[1].snapshot(calm.cast.store_hash))
    assert play.store().created() == calm.store().created()
    undisturbed.close()


@pytest.mark.parametrize("fault", ["drop_after_commit", "status_after"])
def test_a_read_that_lags_behind_the_write_doubles_nothing(config: Settings, play: Play, fault: str) -> None:
    """The store's search does not know yet what was made without an answer: sent again, refused, and adopted then."""
    undisturbed = Stage(config, haste=50)
    calm = Play(undisturbed, undisturbed.connect(f"bad-{next(_names)}", CATALOGUE))
    calm.run()
    play.stage.haste = 10
    play.store().configure(switches={"filter_lag": 3.0 / play.stage.haste})
    for nth in (1, 2, 5):
        play.store().faults.add(StoreFault.from_json({"match": {"method": "POST", "nth": nth}, "action": fault}))
    play.run()
    assert play.state == "completed"
    stores = play.stage.stores, calm.stage.stores
    assert content(stores[0].snapshot(play.cast.store_hash)) == content(stores[1].snapshot(calm.cast.store_hash))
    assert play.store().created() == calm.store().created()
    undisturbed.close()


def test_a_refused_picture_does_not_fail_its_product(config: Settings) -> None:
    stage = Stage(config, haste=50)
    store = {"switches": {"refused_images": ["re:.*0+1\\.jpg"]}}
    play = Play(stage, stage.connect(f"bad-{next(_names)}", CATALOGUE, store=store))
    play.run()
    assert play.products == 12
    assert play.one('SELECT count(*) FROM item_status WHERE problems @> \'[{"code": "image_refused"}]\'') > 0
    assert play.one("SELECT count(*) FROM item_status WHERE outcome = 'failed'") == 0
    stage.close()


def test_an_item_removed_in_the_store_by_hand_is_made_again_with_a_message(play: Play) -> None:
    play.run()
    with as_tenant(play.stage.engine, play.cast.tenant_id) as session:
        victim = session.scalar(text("SELECT store_id FROM relation WHERE kind = 'product' ORDER BY source_id LIMIT 1"))
    remove(play, f"/v3/catalog/products/{victim}")
    assert play.products == 11
    play.run(refresh=True)
    assert play.products == 12
    assert "1 product items were removed" in play.messages()["removed_in_store"]


def remove(play: Play, path: str) -> None:
    """Delete something in the store as a person would in its control panel."""
    with httpx.Client(transport=SandboxTransport(play.stage.stores)) as client:
        url = f"https://store.test/stores/{play.cast.store_hash}{path}"
        assert client.delete(url, headers={"X-Auth-Token": TOKEN}).status_code == 204


def test_a_check_whose_key_is_missing_fails_in_the_register_and_disables_the_connector(play: Play) -> None:
    play.stage.vault = Vault.from_ring("other:" + base64.b64encode(b"x" * 32).decode())
    play.stage.check(play.cast)
    assert play.stage.play(most=5) == ["stopped"]
    assert play.state == "failed"
    assert "stage" in play.messages()["credentials_refused"]
    assert play.one("SELECT enabled FROM connector") is False
    assert play.one("SELECT listed FROM run") is True


def test_a_bug_ends_the_slice_and_the_third_in_a_row_stops_the_run(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError("a bug")
        yield

    monkeypatch.setitem(sequence.SEQUENCE, "link", broken)
    endings = play.run()
    assert endings == ["bug", "bug", "stopped"]
    assert play.state == "failed"
    assert "ZeroDivisionError" in play.messages()["run_trouble"]
    monkeypatch.undo()
    play.run()
    assert play.state == "completed"
    assert play.products == 12


def test_a_step_that_this_version_does_not_know_is_left_to_a_newer_one(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers of two versions during a deploy: the older one meets a run that the newer one has brought further."""
    names = list(sequence.SEQUENCE)
    known = {name: step for name, step in sequence.SEQUENCE.items() if name != "recount"}
    with monkeypatch.context() as older:
        older.setattr(sequence, "SEQUENCE", known)
        older.setattr(sequence, "after", lambda step: names[names.index(step) + 1])
        play.stage.request(play.cast)
        for _ in range(5):
            assert play.stage.play_one() == "neighbour_unwell"
            play.stage.let_time_pass()
    assert play.state == "synchronizing"
    assert "older than the run" in play.messages()["worker_too_old"]
    play.stage.play()
    assert play.state == "completed"


def test_a_disabled_connector_stops_at_its_next_heartbeat_and_goes_on_when_enabled(play: Play) -> None:
    play.store().configure(latency=0.3)
    play.stage.request(play.cast)
    slice_ = threading.Thread(target=play.stage.play_one)
    slice_.start()
    time.sleep(1.0)
    with as_tenant(play.stage.engine, play.cast.tenant_id) as session:
        connectors.disable(session, play.cast.connector_id, "by hand")
    slice_.join(timeout=10)
    assert not slice_.is_alive()
    assert play.one("SELECT ended_why FROM slice_log") == "stopped"
    assert play.state in {"preparing", "prepared", "synchronizing"}
    with as_tenant(play.stage.engine, play.cast.tenant_id) as session:
        connectors.enable(session, play.cast.connector_id)
    play.stage.check(play.cast)
    play.stage.play()
    assert play.state == "completed"
    assert play.products == 12
