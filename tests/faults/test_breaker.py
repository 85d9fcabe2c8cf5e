"""A neighbour that stays away is left in peace for longer each time; refused credentials are not tried again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from sandbox.bigcommerce.faults import Fault as StoreFault
from sandbox.generator.catalogue import generate
from sandbox.saleslayer.switches import Fault, Switches
from sandbox.stage.stage import Cast, Stage
from tests import scraping
from worker.ledger import connectors, overview, rests, turns
from worker.ledger.rests import Neighbour
from worker.ledger.session import as_scheduler, as_tenant
from worker.metrics import slices
from worker.scheduling.breaker import LONGEST_REST, seconds_of_rest
from worker.scheduling.slice import Slice
from worker.settings import Settings
from worker.steps.toolbox import Save

CATALOGUE = generate(seed=5, categories=3, products=8, variants_per_product=2)
_names = count()


class Scene:
    """A stage with connectors whose neighbours fail."""

    def __init__(self, config: Settings) -> None:
        self.stage = Stage(config, haste=50)
        self.cast = self.connect()
        self.store = self.stage.stores.store(self.cast.store_hash)

    def connect(self, store_hash: str | None = None, *, catalogue: Mapping[str, Any] = CATALOGUE) -> Cast:
        """One more connector, to a store of its own or to this one."""
        return self.stage.connect(f"breaker-{next(_names)}", catalogue, store_hash=store_hash)

    def store_is_down(self, **match: Any) -> None:
        """The store answers 503 until `store_is_up`."""
        fault = {"match": match, "action": "status_before", "status": 503, "times": None}
        self.store.faults.add(StoreFault.from_json(fault))

    def store_is_up(self) -> None:
        """It answers again."""
        self.store.faults.clear()

    def at_the_first_product(self, happens: Callable[[], object]) -> None:
        """Let this happen when the store is to create its first product, before it does."""
        arrived, left = self.stage.stores.handle, [happens]

        def handle(request: Any) -> Any:
            if left and request.method == "POST" and request.path.endswith("/catalog/products"):
                left.pop()()
            return arrived(request)

        self.stage.stores.handle = handle  # type: ignore[method-assign]

    def source_says(self, *faults: Fault) -> None:
        """The source fails in this way; in none, it is well."""
        self.stage.sources.set_switches(self.cast.code, Switches(faults=faults))

    def rest(self, cast: Cast | None = None) -> float | None:
        """Seconds until its neighbours are called again."""
        cast = cast or self.cast
        with as_scheduler(self.stage.engine) as session:
            until = next(
                one.rests_until for one in overview.standings(session) if one.connector_id == cast.connector_id
            )
        return None if until is None else (until - datetime.now(UTC)).total_seconds()

    def turn(self, column: str) -> Any:
        """A column of the connector's turn, or of its store's."""
        with as_scheduler(self.stage.engine) as session:
            return session.scalar(
                text(f"SELECT {column} FROM turn u JOIN store_turn s USING (store_hash) WHERE connector_id = :id"),  # noqa: S608
                {"id": self.cast.connector_id},
            )

    def messages(self) -> list[tuple[str, str]]:
        """(code, text) of all the connector's runs."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return [(row[0], row[1]) for row in session.execute(text("SELECT code, text FROM run_message ORDER BY id"))]

    def state(self) -> str:
        """The last run's state."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            return str(session.scalar(text("SELECT state FROM run ORDER BY id DESC LIMIT 1")))

    def enabled(self) -> bool:
        """Whether the connector is switched on."""
        with as_tenant(self.stage.engine, self.cast.tenant_id) as session:
            found = connectors.load(session, self.cast.connector_id)
        assert found is not None
        return found.enabled

    def calls(self) -> tuple[int, int]:
        """(calls at the source, at the store) so far."""
        return len(self.stage.sources.log(self.cast.code)), len(self.store.log.entries)


@pytest.fixture
def scene(config: Settings) -> Iterator[Scene]:
    opened = Scene(config)
    with as_scheduler(opened.stage.engine) as session:
        # The connectors of other tests keep to themselves.
        session.execute(
            text("UPDATE turn SET state = 'parked', not_before = 'infinity' WHERE connector_id <> :id"),
            {"id": opened.cast.connector_id},
        )
    yield opened
    opened.stage.close()


# ---- how long


def test_a_rest_doubles_up_to_half_an_hour_and_half_of_it_is_chance() -> None:
    for failures, longest in enumerate([30, 60, 120, 240, 480, 960, 1800, 1800], 1):
        drawn = [seconds_of_rest(failures, 0.0, random.Random(seed)) for seed in range(200)]
        assert longest / 2 <= min(drawn) < 0.6 * longest
        assert 0.9 * longest < max(drawn) <= longest
    assert seconds_of_rest(10_000, 0.0, random.Random(1)) <= LONGEST_REST


def test_what_the_neighbour_has_asked_for_is_kept_where_it_is_longer() -> None:
    drawn = [seconds_of_rest(1, 600.0, random.Random(seed)) for seed in range(200)]
    assert 600 <= min(drawn) < max(drawn) <= 660
    assert seconds_of_rest(7, 600.0, random.Random(1)) >= 900


# ---- the store


def test_a_store_that_stays_away_rests_longer_each_time_and_says_so_in_one_message(scene: Scene) -> None:
    scene.store_is_down()
    scene.stage.request(scene.cast)
    opened = scraping.count(slices.RESTS, Neighbour.STORE)
    asked = []
    for longest in (30, 60, 120, 240, 480, 960, 1800, 1800):
        before = scene.calls()[1]
        assert scene.stage.play_one() == "neighbour_unwell"
        asked.append(scene.calls()[1] - before)
        rest = scene.rest()
        assert rest is not None
        assert longest / 2 - 2 <= rest <= longest
        assert scene.stage.let_time_pass()
    assert scraping.count(slices.RESTS, Neighbour.STORE) == opened + 8
    assert set(asked) == {4}, "one call goes first, and is tried four times"
    ((code, said),) = scene.messages()
    assert code == "store_unwell"
    assert "503" in said
    assert "8 times in a row" in said
    assert f"{datetime.now(UTC):%Y-}" in said
    assert (scene.turn("u.state"), scene.turn("u.attempts")) == ("dispatched", 0), "not broken"
    scene.store_is_up()
    scene.stage.play()
    assert scene.state() == "completed"
    assert scene.turn("s.failures") == 0
    assert scene.rest() is None


def test_a_store_that_dies_in_the_middle_of_sending_gets_few_more_calls_and_the_run_ends_well(scene: Scene) -> None:
    scene.at_the_first_product(scene.store_is_down)
    scene.stage.request(scene.cast)
    assert scene.stage.play_one() == "neighbour_unwell"
    failed = [one.status for one in scene.store.log.entries].count(503)
    assert failed <= 8 + 4 * scene.stage.settings.calls_in_flight, "each creation once, and their first looking up"
    for failures in (2, 3):
        before = scene.calls()[1]
        assert scene.stage.let_time_pass()
        assert scene.stage.play_one() == "neighbour_unwell"
        assert scene.calls()[1] - before <= 8
        assert scene.turn("s.failures") == failures
    scene.store_is_up()
    scene.stage.play()
    assert scene.state() == "completed"
    assert len(scene.stage.stores.snapshot(scene.cast.store_hash)["products"]) == 8


def test_what_is_given_back_unsent_is_no_progress(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is read and takes nothing rests longer each time, however much was marked and not sent."""
    many = generate(seed=6, categories=2, products=90, variants_per_product=0)
    scene.cast = scene.connect(catalogue=many)
    scene.store = scene.stage.stores.store(scene.cast.store_hash)
    scene.stage.request(scene.cast)
    scene.stage.play()
    for row in many["data"]["products"]:
        scene.stage.sources.edit(scene.cast.code, "products", row[1], {"product_price": "7.5"})
    scene.store_is_down(method="PUT")
    scene.store_is_down(path="/v2/store")
    scene.stage.request(scene.cast)
    saved: list[bool] = []
    save = Slice._save

    def noted(this: Slice, one: Save, *, step: str | None) -> None:
        saved.append(one.gets_on and step is not None)
        save(this, one, step=step)

    monkeypatch.setattr(Slice, "_save", noted)
    for failures in (1, 2, 3):
        saved.clear()
        assert scene.stage.play_one() == "neighbour_unwell"
        assert scene.turn("s.failures") == failures
        assert scene.stage.let_time_pass()
    assert saved, "portions were marked and given back"
    assert not any(saved)
    scene.store_is_up()
    scene.stage.play()
    assert scene.state() == "completed"


