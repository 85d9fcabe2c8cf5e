"""`connector doctor`: what the service stands on, and what is wrong with it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from sqlalchemy import Engine, create_engine, text

from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.servers.redis import EmbeddedRedis
from tests.operators import Operator, in_its_name, with_keys
from worker.ledger import processes, webhooks
from worker.ledger.session import as_scheduler, as_tenant
from worker.ledger.vault import Vault


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis() as started:
        yield started


@pytest.fixture
def healthy(acme: Operator, engine: Engine, server: EmbeddedRedis) -> Iterator[Operator]:
    """An operator in a house where all is in order."""
    broker = redis.Redis.from_url(server.url)
    broker.config_set("maxmemory-policy", "noeviction")
    acme.here.__dict__["broker"] = broker
    with as_scheduler(engine) as session:
        processes.begin(session, "celery@one", slots=16)
    yield acme
    broker.close()


def findings(operator: Operator, code: int = 0) -> dict[tuple[str, str], list[str]]:
    """(what, verdict) -> the sentences."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in operator.reads("doctor", shape="doctor", code=code)["findings"]:
        found.setdefault((one["what"], one["verdict"]), []).append(one["says"])
    return found


def test_a_house_in_order_is_told_so(healthy: Operator) -> None:
    found = findings(healthy)
    assert {verdict for _, verdict in found} == {"ok"}
    assert {what for what, _ in found} == {"settings", "database", "clocks", "schema", "redis", "keys", "workers"}
    assert found["workers", "ok"] == ["1 worker processes with 16 slots."]
    assert "as 'service'" in healthy.says("doctor").stdout


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"slice_yield_seconds": 700.0}, "SLICE_YIELD_SECONDS is longer"),
        ({"lease_seconds": 2.0}, "LEASE_SECONDS is below 5"),
        ({"webhook_private": True}, "WEBHOOK_PRIVATE is on"),
        ({"bigcommerce_url": "http://api.example.com"}, "BIGCOMMERCE_URL is not https"),
        ({"public_url": "http://shop.example.com"}, "PUBLIC_URL is not https"),
    ],
)
def test_settings_that_nobody_means_are_a_warning(healthy: Operator, chosen: dict[str, Any], says: str) -> None:
    healthy.here.settings = healthy.here.settings.model_copy(update=chosen)
    [told] = findings(healthy)["settings", "warning"]
    assert told.startswith(says)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SLICE_SECONDS", "abc", "SLICE_SECONDS: Input should be a valid number"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT: String should match pattern"),
        ("DRAIN_SECONDS", "-1", "DRAIN_SECONDS: Input should be greater than 0"),
        ("REDIS_URL", "http://:canary@redis", "REDIS_URL: it is no address of Redis"),
        ("DATABASE_URL", "mysql://canary@db/x", "DATABASE_URL: it is no address of Postgres"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_in_a_sentence_without_its_value(
    name: str, value: str, says: str
) -> None:
    said = subprocess.run(
        [sys.executable, "-c", "from cli.start import main; main()", "doctor"],
        env=os.environ | {name: value}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert said.returncode == 2
    [sentence] = said.stderr.splitlines()
    assert sentence.startswith(f"connector: {says}")
    assert "canary" not in said.stderr


def test_another_schema_than_the_codes_is_bad(healthy: Operator, migrated: EmbeddedPostgres, engine: Engine) -> None:
    owner = create_engine(migrated.url(str(engine.url.database), "owner"))
    with owner.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '20261123_first'"))
    owner.dispose()
    [says] = findings(healthy, code=1)["schema", "bad"]
    assert says.startswith("The schema is at 20261123_first, the code asks for ")
    assert "alembic upgrade head" in says


def test_a_role_that_sees_everything_is_bad(healthy: Operator, migrated: EmbeddedPostgres, engine: Engine) -> None:
    url = migrated.url(str(engine.url.database), "postgres")
    healthy.here.settings = healthy.here.settings.model_copy(update={"database_url": url})
    healthy.here.__dict__.pop("engine", None)
    [says] = findings(healthy, code=1)["database", "bad"]
    assert "'postgres', for whom row-level security does not hold" in says


def test_a_redis_that_throws_messages_away_or_does_not_answer_is_bad(healthy: Operator) -> None:
    healthy.here.broker.config_set("maxmemory-policy", "allkeys-lru")
    assert "maxmemory-policy is allkeys-lru" in findings(healthy, code=1)["redis", "bad"][0]
    healthy.here.__dict__["broker"] = redis.Redis(port=1, socket_connect_timeout=0.2)
    assert findings(healthy, code=1)["redis", "bad"] == ["Redis does not answer: ConnectionError. Is REDIS_URL right?"]


def test_a_redis_that_is_full_is_bad(healthy: Operator) -> None:
    broker = healthy.here.broker
    broker.config_set("maxmemory", 1)
    try:
        [says] = findings(healthy, code=1)["redis", "bad"]
    finally:
        broker.config_set("maxmemory", 0)
    assert says.startswith("Redis answers and takes nothing, so nothing new begins: ")
    assert "maxmemory" in says
    assert ("redis", "ok") in findings(healthy)


def test_a_key_that_left_the_ring_too_early_is_bad_and_an_older_one_a_warning(healthy: Operator, key_ring: str) -> None:
    healthy.adds()
    broker, new = healthy.here.broker, "new:" + "A" * 43 + "="
    healthy.here = with_keys(healthy, f"{new},{key_ring}")
    healthy.here.__dict__["broker"] = broker
    assert findings(healthy)["keys", "warning"] == [
        "3 secrets are sealed with an older key; `connector reseal` seals them anew."
    ]
    healthy.here = with_keys(healthy, new)
    healthy.here.__dict__["broker"] = broker
    [says] = findings(healthy, code=1)["keys", "bad"]
    assert says == "The key 'test' is not in the ring, and 3 secrets are sealed with it: put it back."
    healthy.here = with_keys(healthy, "")
    healthy.here.__dict__["broker"] = broker
    assert "CREDENTIAL_KEYS is empty" in findings(healthy, code=1)["keys", "bad"][0]


def test_a_key_counts_while_a_secret_before_a_rotation_signs_with_it(
    healthy: Operator, key_ring: str, engine: Engine
) -> None:
    healthy.adds()
    tenant_id, _ = in_its_name(engine)
    ring = f"{key_ring},old:{'B' * 43}="
    with as_tenant(engine, tenant_id) as session:
        webhook, _ = webhooks.add(session, Vault({"old": bytes(32)}), tenant_id, url="https://example.com/")
        webhooks.rotate_secret(session, Vault.from_ring(key_ring), tenant_id, webhook.id)
    broker = healthy.here.broker
    healthy.here = with_keys(healthy, ring)
    healthy.here.__dict__["broker"] = broker
    older = "1 secrets are sealed with an older key; `connector reseal` seals them anew."
    assert findings(healthy)["keys", "warning"] == [older]
    healthy.here = with_keys(healthy, key_ring)
    healthy.here.__dict__["broker"] = broker
    [says] = findings(healthy, code=1)["keys", "bad"]
    assert says == "The key 'old' is not in the ring, and 1 secrets are sealed with it: put it back."
    with as_tenant(engine, tenant_id) as session:
        session.execute(text("UPDATE webhook SET old_until = now()"))
    assert ("keys", "bad") not in findings(healthy)


def test_no_worker_is_bad_and_a_broken_turn_a_warning(healthy: Operator, engine: Engine) -> None:
    healthy.adds()
    with as_scheduler(engine) as session:
        session.execute(text("UPDATE worker_process SET seen_at = now() - interval '1 hour'"))
        session.execute(text("UPDATE turn SET state = 'broken'"))
    found = findings(healthy, code=1)
    assert found["workers", "bad"] == ["No worker process is there: start one."]
    assert found["workers", "warning"][0].startswith("1 turns are broken")


def test_a_clock_that_is_off_is_told(healthy: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time
    fast: Any = lambda: now() + 60  # noqa: E731
    monkeypatch.setattr(time, "time", fast)
    assert findings(healthy)["clocks", "warning"][0].startswith("The clock of Postgres is 60 s behind this machine's")


def test_a_database_that_is_away_is_told_and_the_rest_looked_at(healthy: Operator) -> None:
    url = "postgresql+psycopg2://service@127.0.0.1:1/nowhere"
    healthy.here.settings = healthy.here.settings.model_copy(update={"database_url": url})
    healthy.here.__dict__.pop("engine", None)
    found = findings(healthy, code=1)
    assert found["database", "bad"][0].startswith("The database 'nowhere' at 127.0.0.1:1 does not do it: ")
    assert ("redis", "ok") in found
    assert ("keys", "ok") in found
