"""How a slice meets its neighbours: credentials opened, clients made."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from functools import lru_cache, partial

import httpx
import redis

from worker.bigcommerce.client import Client as StoreClient
from worker.bigcommerce.portions import Portions
from worker.bigcommerce.quota import Quota
from worker.errors import CredentialsRefused
from worker.ledger import connectors
from worker.ledger.connectors import Connector
from worker.ledger.session import Session
from worker.ledger.vault import KeyMissing, Vault
from worker.saleslayer.client import Client as SourceClient
from worker.scheduling.neighbours import Meet, Neighbours
from worker.settings import Settings


@lru_cache
def certificates() -> ssl.SSLContext:
    """By which neighbours are believed; loading them takes 20 ms of the processor, so a process does it once."""
    return httpx.create_ssl_context()


def meet(
    settings: Settings,
    vault: Vault,
    broker: redis.Redis,
    *,
    source_transport: httpx.BaseTransport | None = None,
    store_transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] | None = None,
) -> Meet:
    """The function that makes a connector's clients.

    Transports stand in for the network; `sleep` and `clock` (the quota's, seconds; None = Redis's own) for time.
    """

    def make(connector: Connector, session: Session) -> Neighbours:
        try:
            secrets = connectors.open_credentials(
                session, vault, tenant_id=connector.tenant_id, connector_id=connector.id
            )
            reach = partial(
                SourceClient,
                base_url=settings.saleslayer_url,
                transport=source_transport,
                timeout=settings.source_timeout_seconds,
                tls=certificates(),
            )
            source = reach(
                code=secrets["source_code"], secret=secrets["source_secret"], language=connector.profile.language
            )
            importer = (
                reach(code=secrets["import_code"], secret=secrets["import_secret"])
                if "import_code" in secrets
                else None
            )
            quota = Quota(
                broker,
                store_hash=connector.store_hash,
                left_to_others=connector.profile.quota_left_to_others,
                clock=clock,
            )
            store = StoreClient(
                base_url=settings.bigcommerce_url,
                store_hash=connector.store_hash,
                token=secrets["store_token"],
                quota=quota,
                transport=store_transport,
                timeout=settings.call_timeout_seconds,
                sleep=sleep,
                tls=certificates(),
                portions=Portions.of(
                    categories=settings.categories_a_call,
                    assignments=settings.assignments_a_call,
                    known=connector.portions,
                ),
            )
        except KeyError as missing:
            raise CredentialsRefused(
                f"the connector has no {missing.args[0]}; add it with its profile file"
            ) from missing
        except KeyMissing as trouble:
            raise CredentialsRefused(str(trouble)) from trouble
        return Neighbours(source, store, importer)

    return make