def test_a_store_that_is_down_is_not_asked_for_smaller_and_smaller_pages(scene: Scene) -> None:
    scene.store_is_down(path="/v3/catalog/products")
    scene.store_is_down(path="/v2/store")
    scene.stage.request(scene.cast)
    scene.stage.play_one()
    before = scene.calls()[1]
    scene.stage.let_time_pass()
    scene.stage.play_one()
    assert scene.calls()[1] - before <= 8


def test_no_other_connector_of_the_store_is_dispatched_while_it_rests(scene: Scene) -> None:
    other = scene.connect(scene.cast.store_hash)
    elsewhere = scene.connect()
    scene.store_is_down()
    scene.stage.request(scene.cast)
    assert scene.stage.play_one() == "neighbour_unwell"
    scene.stage.request(other)
    assert scene.stage.messages == []
    assert scene.rest(other) == pytest.approx(scene.rest(), abs=1)
    scene.stage.request(elsewhere)
    assert [one.connector_id for one in scene.stage.messages] == [elsewhere.connector_id]
    scene.stage.messages.clear()
    scene.stage.let_time_pass()
    probes = [one for one in scene.stage.messages if one.connector_id != elsewhere.connector_id]
    assert len(probes) == 1, "the next slice is the probe, and the only one"


def test_a_request_meanwhile_waits_for_the_end_of_the_rest(scene: Scene) -> None:
    scene.store_is_down()
    scene.stage.request(scene.cast)
    scene.stage.play_one()
    calls = scene.calls()
    scene.stage.request(scene.cast)
    assert scene.turn("u.state") == "ready"
    assert scene.stage.play_one() is None
    assert scene.calls() == calls


