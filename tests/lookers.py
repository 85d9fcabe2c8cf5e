"""Somebody who looks at the pages of a connector, without a browser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx2 as httpx
from fastapi.testclient import TestClient

from tests.visitors import Door

_TOKEN = re.compile(r'name="token" value="([^"]+)"')
_SEEN = re.compile(r'name="seen" value="([^"]+)"')


@dataclass(slots=True)
class Looker:
    """Somebody with a browser of their own, who came by a link."""

    client: TestClient
    path: str
    link: str

    def sees(self, place: str = "", *, status: int = 200, **given: Any) -> str:
        """The page as it is written."""
        answer = self.client.get(f"{self.path}{place}", follow_redirects=False, **given)
        assert answer.status_code == status, (answer.status_code, answer.text)
        assert answer.headers["content-type"].startswith("text/html")
        return answer.text

    def token(self) -> str:
        """What the forms of their pages carry."""
        return self._carried(_TOKEN)

    def seen(self) -> str:
        """What the forms of the settings say that they show."""
        return self._carried(_SEEN)

    def _carried(self, by: re.Pattern[str]) -> str:
        found = by.search(self.sees("/settings"))
        assert found is not None, "no form on the page"
        return unescape(found[1])

    def sends(self, place: str, *, status: int = 303, headers: Mapping[str, str] | None = None, **fields: str) -> Any:
        """The answer to a form, with its token, and as it is shown just now, where nothing else is given."""
        told = {"token": self.token(), **fields} if "token" not in fields else fields
        if place.startswith("/settings/") and "seen" not in told and status != 403:
            told["seen"] = self.seen()
        given = {"sec-fetch-site": "same-origin"} if headers is None else dict(headers)
        answer = self.client.post(f"{self.path}{place}", data=told, headers=given, follow_redirects=False)
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer


def fresh(door: Door) -> TestClient:
    """A browser that nobody has been in."""
    return TestClient(door.client.app, raise_server_exceptions=False)


def a_looker(door: Door, tenant_id: int, connector_id: int, *, name: str = "Ana Pérez", may: str = "write") -> Looker:
    """Somebody who has opened the connector's pages by a link of the HTTP API."""
    made = door.writer(tenant_id).posts(f"/v1/connectors/{connector_id}/view-link", {"name": name, "may": may})
    return opened(door, made["url"])


def opened(door: Door, url: str) -> Looker:
    """Somebody who has opened the pages by this link."""
    parts = httpx.URL(url)
    client = fresh(door)
    answer = client.get(f"{parts.path}?{parts.query.decode()}", follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return Looker(client, parts.path.removesuffix("/open"), url)
