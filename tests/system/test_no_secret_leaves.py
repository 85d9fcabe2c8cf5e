"""A secret that is put in as a credential comes out nowhere but at its own neighbour (law 13).

The whole service is played with real processes: the door, a worker that logs all it can, Flower, Redis, Postgres. What
each of them says, keeps and sends is gathered, and no secret is in it.
"""

from __future__ import annotations

import base64
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
import redis
from sqlalchemy import create_engine, text

from models.vocabulary import ENDED
from sandbox.chaos.ground import Ground, ground
from sandbox.processes.children import Child
from sandbox.saleslayer import example
from sandbox.stage.stage import KEY_RING
from tests.service import a_tenant

SOURCE, TOKEN = "canary-source-4f1c9a", "canary-token-77aa02"
WRONG = "canary-wrong-token-5b5b"
SECONDS = 90.0
FORM = {"SOURCE": SOURCE, "TOKEN": TOKEN, "WRONG": WRONG, "KEY": KEY_RING.partition(":")[2]}
PAGES = ("", "/settings", "/items", "/items.csv", "/items/product/{item}", "/runs/{run}", "/runs/{run}/now")
PLACES = ("logs", "pages", "answers", "refusals", "redis", "messages", "flower", "postgres")


@dataclass
class Gathered:
    """What was said, kept or sent, by where."""

    of: dict[str, str] = field(default_factory=lambda: dict.fromkeys(PLACES, ""))
    key: str = ""
    webhook: str = ""
    link: str = ""

    def add(self, place: str, said: object) -> None:
        self.of[place] += f"{said}\n"


@dataclass
class Played:
    """The service under way, and somebody who asks it."""

    ground: Ground
    door: httpx.Client
    flower: httpx.Client
    gathered: Gathered

    def asks(self, method: str, path: str, *, status: int, body: Any = None) -> Any:
        """The answer, which is gathered with its headers."""
        answer = self.door.request(method, path, json=body)
        assert answer.status_code == status, answer.text
        self.gathered.add("answers" if status < 400 else "refusals", f"{answer.headers} {answer.text}")
        return answer.json() if answer.content else None

    def run(self, connector: int) -> dict[str, Any]:
        """A run, to its end."""
        run = self.asks("POST", f"/v1/connectors/{connector}/runs", status=202)["run"]
        give_up_at = time.monotonic() + SECONDS
        while time.monotonic() < give_up_at:
            found = self.door.get(f"/v1/connectors/{connector}/runs/{run}").json()
            if found["state"] in ENDED:
                return dict(found)
            time.sleep(0.2)
        raise AssertionError(f"run {run} has not ended: {found}")


@pytest.fixture(scope="module")
def gathered() -> Iterator[Gathered]:
    """All that came of a connector added, run, refused and looked at."""
    with ground(durable=False) as opened:
        database = opened.database("played")
        environment = opened.environment(database) | {"LOG_LEVEL": "debug", "LOG_FORMAT": "json"}
        environment |= {"FLOWER_UNAUTHENTICATED_API": "true", "PACEMAKER_SECONDS": "0.2"}
        environment |= {"C_FORCE_ROOT": "1"} if os.geteuid() == 0 else {}
        found = Gathered(key=a_tenant(database)[1])
        stopped = threading.Event()
        listener = threading.Thread(target=listen, args=(opened.redis.url, found, stopped))
        listener.start()
        try:
            children = {name: start(opened, name, environment) for name in ("api", "flower", "worker")}
            with client(children["api"][1], found.key) as door, client(children["flower"][1]) as flower:
                played = Played(opened, door, flower, found)
                play(played)
                look_at_everything(played)
            look_into(opened, found)
            opened.children.stop()
            for name, (child, _) in children.items():
                said = child.log.read_text(errors="replace")
                assert name == "flower" or said, f"{name} has said nothing"
                found.add("logs", said)
        finally:
            stopped.set()
            listener.join(10)
        yield found


