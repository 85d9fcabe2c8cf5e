"""Pages are written here: templates, what they may call, and the headers that every answer carries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from api.pages import words
from worker.settings import Settings


def _query(given: Mapping[str, Any], **changed: Any) -> str:
    """`?a=b` of what is given, with these values changed; None takes one out."""
    kept = {name: one for name, one in {**given, **changed}.items() if one not in (None, "", False)}
    return "?" + urlencode({name: "1" if one is True else one for name, one in kept.items()}) if kept else "?"


def _version(name: str) -> str:
    """Changes with the file: a page of a new release never meets the style of an old one."""
    return hashlib.sha256((files("api.pages") / "static" / name).read_bytes()).hexdigest()[:12]


@cache
def environment() -> Environment:
    """The templates; everything that they show is escaped."""
    made = Environment(
        loader=PackageLoader("api.pages", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": words.number,
        "seconds": words.seconds,
        "ago": words.ago,
        "absolute": words.absolute,
        "value": words.value,
        "short": words.short,
        "words": words.words,
        "plain": words.plain,
        "sentence": words.sentence,
        "deed": words.deed,
        "trigger": words.trigger,
    }
    made.globals |= {
        "RUN_STATES": words.RUN_STATES,
        "OUTCOMES": words.OUTCOMES,
        "NOT_LOOKED_AT": words.NOT_LOOKED_AT,
        "LEVELS": words.LEVELS,
        "STEPS": words.STEPS,
        "WHO_ACTS": words.WHO_ACTS,
        "query": _query,
        "versions": {name: _version(name) for name in ("pages.css", "pages.js")},
    }
    return made


def base(settings: Settings) -> str:
    """What every address of the pages begins with: the path of PUBLIC_URL, where it has one."""
    return urlsplit(settings.public_url).path.rstrip("/")


def written(name: str, settings: Settings, **context: Any) -> str:
    """The template, filled in."""
    return environment().get_template(name).render(base=base(settings), **context)


def page(name: str, settings: Settings, *, status: int = 200, **context: Any) -> HTMLResponse:
    """The template as an answer."""
    return HTMLResponse(written(name, settings, **context), status)


def headers(settings: Settings) -> dict[str, str]:
    """What every answer of the pages carries."""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        f" form-action 'self'; base-uri 'none'; frame-ancestors {frames(settings)}"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    } | ({} if settings.frame_origins.strip() else {"X-Frame-Options": "DENY"})


def frames(settings: Settings) -> str:
    """The origins that may show the pages in a frame, as the policy names them; what is no origin is left out."""
    named = [one for one in settings.frame_origins.split() if _is_origin(one)]
    return " ".join(named) or "'none'"


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    plain = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain and not set(text) & set(";,'\"")
