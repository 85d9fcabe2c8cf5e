"""The whole service in one house: servers, neighbours, workers, all gone with the `with`."""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import ArgumentError, DBAPIError

from sandbox.demo.serving import free_address, open_door
from sandbox.processes.broker import speak_to
from sandbox.processes.children import Child, Children
from sandbox.processes.trouble import CannotPlay
from sandbox.servers.choose import servers
from sandbox.servers.kept import ServerDidNotStart
from sandbox.stage.database import migrate
from worker.app import app
from worker.ledger.session import engine
from worker.settings import Settings

WORKERS = ("one", "two")
ARGUMENTS = "-A worker.app worker -P threads -c 16 -E --without-gossip --without-mingle"
DEFAULTS = {"SLICE_SECONDS": "4", "SLICE_YIELD_SECONDS": "1", "DRAIN_SECONDS": "5", "LINK_SECONDS": "86400"}
"""Slices so short that the turns can be seen, links that live for a day; the environment wins."""
SECONDS_TO_START = 60.0


@dataclass(slots=True)
class House:
    """Where everything is, in the words of the product's settings."""

    environment: dict[str, str]
    settings: Settings
    engine: Engine
    folder: Path
    workers: list[Child] = field(default_factory=list)
    others: list[Child] = field(default_factory=list)

    def check(self) -> None:
        """CannotPlay where a neighbour or the last worker has ended; one worker alone carries on."""
        for child in self.others:
            if child.has_ended():
                raise child.ended()
        if self.workers and all(worker.has_ended() for worker in self.workers):
            raise self.workers[-1].ended()

    @property
    def has_own_store(self) -> bool:
        """Whether the BigCommerce was started here, and so is empty."""
        return any(child.name == "bigcommerce" for child in self.others)

    @property
    def own(self) -> dict[str, str]:
        """What somebody exports to use the command `connector` beside this demo."""
        names = (
            "DATABASE_URL",
            "MIGRATION_DATABASE_URL",
            "REDIS_URL",
            "SALESLAYER_URL",
            "BIGCOMMERCE_URL",
            "CREDENTIAL_KEYS",
            "PUBLIC_URL",
            *DEFAULTS,
        )
        return {name: self.environment[name] for name in names}


@contextmanager
def house(*, before_the_end: Callable[[], object] = lambda: None) -> Iterator[House]:
    """Everything started and answering; the folder of logs stays where something has failed."""
    folder = Path(tempfile.mkdtemp(prefix="slbc-demo-"))
    try:
        with ExitStack() as stack:
            yield _furnished(stack, folder, before_the_end)
    except Exception as trouble:
        trouble.add_note(f"logs: {folder}")
        raise
    except (KeyboardInterrupt, SystemExit):
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _furnished(stack: ExitStack, folder: Path, before_the_end: Callable[[], object]) -> House:
    try:
        found = stack.enter_context(servers())
        migrate(found.migration_database_url)
    except (ServerDidNotStart, ValueError, DBAPIError, ArgumentError) as trouble:
        raise CannotPlay(f"no database or no Redis to work with: {trouble}") from trouble
    made = {
        **DEFAULTS,
        "PUBLIC_URL": free_address(),
        "CREDENTIAL_KEYS": "demo:" + base64.b64encode(os.urandom(32)).decode(),
    }
    environment = {
        **made,
        **{name: value for name, value in os.environ.items() if value or name not in made},
        "DATABASE_URL": found.database_url,
        "MIGRATION_DATABASE_URL": found.migration_database_url,
        "REDIS_URL": found.redis_url,
        # What listens on this machine is not reached through a proxy.
        "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1,localhost"])),
    }
    children = Children(folder)
    stack.callback(children.stop)
    stack.callback(before_the_end)
    others = _neighbours(children, environment)
    chosen: dict[str, Any] = {name.lower(): value for name, value in environment.items()}
    settings = Settings(**{name: value for name, value in chosen.items() if name in Settings.model_fields})
    opened = engine(settings.database_url)
    stack.callback(opened.dispose)
    house = House(environment, settings, opened, folder, others=others)
    _employ(house, children)
    others.append(open_door(settings.public_url, environment, children))
    return house


def _neighbours(children: Children, environment: dict[str, str]) -> list[Child]:
    """The neighbours that no address was given for, started; the addresses go into the environment."""
    started = {
        name: children.start(module.rpartition(".")[2], module, ["--port", "0"], environment)
        for name, module in (("SALESLAYER_URL", "sandbox.saleslayer"), ("BIGCOMMERCE_URL", "sandbox.bigcommerce"))
        if not environment.get(name)
    }
    for name, child in started.items():
        environment[name] = child.address()
    for name in ("SALESLAYER_URL", "BIGCOMMERCE_URL"):
        environment[name] = environment[name].rstrip("/")
    return list(started.values())


def _employ(house: House, children: Children) -> None:
    """The workers, started and answering."""
    environment = house.environment | ({"C_FORCE_ROOT": "1"} if os.geteuid() == 0 else {})
    speak_to(house.settings.redis_url)
    for name in WORKERS:
        arguments = [*ARGUMENTS.split(), "-n", f"{name}@%h"]
        house.workers.append(children.start(f"worker-{name}", "celery", arguments, environment))
    give_up_at = time.monotonic() + SECONDS_TO_START
    present: set[str] = set()
    while not present.issuperset(WORKERS):
        for worker in house.workers:
            if worker.has_ended():
                raise worker.ended()
        if time.monotonic() > give_up_at:
            raise CannotPlay(f"the workers did not answer after {SECONDS_TO_START:.0f} s")
        present |= {name.partition("@")[0] for answer in app.control.ping(timeout=0.5) or () for name in answer}


def exports(variables: Mapping[str, str]) -> str:
    """The variables as a shell reads them."""
    return "".join(f"export {name}='{value}'\n" for name, value in variables.items())