def start(opened: Ground, name: str, environment: Mapping[str, str]) -> tuple[Child, str]:
    """The process and its address, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    module, words = {
        # As docker-compose.yml starts it: an access log would hold what opens a page for some minutes.
        "api": ("uvicorn", f"api.main:app --port {port} --log-level debug --no-access-log"),
        "flower": ("celery", f"-A worker.app flower --address=127.0.0.1 --port={port}"),
        "worker": ("celery", "-A worker.app worker -P threads -c 4 -E -l debug --without-gossip --without-mingle"),
    }[name]
    child = opened.children.start(name, module, words.split(), environment)
    address = f"http://127.0.0.1:{port}"
    give_up_at = time.monotonic() + SECONDS
    while name != "worker":
        with suppress(httpx.HTTPError), client(address) as asking:
            asking.get("/livez" if name == "api" else "/healthcheck").raise_for_status()
            break
        assert not child.has_ended(), child.ended()
        assert time.monotonic() < give_up_at, f"{name} does not answer"
        time.sleep(0.1)
    return child, address


def client(address: str, key: str | None = None) -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(base_url=address, headers=headers, timeout=30, trust_env=False)


def listen(url: str, found: Gathered, stopped: threading.Event) -> None:
    """Gather every command that Redis gets: what is published goes through it."""
    at = urlsplit(url)
    with socket.create_connection((str(at.hostname), int(at.port or 6379)), timeout=0.3) as listening:
        listening.sendall(b"MONITOR\r\n")
        while not stopped.is_set():
            with suppress(TimeoutError):
                found.add("messages", listening.recv(65536).decode(errors="replace"))


def play(played: Played) -> None:
    """A connector is added with the secrets, runs well, and is refused by its store."""
    near = played.ground.neighbours
    with httpx.Client(timeout=30, trust_env=False) as ask:
        source = {"secret": SOURCE, "catalogue": example.catalogue()}
        ask.put(f"{near.source}/_control/connectors/CN1", json=source).raise_for_status()
        ask.put(f"{near.store}/_control/stores/abc", json={"token": TOKEN, "plan": "Enterprise"}).raise_for_status()
    given = {
        "name": "spring-shop",
        "source": {"code": "CN1", "secret": SOURCE},
        "store": {"hash": "abc", "access_token": TOKEN},
    }
    for wrong in (
        given | {"name": TOKEN.upper()},
        given | {"store": {"hash": TOKEN, "access_token": {"token": TOKEN}}},
        given | {"language": [SOURCE]},
        given | {"storefronts": [{"storefront": TOKEN}], "brake": SOURCE},
        [SOURCE],
    ):
        played.asks("POST", "/v1/connectors", status=422, body=wrong)
    made = played.asks("POST", "/v1/connectors", status=201, body=given)["id"]
    # The one answer that tells it is not gathered.
    hook = played.door.post("/v1/webhooks", json={"url": "https://hooks.example.com/"}).json()
    played.gathered.webhook = hook["secret"]
    played.asks("POST", f"/v1/connectors/{made}/validate", status=200)
    assert played.run(made)["state"] in {"completed", "completed_with_errors"}
    other = {"store": {"hash": "abc", "access_token": WRONG}}
    played.asks("PUT", f"/v1/connectors/{made}/credentials", status=204, body=other)
    told = played.asks("POST", f"/v1/connectors/{made}/validate", status=200)
    assert "refuses the access token" in str(told)
    assert played.run(made)["state"] in {"failed", "unchanged"}


def look_at_everything(played: Played) -> None:
    """Every operation that reads, and every page of Flower."""
    document = played.door.get("/openapi.json").json()
    made = played.door.get("/v1/connectors").json()["connectors"][0]["id"]
    run = played.door.get(f"/v1/connectors/{made}/runs").json()["runs"][-1]["id"]
    item = played.door.get(f"/v1/connectors/{made}/items?kind=product").json()["items"][0]["source_id"]
    known = {"{connector_id}": str(made), "{run_id}": str(run), "{kind}": "product", "{source_id}": str(item)}
    asked = 0
    for path, operations in document["paths"].items():
        if "get" not in operations or "text/event-stream" in str(operations["get"]["responses"]):
            continue
        filled = path
        for name, value in known.items():
            filled = filled.replace(name, value)
        answer = played.door.get(filled)
        # The store refuses the wrong token still.
        assert answer.status_code < 500 or answer.json()["code"] == "neighbour_unreachable", (path, answer.text)
        asked += answer.status_code == 200
        played.gathered.add("answers", f"{path} {answer.text}")
    assert asked >= 8
    look_at_the_pages(played, made, run, item)
    workers = list(played.flower.get("/api/workers?refresh=1").json())
    tasks = list(played.flower.get("/api/tasks").json())
    assert workers
    assert tasks
    for path in ("/", "/workers", "/tasks", "/broker", "/api/tasks", "/api/workers", f"/worker/{workers[0]}"):
        played.gathered.add("flower", played.flower.get(path).text)
    for task in tasks[:20]:
        answer = played.flower.get(f"/task/{quote(task)}")
        assert answer.status_code == 200
        played.gathered.add("flower", answer.text)


def look_at_the_pages(played: Played, connector: int, run: int, item: int) -> None:
    """Every page, as somebody who came by a link, and may act."""
    asked = {"name": "Ana", "may": "write"}
    link = urlsplit(played.door.post(f"/v1/connectors/{connector}/view-link", json=asked).json()["url"])
    played.gathered.link = link.query.removeprefix("key=")
    with client(str(played.door.base_url)) as browser:
        assert browser.get(f"{link.path}?{link.query}").status_code == 303
        for page in PAGES:
            answer = browser.get(f"/connectors/{connector}{page.format(run=run, item=item)}")
            assert answer.status_code == 200, page
            played.gathered.add("pages", answer.text)


def look_into(opened: Ground, found: Gathered) -> None:
    """All that Redis and Postgres keep."""
    with redis.Redis.from_url(opened.redis.url) as server:
        for key in server.scan_iter():
            found.add("redis", key + b" " + (server.dump(key) or b""))
    whole = create_engine(opened.postgres.url("played", "postgres"))
    with whole.connect() as connection:
        tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        for table in connection.scalars(text(tables)).all():
            rows = connection.scalars(text(f'SELECT t::text FROM "{table}" t'))  # noqa: S608
            found.add("postgres", f"{table}\n" + "\n".join(rows))
    whole.dispose()


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_is_found(gathered: Gathered, place: str) -> None:
    said = gathered.of[place]
    assert len(said) > 100, "that much at least was to be said there"
    assert gathered.webhook.startswith("whsec_")
    secrets = FORM | {"API KEY": gathered.key.rpartition("_")[2], "WEBHOOK": gathered.webhook.removeprefix("whsec_")}
    secrets |= {"LINK": gathered.link}
    found = {
        f"{name} as {how}"
        for name, secret in secrets.items()
        for how, written in forms(secret).items()
        if written.lower() in said.lower()
    }
    assert found == set()


def forms(secret: str) -> dict[str, str]:
    """The ways in which a secret could be written down."""
    return {
        "it is": secret,
        "base64": base64.b64encode(secret.encode()).decode().rstrip("=")[:-1],
        "hex": secret.encode().hex(),
        "a URL": quote(secret, safe=""),
    }


def test_what_was_played_is_what_is_looked_at(gathered: Gathered) -> None:
    """Else the tests above would find nothing anywhere."""
    assert "connector.slice" in gathered.of["flower"]
    assert "connector.slice" in gathered.of["messages"]
    assert "slice ended" in gathered.of["logs"]
    assert "refuses the access token" in gathered.of["answers"]
    assert "not_valid" in gathered.of["refusals"]
    assert "credential\n" in gathered.of["postgres"]
