"""Asks one Sales Layer source, page by page.

The first page is asked for with a signature, drawn anew for every call; a later page by the address that
the page before it named, unsigned, and never from another host.
"""

from __future__ import annotations

import hashlib
import logging
import random
import secrets
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import httpx

from worker import http_client, traces
from worker.catalog.columns import Columns, Page
from worker.errors import CredentialsRefused, SourceUnreadable, SourceUnwell
from worker.metrics import calls
from worker.saleslayer import answer, decode

API_VERSION = "1.18"
HOST = "api.saleslayer.com"
BEHIND = frozenset({HOST, "localhost", "127.0.0.1"})
"""Where a server calls itself so and SALESLAYER_URL names another place, a recorder stands between the two."""
CONNECT_SECONDS = 30.0
LONGEST_PAUSE = 1.0
BROKEN_CONNECTION = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)
SHORTEST_TELLTALE = 6
"""Values of an address that are shorter than this are no signature and no token."""
SHAPE = {"ver": API_VERSION, "group_category_id": "1", "same_parent_variants": "1", "parents_category_tree": "1"}
"""Siblings are needed for sets of options, parents for the tree: all plugins of Sales Layer ask for them."""

SIGNED, LATER_PAGE = "/", "/{page}"
"""What is asked for, in traces: the addresses themselves are as good as credentials."""

Form = Mapping[str, str | Sequence[str]]

# httpx logs the address of every call, and these addresses carry signatures and page tokens (law 13).
logging.getLogger("httpx").addFilter(lambda record: record.levelno >= logging.WARNING)


def signed(code: str, secret: str, *, at: int, unique: int) -> dict[str, str]:
    """The four parameters by which Sales Layer knows who asks."""
    digest = hashlib.sha256(f"{code}{secret}{at}{unique}".encode()).hexdigest()
    return {"code": code, "time": str(at), "unique": str(unique), "key256": digest}