def test_who_waits_for_a_store_that_rests_drives_nobody_from_its_worker(scene: Scene) -> None:
    scene.store_is_down()
    scene.stage.request(scene.cast)
    scene.stage.play_one()
    scene.stage.request(scene.cast)
    rich = scene.connect()
    scene.stage.request(rich)
    (one,) = scene.stage.messages
    with as_tenant(scene.stage.engine, one.tenant_id) as session:
        assert turns.claim(session, one.connector_id, one.epoch, lease=60, worker="w")
    with as_scheduler(scene.stage.engine) as session:
        session.execute(
            text("UPDATE turn SET tag = 1e9, started_at = now() - interval '1 h' WHERE connector_id = :id"),
            {"id": rich.connector_id},
        )
        assert not turns.is_wanted(session, rich.connector_id, one.epoch, quantum=60.0, ttl=150.0)
        session.execute(text("UPDATE store_turn SET not_before = '-infinity'"))
        assert turns.is_wanted(session, rich.connector_id, one.epoch, quantum=60.0, ttl=150.0)


def test_quota_and_refused_items_are_no_failures(scene: Scene) -> None:
    scene.store.faults.add(
        StoreFault.from_json({"match": {"method": "POST", "nth": 2}, "action": "status_before", "status": 422})
    )
    scene.store.faults.add(StoreFault.from_json({"match": {"nth": 9}, "action": "429", "headers": True}))
    scene.stage.request(scene.cast)
    scene.stage.play()
    assert scene.turn("s.failures") == 0
    assert not {"store_unwell", "source_unwell"} & {code for code, _ in scene.messages()}


def test_a_slice_that_got_on_before_the_store_failed_begins_the_count_anew(scene: Scene) -> None:
    scene.store_is_down(method="GET", path="/v2/store")
    scene.stage.request(scene.cast)
    with as_scheduler(scene.stage.engine) as session:
        session.execute(text("UPDATE store_turn SET failures = 6 WHERE store_hash = :h"), {"h": scene.cast.store_hash})
    scene.store_is_up()
    scene.store_is_down(path="/v3/catalog/products")
    scene.stage.play_one()
    assert scene.turn("s.failures") == 1


def test_a_slice_that_lost_its_turn_counts_nothing(scene: Scene) -> None:
    with as_scheduler(scene.stage.engine) as session:
        lost = rests.count_failure(session, Neighbour.STORE, scene.cast.connector_id, 999, is_first=False)
    assert lost is None
    assert scene.turn("s.failures") == 0


# ---- the source


