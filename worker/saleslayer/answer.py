"""What an answer of the source is, or the trouble it tells.

| the answer                               | what is raised                                        |
| ---------------------------------------- | ----------------------------------------------------- |
| HTTP 408, 429, 5xx                       | SourceUnwell                                          |
| HTTP 3xx; no JSON; no object             | SourceUnreadable, with the beginning of what came     |
| `error` 2, 4, 9; HTTP 401 without one    | CredentialsRefused                                    |
| `error` 10, 11, 14                       | SourceUnwell, for longer or shorter                   |
| `error` 3, 5, 13                         | SourceUnreadable, if asking again has not mended it   |
| `error` 7, 8 beside data                 | nothing: the data came as it was asked for            |
| any other `error`                        | SourceUnreadable                                      |

No message holds a secret, a signature or a page's token (law 13).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

import httpx

from worker.catalog import json_text, letters
from worker.errors import CredentialsRefused, SourceUnreadable, SourceUnwell, WorkerError

MENDED_BY_ASKING_AGAIN = frozenset({3, 5, 13})
INFORMATIVE = frozenset({7, 8})
"""Output mode or compression were not understood; JSON came, uncompressed (API facts §9)."""
WRONG_CURSOR = 5
RETRY_AFTER = 30.0
_PREPARES = 14
_PREPARED_IN = 180.0

_REFUSED = {
    2: "Sales Layer does not know this connector code. Correct the connector's source code.",
    4: "Sales Layer refuses the signature of this connector. Correct the connector's source secret.",
    9: "Sales Layer says that the private key is not valid. Enter a valid key as the connector's source secret.",
}
_REFUSED_BY_HTTP = (
    "Sales Layer refuses the credentials of this connector (HTTP status 401). Correct its source code and secret."
)
_UNWELL = {
    10: ("Sales Layer has blocked its service for a while. It is asked again later.", 600.0),
    11: ("Sales Layer is unavailable at the moment. It is asked again later.", 60.0),
}
_CLOCK = "Set the clock of this machine (NTP): Sales Layer takes signatures of the present time only."
_UNREADABLE = {
    1: "Sales Layer says that the request is not valid. Check the connector's settings in Sales Layer.",
    3: "Sales Layer refused the one-time number of the request twice. Ask Sales Layer's support.",
    5: "Sales Layer refuses the date of the last update, and its absence too. Ask Sales Layer's support.",
    6: "Sales Layer no longer offers version 1.18 of its API. This service has to be updated.",
    7: "Sales Layer cannot answer in JSON. Set the connector's output to JSON in Sales Layer.",
    8: "Sales Layer refuses the compression of the request. Check the connector's settings in Sales Layer.",
    12: f"Sales Layer says that the time of the request is not valid. {_CLOCK}",
    13: f"Sales Layer says that the request is too old, also when it is signed anew. {_CLOCK}",
}
_ABOUT_THE_TOKEN = frozenset({1, 2, 3, 4, 5, 9, 12, 13})

_QUOTED_AT_MOST = 120
_SEARCHED_AT_MOST = 100_000
_TAG = re.compile(r"<[^<>]*>")
# An address carries a signature or a token; a long word without a blank may be either.
_TELLTALE = re.compile(r"\w+://\S+|\S{20,}")


def opened(response: httpx.Response, *, hide: Iterable[str] = ()) -> dict[str, Any]:
    """The object that the response carries; its decimal numbers are texts, so that none loses a digit."""
    status = response.status_code
    if status >= 500 or status in {408, 429}:
        text = f"Sales Layer answered with HTTP status {status}. It is asked again later."
        raise SourceUnwell(text, retry_after=_asked_pause(response))
    if 300 <= status < 400:
        raise SourceUnreadable(f"Sales Layer answered with a redirect ({status}). Check its address (SALESLAYER_URL).")
    try:
        written = response.content.decode("utf-8-sig")
        found = json_text.read_as_written(written)
    except (ValueError, RecursionError):
        if status == 401:
            raise CredentialsRefused(_REFUSED_BY_HTTP) from None
        beginning = quoted(response.content.decode("utf-8-sig", "replace"), hide=hide)
        text = f"Sales Layer's answer is not JSON (HTTP status {status}); it begins with {beginning}"
        raise SourceUnreadable(text) from None
    if not isinstance(found, dict):
        raise SourceUnreadable(f"Sales Layer's answer is not an object; it begins with {quoted(written, hide=hide)}")
    if status == 401 and not error_in(found):
        raise CredentialsRefused(_REFUSED_BY_HTTP)
    return dict(letters.storable(found, written))


def error_in(found: dict[str, Any]) -> int:
    """The answer's error number, 0 if there is none or data came in spite of it, -1 if it is not a number."""
    told = found.get("error") or 0
    try:
        code = int(told)
    except (TypeError, ValueError):
        return -1
    return 0 if code in INFORMATIVE and found.get("data") is not None else code


def trouble(code: int) -> WorkerError:
    """The trouble that an error number stands for, once asking again has not mended it."""
    if code in _REFUSED:
        return CredentialsRefused(_REFUSED[code])
    if code == _PREPARES:
        return preparing()
    if code in _UNWELL:
        text, pause = _UNWELL[code]
        return SourceUnwell(text, retry_after=pause)
    unknown = f"Sales Layer answered with an error that its description does not know ({code}). Ask its support."
    return SourceUnreadable(_UNREADABLE.get(code, unknown))


def preparing() -> SourceUnwell:
    """The trouble that the data is not ready; that takes its time and is no failure, however often it is asked."""
    text = "The source is preparing its data. It is asked again in a few minutes; there is nothing to do."
    return SourceUnwell(text, retry_after=_PREPARED_IN, is_failure=False)


def trouble_of_a_later_page(code: int) -> WorkerError:
    """The same for a page after the first.

    Its address is all that we send, and the credentials were good a moment ago: a complaint about them means
    that the page's token is no longer known. If there is more to it, the next first page will say so.
    """
    return expired() if code in _ABOUT_THE_TOKEN else trouble(code)


def expired() -> SourceUnwell:
    """The trouble that a later page is no longer given out."""
    text = "The pages of this answer have expired at Sales Layer. Reading begins anew."
    return SourceUnwell(text, retry_after=5, is_failure=False)


def quoted(written: str, *, hide: Iterable[str] = ()) -> str:
    """The beginning of what came, without markup, addresses, long words and what is to be hidden."""
    plain = written
    spellings = {spelt for secret in hide if secret for spelt in _spellings(secret)}
    for spelt in sorted(spellings, key=len, reverse=True):
        plain = plain.replace(spelt, "***")
    plain = _TELLTALE.sub("***", " ".join(_TAG.sub(" ", plain[:_SEARCHED_AT_MOST]).split()))
    return f"'{plain[:_QUOTED_AT_MOST]}{'...' if len(plain) > _QUOTED_AT_MOST else ''}'"


def _spellings(secret: str) -> set[str]:
    in_urls = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    return {secret, html.escape(secret), json.dumps(secret)[1:-1]} | in_urls


def _asked_pause(response: httpx.Response) -> float:
    asked = response.headers.get("retry-after", "")
    return min(max(float(asked), RETRY_AFTER), 3600.0) if asked.isdecimal() else RETRY_AFTER