class Client:
    """Speaks the connector API of one Sales Layer source."""

    def __init__(
        self,
        *,
        base_url: str,
        code: str,
        secret: str,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 300.0,
        clock: Callable[[], float] = time.time,
        language: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.calls = 0
        self.answers = 0
        """calls that were answered with what was asked for"""
        self._base = httpx.URL(base_url)
        self.code = code
        self._secret = secret
        self._clock = clock
        self._language = language
        self._transport, self._timeout, self._tls = transport, timeout, tls

    @cached_property
    def _http(self) -> http_client.Client:
        """Made at the first call: a slice that sends asks the source nothing."""
        return http_client.Client(
            transport=self._transport,
            timeout=httpx.Timeout(self._timeout, connect=min(self._timeout, CONNECT_SECONDS)),
            follow_redirects=False,
            verify=self._tls or True,
        )

    def __repr__(self) -> str:
        return f"Client(host={self._base.host!r}, calls={self.calls})"

    def first_page(self, *, last_update: int | None, page_size: int) -> Page:
        """The first page of what changed since the cursor, or of everything where there is none."""
        since = {"last_update": str(last_update)} if last_update else {}
        # Whether empty categories are shown is our decision: left out there, an empty root would look deleted.
        form = {"pagination": str(page_size), "add_empty_categories": "1"}
        found = self._asked("first_page", SHAPE | since, form=form)
        return decode.page(found, language=self._language)

    def next_page(self, next_url: str, *, columns: Columns) -> Page:
        """The page at an address that the page before it named.

        `columns` are those of the page before it, as they came: in the mirror's wider columns, the rows of
        a page that does not repeat its columns would be read shifted.
        """
        url = self._own(next_url)
        try:
            found = self._opened("next_page", lambda: self._http.build_request("GET", url), "GET", LATER_PAGE)
        except CredentialsRefused:
            raise answer.expired() from None
        if code := answer.error_in(found):
            raise answer.trouble_of_a_later_page(code)
        self.answers += 1
        return decode.page(found, known=columns, language=self._language)

    def import_rows(self, form: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The answer to a call that writes these rows, as their names in the form say (SL API facts §14)."""
        return self._asked("import", {"ver": API_VERSION}, form=form)

    def check(self) -> None:
        """Returns if Sales Layer takes the credentials."""
        found = self._asked("test", {"ver": API_VERSION, "test": "1"})
        if found.get("action") != "testing" and found.get("data") is None:
            raise SourceUnreadable("Sales Layer did not answer the test call as its description says. Ask its support.")

    def close(self) -> None:
        """Closes the connections."""
        if "_http" in vars(self):
            self._http.close()

    def _asked(self, what: str, parameters: Mapping[str, str], *, form: Form | None = None) -> dict[str, Any]:
        """The answer to a signed call, asked for once again for each error that this may mend.

        `what` is asked is how metrics name it: all has the same address.
        """
        asked = dict(parameters)
        tried: set[int] = set()
        while True:
            method = "POST" if form else "GET"
            found = self._opened(what, lambda: self._signed_request(asked, form), method, SIGNED)
            code = answer.error_in(found)
            if not code:
                self.answers += 1
                return found
            if code not in answer.MENDED_BY_ASKING_AGAIN or code in tried:
                raise answer.trouble(code)
            tried.add(code)
            calls.sent_again(calls.SOURCE, f"error_{code}")
            if code == answer.WRONG_CURSOR:
                asked.pop("last_update", None)

    def _signed_request(self, parameters: Mapping[str, str], form: Form | None) -> httpx.Request:
        """A request with a signature of its own; a POST if it has a form, as the SDK sends it."""
        unique = secrets.randbelow(2**31)
        signature = signed(self.code, self._secret, at=int(self._clock()), unique=unique)
        return self._http.build_request(
            "POST" if form else "GET", self._base, params=signature | dict(parameters), data=form
        )

    def _opened(self, what: str, build: Callable[[], httpx.Request], method: str, template: str) -> dict[str, Any]:
        with traces.call("source", method, template):
            response = self._sent(what, build)
        url = response.request.url
        in_the_address = [value for value in url.params.values() if len(value) >= SHORTEST_TELLTALE]
        return answer.opened(response, hide=[self._secret, str(url), *in_the_address])

    def _sent(self, what: str, build: Callable[[], httpx.Request], *, once_more: bool = True) -> httpx.Response:
        """The response to a new request; where the connection broke, to a second one."""
        self.calls += 1
        try:
            return self._counted(what, build())
        except httpx.RequestError as broken:
            # Connections break now and then. A silent server is not asked twice: that may last minutes.
            if not once_more or not isinstance(broken, BROKEN_CONNECTION):
                raise self._unwell(broken) from None
            traces.again(type(broken).__name__)
        calls.sent_again(calls.SOURCE, calls.CONNECTION)
        time.sleep(random.uniform(0.1, LONGEST_PAUSE))  # noqa: S311  jitter, not a secret
        return self._sent(what, build, once_more=False)

    def _counted(self, what: str, request: httpx.Request) -> httpx.Response:
        """The response, and how the call ended for metrics."""
        began, ended = time.monotonic(), calls.CONNECTION
        try:
            response = self._http.send(request)
            ended = calls.status_of(response)
            traces.heard(response.status_code)
        except httpx.RequestError as trouble:
            ended = calls.without_answer(trouble)
            raise
        finally:
            calls.ended(calls.SOURCE, request.method, what, ended, seconds=time.monotonic() - began)
        return response

    def _unwell(self, broken: httpx.RequestError) -> SourceUnwell:
        is_silent = isinstance(broken, httpx.TimeoutException)
        how = "did not answer in time" if is_silent else "could not be reached, or broke off"
        text = f"Sales Layer ({self._base.host}) {how} ({type(broken).__name__}). It is asked again later."
        return SourceUnwell(text, retry_after=answer.RETRY_AFTER)

    def _own(self, next_url: str) -> httpx.URL:
        """The next page's address, on our own host, by our own scheme, without a login.

        What a recorder passes on names the server behind it: the page is asked for through the recorder again.
        """
        refused = SourceUnreadable(
            "Sales Layer named a next page that is not on its own host. It was not fetched; ask Sales Layer's support."
        )
        try:
            url = httpx.URL(next_url)
            is_ours = (url.host, url.port) == (self._base.host, self._base.port)
            is_behind = self._base.host != HOST and url.host in BEHIND
        except (httpx.InvalidURL, UnicodeError):
            raise refused from None
        if url.scheme not in {"http", "https"} or not (is_ours or is_behind):
            raise refused
        here = {"scheme": self._base.scheme, "host": self._base.host, "port": self._base.port}
        return url.copy_with(**here, userinfo=b"", fragment=None)