def test_a_source_that_stays_away_rests_for_its_connector_alone(scene: Scene) -> None:
    sibling = scene.connect(scene.cast.store_hash)
    scene.source_says(Fault("http", times=None, status=503))
    scene.stage.request(scene.cast)
    for longest in (33, 60, 120):
        before = scene.calls()
        assert scene.stage.play_one() == "neighbour_unwell"
        assert scene.calls() == (before[0] + 1, before[1])
        rest = scene.rest()
        assert rest is not None
        assert longest / 2 - 2 <= rest <= longest
        assert scene.rest(sibling) is None
        scene.stage.request(scene.cast)
        assert scene.stage.messages == [], "a request wakes the connector, and the rest stands"
        scene.stage.let_time_pass()
    assert "3 times in a row" in dict(scene.messages())["source_unwell"]
    scene.source_says()
    scene.stage.play()
    assert scene.state() in {"completed", "unchanged"}
    assert scene.turn("u.source_failures") == 0


def test_a_source_that_says_come_later_is_asked_then_and_not_before(scene: Scene) -> None:
    scene.source_says(Fault("error", error=10, times=None))
    scene.stage.request(scene.cast)
    scene.stage.play_one()
    rest = scene.rest()
    assert rest is not None
    assert 598 <= rest <= 660


def test_a_check_that_meets_a_lasting_outage_is_seen_in_the_register(scene: Scene) -> None:
    scene.source_says(Fault("http", times=None, status=503))
    scene.stage.check(scene.cast)
    listed = []
    for _ in range(2):
        scene.stage.play_one()
        with as_tenant(scene.stage.engine, scene.cast.tenant_id) as session:
            listed.append(session.scalar(text("SELECT listed FROM run")))
        scene.stage.let_time_pass()
    assert listed == [False, True]


# ---- credentials


def test_a_refused_token_is_tried_once_and_by_nobody_again(scene: Scene) -> None:
    scene.store.configure(token="another-token-altogether")
    scene.stage.request(scene.cast)
    scene.stage.play()
    refused = [one.status for one in scene.store.log.entries]
    assert refused == [401]
    assert not scene.enabled()
    calls = scene.calls()
    scene.stage.request(scene.cast)
    scene.stage.check(scene.cast)
    scene.stage.play()
    assert scene.calls() == calls
    assert [code for code, _ in scene.messages()] == ["credentials_refused"]


def test_a_token_that_is_taken_away_while_calls_are_in_the_air_gets_no_call_more(scene: Scene) -> None:
    scene.store.configure(latency=0.05)
    scene.at_the_first_product(lambda: scene.store.configure(token="another-token-altogether"))
    scene.stage.request(scene.cast)
    scene.stage.play()
    statuses = [one.status for one in scene.store.log.entries]
    assert 1 <= statuses.count(401) <= scene.stage.settings.calls_in_flight
    assert not scene.enabled()
    calls = scene.calls()
    scene.stage.request(scene.cast)
    scene.stage.play()
    assert scene.calls() == calls


def test_a_follow_up_of_a_run_with_refused_credentials_calls_nobody(scene: Scene) -> None:
    scene.stage.sources.put_connector(scene.cast.code, secret="f" * 32)
    scene.stage.request(scene.cast)
    with as_tenant(scene.stage.engine, scene.cast.tenant_id) as session:
        session.execute(text("UPDATE run SET state = 'preparing'"))
    scene.stage.request(scene.cast)
    scene.stage.play()
    assert scene.calls() == (1, 0)
    assert not scene.enabled()
    with as_tenant(scene.stage.engine, scene.cast.tenant_id) as session:
        assert set(session.scalars(text("SELECT state FROM run"))) == {"failed"}


def test_a_source_that_prepares_its_data_does_not_fail_and_is_asked_when_it_said(scene: Scene) -> None:
    scene.source_says(Fault("error", error=14, times=None))
    scene.stage.request(scene.cast)
    for _ in range(4):
        assert scene.stage.play_one() == "neighbour_unwell"
        due = scene.turn("CAST(extract(epoch FROM u.not_before - now()) AS float8)")
        assert 160 < due < 200
        assert scene.rest() is None
        with as_scheduler(scene.stage.engine) as session:
            session.execute(
                text("UPDATE turn SET not_before = now() WHERE connector_id = :id"), {"id": scene.cast.connector_id}
            )
        scene.stage.let_time_pass()
    assert [code for code, _ in scene.messages()] == ["source_unwell"]
    scene.source_says()
    scene.stage.play()
    assert scene.state() == "completed"
