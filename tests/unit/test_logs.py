"""A log line is one line, whatever foreign texts it quotes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from worker import logs
from worker.bigcommerce.client import Client as StoreClient
from worker.catalog.profile import Source as ProfileSource
from worker.catalog.profile import Store as ProfileStore
from worker.errors import RefusedByStore
from worker.ledger.vault import Vault
from worker.saleslayer.client import Client as SourceClient
from worker.settings import Settings

FORGED = "x\n2026-01-01T00:00:00Z [info] all is well\r\x1b[31m\x00\u2028"


@pytest.fixture(autouse=True)
def _afterwards_as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)
    structlog.contextvars.clear_contextvars()


def logged(
    capsys: pytest.CaptureFixture[str], event: str, *, style: str = "json", level: str = "info", **facts: Any
) -> str:
    """What is written to the error stream for one warning."""
    logs.configure(Settings(log_format=style, log_level=level))
    structlog.get_logger().warning(event, **facts)
    return capsys.readouterr().err


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize("facts", [{"answer": FORGED}, {"answers": [FORGED]}, {"answer": {"title": FORGED}}])
def test_foreign_texts_cannot_forge_a_line(
    capsys: pytest.CaptureFixture[str], style: str, facts: dict[str, Any]
) -> None:
    written = logged(capsys, "refused", style=style, **facts)
    assert written.count("\n") == 1
    assert written.rstrip("\n").isprintable()
    assert "all is well" in written, "the text is escaped, not dropped"


@pytest.mark.parametrize("style", ["json", "console"])
def test_the_event_itself_cannot_forge_a_line(capsys: pytest.CaptureFixture[str], style: str) -> None:
    assert logged(capsys, FORGED, style=style).count("\n") == 1


def test_a_foreign_text_in_a_traceback_begins_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_format="console"))
    structlog.get_logger().error("a bug", exc_info=RefusedByStore(422, FORGED))
    first, *rest = capsys.readouterr().err.splitlines()
    assert "a bug" in first
    assert any("all is well" in line for line in rest)
    assert all(line.startswith(" ") for line in rest[1:] if line), "behind the name of the error all is indented"
    assert all(line.isprintable() for line in rest)


def test_plain_texts_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(logged(capsys, "Invitación ✓", step="send", sent=3)) | {"timestamp": ""} == {
        "event": "Invitación ✓",
        "step": "send",
        "sent": 3,
        "level": "warning",
        "timestamp": "",
    }


def test_a_line_says_whose_slice_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    with structlog.contextvars.bound_contextvars(tenant=1, connector=7, slice=3):
        found = json.loads(logged(capsys, "slice ended"))
    assert (found["tenant"], found["connector"], found["slice"]) == (1, 7, 3)
    assert found["timestamp"].endswith("Z")


@pytest.mark.parametrize(("level", "is_shown"), [("debug", True), ("warning", True), ("error", False)])
def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str], level: str, is_shown: bool) -> None:
    assert bool(logged(capsys, "refused", level=level)) is is_shown


@pytest.mark.parametrize("style", ["json", "console"])
def test_what_holds_a_secret_shows_none_when_it_is_logged(capsys: pytest.CaptureFixture[str], style: str) -> None:
    key = "Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2E="
    no_quota: Any = None
    store = StoreClient(base_url="https://store", store_hash="abc", token="canary-token", quota=no_quota)
    source = SourceClient(base_url="https://source", code="CN1", secret="canary-secret")
    written = logged(
        capsys,
        "made",
        style=style,
        store=store,
        source=source,
        settings=Settings(credential_keys=SecretStr(f"k:{key}")),
        vault=Vault.from_ring(f"k:{key}"),
        given=ProfileSource(code="CN1", secret="canary-secret"),
        held=ProfileStore(hash="abc", access_token="canary-token"),
    )
    store.close()
    source.close()
    assert key not in written
    assert "canary" not in written


def test_a_line_that_a_full_disk_refuses_is_lost_and_ends_nothing() -> None:
    writes = (
        "import structlog; from worker import logs; from worker.settings import Settings; logs.configure(Settings())\n"
        "structlog.get_logger().warning('slice ended'); print('went on', flush=True)"
    )
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        said = subprocess.run(  # noqa: S603 our own interpreter
            [sys.executable, "-c", writes], stdout=subprocess.PIPE, stderr=full, timeout=60, check=False
        )
    assert said.stdout == b"went on\n"
