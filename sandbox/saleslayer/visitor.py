"""A plain client of the connector API, for trying the sandbox.

The product has its own client, with manners; this one only signs, asks and follows pages.
"""

import time
from collections.abc import Callable
from typing import Any

import httpx

from sandbox.saleslayer.sandbox import Sandbox
from sandbox.saleslayer.signing import signed
from sandbox.saleslayer.transport import SandboxTransport

USUAL = {"ver": "1.18", "group_category_id": "1", "same_parent_variants": "1", "parents_category_tree": "1"}
HOST = "https://api.saleslayer.com"


class Visitor:
    """Asks as the PHP SDK does: signature and wishes in the query, `pagination` in the body (API facts §2)."""

    def __init__(self, client: httpx.Client, code: str, secret: str, *, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._code = code
        self._secret = secret
        self._clock = clock

    @classmethod
    def of(cls, sandbox: Sandbox, code: str, secret: str, *, clock: Callable[[], float] = time.time) -> "Visitor":
        """A visitor of a sandbox in the same process."""
        client = httpx.Client(transport=SandboxTransport(sandbox, sleep=lambda _: None), base_url=HOST)
        return cls(client, code, secret, clock=clock)

    def send(self, *, body: dict[str, str] | None = None, **wishes: object) -> httpx.Response:
        """The raw answer to one signed call; a wish that is None takes a usual parameter out."""
        asked = signed(self._code, self._secret, time=int(self._clock())) | USUAL | wishes
        parameters = {name: str(value) for name, value in asked.items() if value is not None}
        if body is None:
            body = {"pagination": "500"}
        return (
            self._client.post("/", params=parameters, data=body) if body else self._client.get("/", params=parameters)
        )

    def page(self, *, body: dict[str, str] | None = None, **wishes: object) -> dict[str, Any]:
        """The first page."""
        return decoded(self.send(body=body, **wishes))

    def read(self, *, body: dict[str, str] | None = None, **wishes: object) -> list[dict[str, Any]]:
        """All pages."""
        pages = [self.page(body=body, **wishes)]
        while pages[-1].get("next_page"):
            pages.append(decoded(self._client.get(pages[-1]["next_page"])))
        return pages


def decoded(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer, which may begin with a byte order mark (API facts §2.3)."""
    content: dict[str, Any] = httpx.Response(200, content=response.content.removeprefix(b"\xef\xbb\xbf")).json()
    return content


def merged(pages: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The rows of all pages, by table."""
    rows: dict[str, list[Any]] = {}
    for page in pages:
        for table, found in page["data"].items():
            rows.setdefault(table, []).extend(found)
    return rows
