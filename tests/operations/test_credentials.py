"""A token that is revoked in the midst of a run, and a secret changed at the source: said, left alone, gone on with."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from models.vocabulary import EventType
from sandbox.chaos import goods
from sandbox.receiver.receiver import Receiver, receiving
from sandbox.stage.stage import KEY_RING, SECRET
from tests.operations.place import NAME, STORE, Place, place
from worker.ledger import webhooks
from worker.ledger.session import as_tenant
from worker.ledger.vault import Vault

CATALOGUE = goods.catalogue(9, products=12)
CODE = f"CN-{STORE}"
RENEWED = "renewed"

pytestmark = pytest.mark.timeout(280)


def file(here: Place, *, store: str = STORE, secret: str = SECRET) -> None:
    """The file that the operator writes."""
    given: dict[str, Any] = json.loads(here.runs(f"connector profile {NAME}"))
    given |= {
        "name": NAME,
        "source": {"code": CODE, "secret": secret},
        "store": {"hash": store, "access_token": RENEWED},
    }
    (here.folder / "renewed.json").write_text(json.dumps(given))


def listen(here: Place, receiver: Receiver) -> None:
    """The tenant has an endpoint that hears when somebody must act."""
    vault, tenant_id = Vault.from_ring(KEY_RING), here.cast.tenant_id
    with as_tenant(here.engine, tenant_id) as session:
        _, secret = webhooks.add(session, vault, tenant_id, url=receiver.url, events=[EventType.NEEDS_ACTION])
    receiver.secrets = [secret]


def check_it_is_told(here: Place, receiver: Receiver, *, times: int, says: str) -> None:
    """The tenant was told of each refusal, once, by the run that met it."""
    here.until(lambda: len(receiver.received) >= times)
    assert receiver.refused == [], "each letter was in order"
    assert len({one.event_id for one in receiver.received}) == times
    letter = receiver.received[-1]
    assert letter.type == "connector.needs_action"
    assert letter.data["connector"] == {"id": here.cast.connector_id, "name": NAME}
    assert letter.data["run"] == {"id": here.ask("SELECT max(id) FROM run")}
    assert letter.data["reason"]["code"] == "credentials_refused"
    assert says in letter.data["reason"]["message"]
    assert letter.data["reason"]["do"]


def test_a_revoked_token_stops_the_run_once_and_a_new_one_goes_on_where_it_was(tmp_path: Path) -> None:
    with (
        place(tmp_path, catalogue=CATALOGUE, LEASE_SECONDS="5", WEBHOOK_PRIVATE="true") as here,
        receiving() as receiver,
    ):
        listen(here, receiver)
        here.works("one")
        here.latency(0.3)
        here.request()
        here.until_sending(4)
        here.ground.neighbours.configure_store(STORE, token=RENEWED)
        assert here.until_over() == "failed"
        refused = [one["at"] for one in here.calls() if one["status"] == 401]
        assert refused
        assert max(refused) - min(refused) < 1.5, "what was in the air, and not one more"
        made = here.snapshot()["store"]["created"]
        told = here.unwrapped("connector list; connector activity spring-shop")
        assert "no: credentials_refused:" in told
        assert "the store refuses the access token" in told
        assert "code=credentials_refused" in here.log(here.platform.workers["one"])
        assert here.ask("SELECT count(*) FROM journal WHERE what = 'disabled'") == 1
        check_it_is_told(here, receiver, times=1, says="the store refuses the access token")
        assert "is switched off" in here.unwrapped(f"connector run {NAME}", code=2)
        calls = len(here.calls())
        time.sleep(3)
        assert len(here.calls()) == calls, "nobody hammers"

        here.latency(0.0)
        file(here)
        told = here.types("new credentials", code=None)  # by what was left: enabling begins a check already
        assert here.until_over() in ("completed_with_errors", "unchanged"), told
        held = here.snapshot()
        for table in ("products", "categories"):
            assert held["store"]["created"][table] == len(held[table]) > made[table], "the rest, and nothing twice"

        file(here, store="another")
        assert "that is another store than 'springshop'" in here.unwrapped(
            f"connector set-profile {NAME} --file renewed.json", code=2
        )

        changed = {"secret": "f" * 32, "catalogue": CATALOGUE}
        here.ground.neighbours.put_source(CODE, changed)
        here.runs(f"connector run {NAME} --wait", code=2)
        assert "no: credentials_refused:" in here.unwrapped("connector list")
        check_it_is_told(here, receiver, times=2, says="source")
        file(here, secret="f" * 32)
        here.types("new credentials", code=None)
        assert here.until_over() in ("completed_with_errors", "unchanged")
        assert here.snapshot()["store"]["created"] == held["store"]["created"]
        assert len(receiver.received) == 2, "of what is in order nothing is told"
        assert here.ends("one") == 0
