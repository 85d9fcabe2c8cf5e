"""The pages on a loopback port: a real server process's application, with a stage that plays slices behind it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from api.app import build
from api.pages.signing import Seals, View
from sandbox.bigcommerce.transport import SandboxTransport as StoreTransport
from sandbox.generator.catalogue import generate
from sandbox.generator.dirt import Dirt
from sandbox.saleslayer.transport import SandboxTransport as SourceTransport
from sandbox.stage.stage import Cast, Stage
from tests.patient import patient_engine
from worker.commands.desk import Desk
from worker.ledger import processes, register
from worker.ledger.session import as_scheduler, as_tenant
from worker.meet import meet
from worker.settings import Settings

SECONDS_TO_END = 150
SECONDS_TO_START = 20.0
HOSTILE = (
    "<script>document.title='ran'</script>",
    '"><img src=x onerror="document.title=\'ran\'">',
    "'; document.title='ran'; '",
    "\u202ereversed\u202c and \u2066isolated\u2069",
    "Wordwithoutanyblank" * 12,
    "{{ 7 * 7 }} {% raw %} &amp; &lt;b&gt;",
    "javascript:document.title='ran'",
    "nul-like \u2400 \\0 %00 \u200b\ufeff",
)
"""Names that must be shown and do nothing."""


def a_catalogue(*, seed: int = 1, products: int = 40, dirty: bool = True, hostile: bool = False) -> dict[str, Any]:
    """A generated catalogue, with some errors; `hostile`: with names that try to be more than names."""
    dirt = Dirt(no_weight=0.05, no_price=0.05, orphans=0.02, duplicate_names=0.05, over_long=0.03) if dirty else Dirt()
    made = generate(
        seed=seed, categories=8, products=products, variants_per_product=(2, 4), dirt=dirt, company_id=6000 + seed
    )
    if hostile:
        _name(made, "catalogue", "section_name")
        _name(made, "products", "product_name")
    return made


def _name(catalogue: Mapping[str, Any], table: str, column: str) -> None:
    """Give every item of the table one of the hostile names, so that none has the same as another."""
    names = [next(iter(one)) if isinstance(one, dict) else one for one in catalogue["data_schema"][table]]
    place = next(at for at, name in enumerate(names) if str(name).startswith(column))
    for number, row in enumerate(catalogue["data"][table]):
        row[place] = f"{HOSTILE[number % len(HOSTILE)]} {number}"


@dataclass(slots=True)
class Looked:
    """The server, its address, and the stage behind it."""

    stage: Stage
    desk: Desk
    address: str
    _plays: threading.Event = field(default_factory=threading.Event)
    _ends: threading.Event = field(default_factory=threading.Event)

    def link(self, cast: Cast, *, name: str = "Ana Pérez", may: Any = "write") -> str:
        """A link that opens the connector's pages, as the HTTP API hands it out."""
        key = Seals(self.desk.vault).link(View(name, may, cast.tenant_id, cast.connector_id))
        return f"{self.address}/connectors/{cast.connector_id}/open?key={key}"

    def operators_link(self, name: str = "Olu (operations)", may: Any = "write") -> str:
        """A link that opens the overview."""
        return f"{self.address}/overview/open?key={Seals(self.desk.vault).link(View(name, may, None, None))}"

    def play(self) -> None:
        """Let the slices be played, one after the other, until `rest`."""
        self._plays.set()

    def rest(self) -> None:
        """Let the slice under way be the last one for now."""
        self._plays.clear()

    def until_ended(self, cast: Cast, run_id: int, *, seconds: float = 40.0) -> register.Entry:
        """The run once it has ended, while the slices are played."""
        self.play()
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at:
            with as_tenant(self.desk.engine, cast.tenant_id) as session:
                found = register.run(session, run_id)
            if found is not None and found.has_ended:
                return found
            time.sleep(0.1)
        raise AssertionError(f"run {run_id} has not ended after {seconds} s")

    def end(self) -> None:
        """Play no more."""
        self._ends.set()

    def work(self) -> None:
        """What the thread of the stage does."""
        with as_scheduler(self.stage.engine) as session:
            begun = processes.begin(session, "stage", slots=4)
        seen = time.monotonic()
        while not self._ends.is_set():
            try:
                if time.monotonic() - seen > 5:
                    seen = time.monotonic()
                    with as_scheduler(self.stage.engine) as session:
                        processes.seen(session, "stage", begun)
                if not self._plays.is_set():
                    time.sleep(0.05)
                elif self.stage.play_one() is None:
                    self.stage.let_time_pass()
                    time.sleep(0.1)
            except SQLAlchemyError:
                # As a worker does: Postgres cuts off who rests in the midst of the scheduler's transaction, and on a
                # machine that is full this thread may rest there for longer than that. What it had comes again.
                time.sleep(0.5)


@contextmanager
def looked_at(settings: Settings) -> Iterator[Looked]:
    """The pages served on a free port, until the end of the `with`."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    chosen = settings.model_copy(update={"public_url": address})
    stage = Stage(chosen, haste=20)
    meeting: Callable[..., Any] = lambda of, vault, redis: meet(  # noqa: E731
        of,
        vault,
        redis,
        source_transport=SourceTransport(stage.sources),
        store_transport=StoreTransport(stage.stores),
        # The stage's own time: in another one, calls of the two would wait for each other's windows.
        sleep=lambda seconds: time.sleep(seconds / stage.haste),
        clock=lambda: time.time() * stage.haste,
    )
    desk = Desk(chosen, stage.messages.append, meeting, connections=patient_engine(chosen.database_url, pool=8))
    config = uvicorn.Config(build(desk), log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    serving.start()
    give_up_at = time.monotonic() + SECONDS_TO_START
    while not server.started:
        assert time.monotonic() < give_up_at, "the server did not start"
        time.sleep(0.02)
    looked = Looked(stage, desk, address)
    working = threading.Thread(target=looked.work, daemon=True)
    working.start()
    try:
        yield looked
    finally:
        looked.end()
        working.join(SECONDS_TO_END)  # a slice that is under way comes to its end first
        server.should_exit = True
        serving.join(10)
        desk.broker.close()
        stage.close()
        listening.close()
