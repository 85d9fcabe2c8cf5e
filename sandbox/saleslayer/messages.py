"""What goes in and what comes out of the sandbox."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as a door received it: absolute URL, header names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path of the URL, never empty."""
        return urlsplit(self.url).path or "/"

    @property
    def origin(self) -> str:
        """Scheme, host and port, from which `next_page` is built."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def pairs(self) -> list[tuple[str, str]]:
        """All parameters in their order, those of the form body after those of the query (API facts §2)."""
        found = parse_qsl(urlsplit(self.url).query, keep_blank_values=True)
        if self.headers.get("content-type", "").startswith(FORM):
            found += parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return found

    def parameters(self) -> dict[str, str]:
        """The parameters by name; the body wins over the query (API facts §11.1)."""
        return dict(self.pairs())


@dataclass(frozen=True, slots=True)
class Answer:
    """What a door has to do: wait, then either answer or drop the connection without a word."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    dropped: bool = False


def as_json(content: object) -> bytes:
    """The bytes of a JSON document, as short as they can be."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def json_answer(content: object, *, status: int = 200) -> Answer:
    """An answer that carries one JSON document."""
    return Answer(status=status, body=as_json(content), headers={"content-type": "application/json"})


def html_answer(status: int, sentence: str) -> Answer:
    """The kind of page that a proxy or a web server shows when it answers in place of the service."""
    page = f"<!DOCTYPE html><html><head><title>{sentence}</title></head><body><h1>{sentence}</h1></body></html>"
    return Answer(status=status, body=page.encode(), headers={"content-type": "text/html; charset=utf-8"})


def json_body(request: Request) -> dict[str, Any]:
    """The JSON object in a control request's body, empty if there is no body; raises ValueError otherwise."""
    content = json.loads(request.body or b"{}")
    if not isinstance(content, dict):
        msg = "the body must be a JSON object"
        raise ValueError(msg)  # noqa: TRY004  malformed JSON raises ValueError too: one refusal for both
    return content
