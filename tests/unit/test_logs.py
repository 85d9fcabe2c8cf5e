"""A log line is one line, whatever foreign texts it quotes."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fakeredis
import pytest
import structlog
from pydantic import SecretStr

from tests.as_before import logging_as_before
from worker import logs
from worker.bigcommerce.client import Client as StoreClient
from worker.bigcommerce.quota import Quota
from worker.catalog.profile import Source as ProfileSource
from worker.catalog.profile import Store as ProfileStore
from worker.errors import RefusedByStore
from worker.ledger.vault import Vault
from worker.saleslayer.client import Client as SourceClient
from worker.scheduling.pool import Pool
from worker.settings import Settings

FORGED = "x\n2026-01-01T00:00:00Z [info] all is well\r\x1b[31m\x00\u2028"


@pytest.fixture(autouse=True)
def _afterwards_as_before() -> Iterator[None]:
    with logging_as_before():
        yield


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
    quota = Quota(fakeredis.FakeRedis(), store_hash="abc")
    store = StoreClient(base_url="https://store", store_hash="abc", token="canary-token", quota=quota)
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


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize("facts", [{"answers": [FORGED]}, {"answer": {FORGED: FORGED}}, {"seen": {FORGED}}])
def test_what_is_nested_is_escaped_once_it_is_read_too(
    capsys: pytest.CaptureFixture[str], style: str, facts: dict[str, Any]
) -> None:
    written = logged(capsys, "refused", style=style, **facts)
    assert written.count("\n") == 1
    if style == "json":
        assert flat(json.loads(written)).isprintable(), "whoever shows the parsed line is safe as well"


def flat(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(name + flat(one) for name, one in value.items())
    return "".join(map(flat, value)) if isinstance(value, list) else str(value)


def test_a_number_that_json_does_not_know_is_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    written = logged(capsys, "slice ended", park=float("inf"), share=float("nan"))
    assert json.loads(written, parse_constant=pytest.fail)["park"] == "inf"


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize("name", ["celery.worker.consumer", "kombu.connection", "uvicorn.error", "alembic.runtime"])
def test_the_lines_of_libraries_have_the_same_format(capsys: pytest.CaptureFixture[str], style: str, name: str) -> None:
    logs.configure(Settings(log_format=style))
    with structlog.contextvars.bound_contextvars(tenant=1, connector=7, run=4, slice=3):
        logging.getLogger(name).warning("cannot reach %s: %s", "redis://:hunter2@broker:6379/0", FORGED)
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert written.rstrip("\n").isprintable()
    assert "hunter2" not in written
    if style == "json":
        told = json.loads(written)
        assert told["logger"] == name
        assert told["event"].startswith("cannot reach redis://***@broker:6379/0: x\\n2026")
        assert (told["level"], told["tenant"], told["run"], told["slice"]) == ("warning", 1, 4, 3)


def test_the_traceback_of_a_library_stands_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_format="json"))
    logging.getLogger("celery.app.trace").error("task raised", exc_info=RefusedByStore(422, FORGED))
    told = json.loads(capsys.readouterr().err)
    assert "RefusedByStore" in told["exception"]
    assert "\x1b" not in told["exception"]


def test_ordinary_lines_of_libraries_are_not_written_whatever_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    """At debug some of them write headers, with what is in them."""
    logs.configure(Settings(log_format="json", log_level="debug"))
    for name in ("httpcore.http11", "urllib3.connectionpool", "amqp"):
        logging.getLogger(name).debug("send_request_headers.started")
        logging.getLogger(name).info("connected")
    assert not capsys.readouterr().err


def test_a_line_whose_parts_do_not_fit_is_told_and_hurts_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_format="json"))
    [ours] = [one for one in logging.getLogger().handlers if isinstance(one, logs._Lines)]
    facts = {"name": "kombu", "levelno": logging.WARNING, "msg": "%d messages", "args": ("many",)}
    ours.handle(logging.makeLogRecord(facts))
    assert json.loads(capsys.readouterr().err)["event"] == "a line of kombu could not be written (TypeError)"


def test_to_configure_again_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_format="json"))
    assert logged(capsys, "once").count("\n") == 1


SECRETS = [
    ("redis://:hunter2hunter2@broker:6379/0", "hunter2"),
    ("postgresql+psycopg2://service:hunter2@host/connector", "hunter2"),
    ("postgresql://service:hun@ter2@host/connector", "ter2"),
    ("Authorization: Bearer hunter2hunter2", "hunter2"),
    ("{'Authorization': 'Bearer hunter2hunter2'}", "hunter2"),
    ("headers: [(b'X-Auth-Token', b'hunter2'), (b'Accept', b'a')]", "hunter2"),
    ("X-Auth-Token: hunter2", "hunter2"),
    ('{"access_token": "hunter2", "a": 1}', "hunter2"),
    ("client_secret=hunter2&a=1", "hunter2"),
    ("host=db user=service password=hunter2 sslmode=require", "hunter2"),
    ("GET /connectors/7/open?key=hunter2 HTTP/1.1", "hunter2"),
    ("https://api.saleslayer.com/?code=CN1&time=1&unique=2&key256=hunter2", "hunter2"),
    ("the key slbc_3f9a61c2d4e5b607_9hQhunter2 was given", "hunter2"),
    ("signed with whsec_C2FVsBQIhunter2Ph5sJ", "hunter2"),
    (f"ring k1:{'hunter2' * 6}x=,k0:{'hunter2' * 6}y=", "hunter2"),
    ("Cookie: slbc_view=hunter2hunter2hunter2", "hunter2"),
    ("postgresql://service:hun/ter2@host/connector", "ter2"),
    ('{"secret_key": "hunter2"}', "hunter2"),
    ("secret_code='hunter2'", "hunter2"),
    ("client_secret='xx hunter2'", "hunter2"),
    (r'{"token": "a\"hunter2"}', "hunter2"),
    (r'"{\"token\": \"hunter2\"}"', "hunter2"),
]


@pytest.mark.parametrize(("said", "secret"), SECRETS)
@pytest.mark.parametrize("where", ["event", "fact", "nested", "traceback", "library"])
def test_what_looks_like_a_secret_is_hidden_wherever_it_stands(
    capsys: pytest.CaptureFixture[str], said: str, secret: str, where: str
) -> None:
    logs.configure(Settings(log_format="json"))
    log = structlog.get_logger()
    match where:
        case "event":
            log.warning(said)
        case "fact":
            log.warning("refused", answer=said)
        case "nested":
            log.warning("refused", answers=[{"of": (said,)}])
        case "traceback":
            log.warning("a bug", exc_info=RuntimeError(said))
        case _:
            logging.getLogger("kombu").error("lost %s", said)
    written = capsys.readouterr().err
    assert json.loads(written)
    assert secret not in written
    assert "***" in written


@pytest.mark.parametrize("name", ["token", "store_token", "X-Auth-Token", "password", "Authorization", "api_key"])
def test_a_value_under_the_name_of_a_secret_is_hidden(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert "hunter2" not in logged(capsys, "made", **{name: "hunter2"})
    assert "hunter2" not in logged(capsys, "made", headers={name: ["hunter2"]})


@pytest.mark.parametrize(
    "said",
    [
        "GET /v3/catalog/products: 401 Unauthorized: the store refuses the access token",
        "key ring", "3 of 4 products, 10:30", "basic facts", "https://shop.example.com/a@b",
        "http://127.0.0.1:8300/a@b", "is it so? yes & no",
    ],
)  # fmt: skip
def test_what_is_no_secret_is_told(capsys: pytest.CaptureFixture[str], said: str) -> None:
    assert json.loads(logged(capsys, said))["event"] == said


def test_the_threads_of_calls_say_whose_call_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_format="json"))
    with Pool(2) as pool, logs.bound_to_slice(1, 7, 3):
        structlog.contextvars.bind_contextvars(run=4)
        pool.submit(structlog.get_logger().warning, "slow").result()
        pool.submit(logging.getLogger("kombu").warning, "away").result()
    for line in capsys.readouterr().err.splitlines():
        told = json.loads(line)
        assert (told["tenant"], told["connector"], told["run"], told["slice"]) == (1, 7, 4, 3)


def test_the_run_of_a_slice_is_forgotten_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.bound_to_slice(1, 7, 3):
        structlog.contextvars.bind_contextvars(run=4)
    with logs.bound_to_slice(2, 8, 5):
        told = json.loads(logged(capsys, "database unwell"))
    assert (told["tenant"], told["connector"], told["run"], told["slice"]) == (2, 8, None, 5)


def test_a_traceback_without_end_loses_its_middle_and_a_list_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_format="json"))
    structlog.get_logger().warning("a bug", exc_info=RuntimeError("begins " + "x" * 50_000 + " ends"))
    told = json.loads(capsys.readouterr().err)["exception"]
    assert len(told) < 16_000
    assert "RuntimeError: begins" in told
    assert told.endswith("ends")
    told = json.loads(logged(capsys, "refused", answers=list(range(1_000)), named={str(n): n for n in range(300)}))
    assert told["answers"][99:] == [99, "... 900 more"]
    assert told["named"]["..."] == "200 more"


def test_what_grows_by_being_escaped_is_cut_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(json.loads(logged(capsys, "refused", answer="\u202e" * 8_000))["answer"]) < 9_000


@pytest.mark.parametrize("piece", ["://a:", "token=", 'token="', "b'cookie',", "?a=", "secret\\", "bearer "])
def test_no_text_makes_the_search_for_secrets_run_away(capsys: pytest.CaptureFixture[str], piece: str) -> None:
    """A pattern that tries every way of reading such a text would not come to its end within the test's time."""
    assert logged(capsys, "refused", answer=piece * 400_000)


def test_a_text_without_end_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(logged(capsys, "refused", answer="token" * 200_000))
    assert len(told["answer"]) < 9_000
    assert told["answer"].endswith("(1000000 characters)")


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
