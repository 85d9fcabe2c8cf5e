"""Settings come from the environment, once, and are checked."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from worker.settings import Settings, settings

ROOT = Path(__file__).parents[2]


def test_the_names_that_tools_rely_on_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "DATABASE_URL": "postgresql+psycopg2://a",
        "MIGRATION_DATABASE_URL": "postgresql+psycopg2://b",
        "REDIS_URL": "redis://c",
        "SALESLAYER_URL": "https://d",
        "BIGCOMMERCE_URL": "https://e",
        "SLICE_SECONDS": "61",
        "SLICE_YIELD_SECONDS": "62",
        "LEASE_SECONDS": "63",
        "DRAIN_SECONDS": "64",
    }
    for name, value in (told | {"CREDENTIAL_KEYS": "k:canary"}).items():
        monkeypatch.setenv(name, value)
    found = Settings()
    assert {name: str(getattr(found, name.casefold())).removesuffix(".0") for name in told} == told
    assert found.credential_keys.get_secret_value() == "k:canary"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_a_database_url_as_providers_write_it_names_the_driver(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://service@db/connector")
    assert Settings().database_url == "postgresql+psycopg2://service@db/connector"


def test_a_slice_lasts_ten_minutes_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLICE_SECONDS", raising=False)
    monkeypatch.delenv("SLICE_YIELD_SECONDS", raising=False)
    assert (Settings().slice_seconds, Settings().slice_yield_seconds) == (600, 60)


@pytest.mark.parametrize(("lease", "heartbeat"), [(25, 6), (24, 6), (8, 2), (600, 6)])
def test_the_heartbeat_is_a_quarter_of_the_lease_and_6_seconds_at_most(lease: float, heartbeat: float) -> None:
    assert Settings(lease_seconds=lease).heartbeat_seconds == heartbeat


@pytest.mark.parametrize(
    "wrong",
    [
        {"slice_seconds": 0},
        {"lease_seconds": -1},
        {"door_size": 0},
        {"calls_in_flight": 49},
        {"log_format": "xml"},
        {"database_pool": 0},
    ],
)
def test_a_setting_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_settings_do_not_change_while_the_process_lives() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().slice_seconds = 1  # type: ignore[misc]
    assert settings() is settings()


def test_the_keys_are_not_shown() -> None:
    found = Settings(credential_keys=SecretStr("k:canary"))
    for shown in (repr(found), str(found.model_dump()), found.model_dump_json()):
        assert "canary" not in shown


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described(name: str) -> None:
    assert Settings.model_fields[name].description


def test_no_other_module_reads_the_environment() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("models", "worker", "cli", "api")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert readers == set()
