"""The simulated neighbours as the demo sets them up: by their control API.

Where SALESLAYER_URL or BIGCOMMERCE_URL name a server that has no such API,
the demo goes on with what that server has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.processes.trouble import CannotPlay

SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Channel:
    """A storefront that a store has."""

    id: int
    name: str


def put_connector(url: str, code: str, secret: str, catalogue: Mapping[str, Any]) -> bool:
    """Have the source serve this catalogue under this code; False where it takes no such orders."""
    return _ordered(f"{url}/_control/connectors/{code}", {"secret": secret, "catalogue": catalogue})


def open_store(url: str, store_hash: str, settings: Mapping[str, Any]) -> bool:
    """Have the store opened with these settings; False where it takes no such orders."""
    return _ordered(f"{url}/_control/stores/{store_hash}", settings)


def channels(url: str, store_hash: str, token: str) -> list[Channel]:
    """The storefronts that the store lists."""
    try:
        with _client(url) as client:
            answer = client.get(
                f"{url}/stores/{store_hash}/v3/channels", headers={"X-Auth-Token": token, "Accept": "application/json"}
            )
            answer.raise_for_status()
            rows = answer.json()["data"]
        return [Channel(row["id"], row["name"]) for row in rows if row.get("type", "storefront") == "storefront"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as trouble:
        raise CannotPlay(f"the store at {url} does not list its channels: {trouble}") from trouble


def _ordered(url: str, body: Mapping[str, Any]) -> bool:
    try:
        with _client(url) as client:
            return client.put(url, json=body).is_success
    except httpx.HTTPError:
        return False


def _client(url: str) -> httpx.Client:
    # What listens on this machine is not reached through a proxy that the environment may name.
    return httpx.Client(timeout=SECONDS, trust_env=httpx.URL(url).host not in {"127.0.0.1", "localhost"})
