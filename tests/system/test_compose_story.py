"""The stories that docs/operations.md tells of docker-compose.yml, in their own words."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import composing
from tests.composing import ROOT, SERVICES, Machine, becomes_healthy, done, started

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
SECTION = PAGE[PAGE.index("## docker-compose.yml") : PAGE.index("## Is all in order")]
STORIES = dict(re.findall(r"<!-- story: (\w+) -->\n```sh\n(.*?)```", SECTION, re.DOTALL))
ENVIRONMENT = re.findall(r"```sh\n(\(\n +umask.*?)```", SECTION, re.DOTALL)[0]
DOCKER = """#!{python}
import json, os, sys
words = sys.argv[1:]
assert words.pop(0) == "compose"
options = []
while words[0] not in ("up", "exec"):
    options.append(words.pop(0))
if words.pop(0) == "exec":
    assert words.pop(0) == "-T"
    told = json.load(open(os.path.join(os.environ["MACHINE"], "surroundings.json")))[words.pop(0)]
    os.chdir({place!r})
    os.execvpe(words[0], words, told)
"""
"""`docker compose exec` runs a command beside the service's; what `up` starts is started by the test."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where .env is, made as the page says."""
    made = tmp_path_factory.mktemp("compose")
    scenes = [ENVIRONMENT, *re.findall(r"^echo .* >> \.env$", STORIES["sandbox"], re.MULTILINE)]
    for scene in scenes:
        subprocess.run(["/bin/sh", "-eu", "-c", scene], cwd=made, check=True)  # noqa: S603 the page's own words
    return made


def given(folder: Path) -> dict[str, str]:
    """What stands in .env."""
    lines = (folder / ".env").read_text("utf-8").splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


@pytest.fixture(scope="module")
def machine(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """All that `docker compose --profile sandbox up` starts, under way."""
    up = re.search(r"docker compose (.*) up ", STORIES["sandbox"])
    assert up is not None
    profile = up[1].removeprefix("--profile ")
    with composing.machine(tmp_path_factory.mktemp("bin"), given=given(folder)) as made, ExitStack() as stack:
        for service in ("roles", "migrate"):
            done(made, service)
        asked_for = {name for name, spec in SERVICES.items() if profile in spec.get("profiles", [profile])}
        lasting = asked_for - {"roles", "migrate", "postgres", "redis"}
        assert lasting == {"worker", "api", "saleslayer", "bigcommerce"}
        for service in lasting:
            becomes_healthy(made, service, stack.enter_context(started(made, service)))
        docker = made.folder / "docker"
        docker.write_text(DOCKER.format(python=sys.executable, place=str(made.place)))
        docker.chmod(0o755)
        told = {name: made.surroundings(name) for name in lasting}
        (made.folder / "surroundings.json").write_text(json.dumps(told))
        yield made


def plays(story: str, machine: Machine, folder: Path) -> str:
    """What the story's commands print."""
    script = STORIES[story].replace("127.0.0.1:8000", f"127.0.0.1:{machine.port('8000')}")
    surroundings = os.environ | {"PATH": f"{machine.folder}:{os.environ['PATH']}", "MACHINE": str(machine.folder)}
    ran = subprocess.run(  # noqa: S603 the page's own words
        ["/bin/bash", "-euo", "pipefail", "-c", script],
        env=surroundings, cwd=folder, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, (ran.stdout, ran.stderr)
    return ran.stdout


def asked(machine: Machine, path: str, **headers: str) -> Any:
    """What the simulated store holds."""
    found = httpx.get(f"http://127.0.0.1:{machine.port('8300')}{path}", headers=headers, trust_env=False)
    found.raise_for_status()
    return found.json()


def test_what_stands_in_env_is_for_its_owner_alone(folder: Path) -> None:
    assert (folder / ".env").stat().st_mode & 0o077 == 0
    told = given(folder)
    assert {"POSTGRES_PASSWORD", "OWNER_PASSWORD", "SERVICE_PASSWORD", "REDIS_PASSWORD"} < set(told)
    assert len(set(told.values())) == len(told)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page is written for curl; install it")
@pytest.mark.timeout(600)
def test_the_sandbox_is_tried_without_accounts_and_seen_in_the_register_and_the_pages(
    machine: Machine, folder: Path
) -> None:
    printed = plays("sandbox", machine, folder)
    assert "connector shop added with id 1" in printed
    assert re.search(r"\bcompleted_with_errors\b", printed), printed
    held = asked(machine, "/stores/trial/v3/catalog/products?limit=1", **{"X-Auth-Token": "token"})
    assert 75 < held["meta"]["pagination"]["total"] <= 100
    link = json.loads(plays("pages", machine, folder))["url"]
    address = re.sub(r"^http://[^/]+", f"http://127.0.0.1:{machine.port('8000')}", link)
    with httpx.Client(follow_redirects=True, trust_env=False) as browser:
        page = browser.get(address)
    assert page.status_code == 200
    assert "shop" in page.text
