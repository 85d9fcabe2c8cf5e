"""The examples of docs/api.md, run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from api.routes import events
from tests.furnished import furnish
from tests.serving import served
from tests.visitors import Door
from worker.ledger.vault import Vault

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
EXAMPLES = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are written for curl; install it")
@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_does_what_it_says(
    example: str,
    door: Door,
    engine: Engine,
    a_connector: Callable[..., Any],
    a_row: Callable[..., int],
    database_url: str,
    key_ring: str,
    vault: Vault,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "STREAM_SECONDS", 0.5)
    there = furnish(engine, a_connector, a_row, vault, tenant="somebody")
    writer = door.writer(there.tenant_id)
    if "/events" in example:
        writer.posts(f"/v1/connectors/{there.connector_id}/runs", status=202)
    with served(cast("FastAPI", door.client.app)) as address:
        script = example.replace("DOOR=https://connect.example.com\n", "").replace(
            "connectors/7", f"connectors/{there.connector_id}"
        )
        # What curl is answered with an error ends the example.
        script = script.replace("curl -s", "curl --fail-with-body -s")
        environment = os.environ | {
            "DOOR": address,
            "KEY": writer.headers["Authorization"].removeprefix("Bearer "),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DATABASE_URL": database_url,
            "CREDENTIAL_KEYS": key_ring,
            "REDIS_URL": "redis://127.0.0.1:1/0",
        }
        ran = subprocess.run(  # noqa: S603 the page's own words
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert ran.returncode == 0, (script, ran.stdout, ran.stderr)
    if "OJ " in example:
        [made] = tmp_path.iterdir()
        assert made.read_text("utf-8").startswith("kind,source_id")
    else:
        assert "{" in ran.stdout
    for name in re.findall(r"# x-request-id: (.+)", example):
        assert f"x-request-id: {name}\n" in ran.stdout.lower()
