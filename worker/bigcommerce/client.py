"""HTTP with manners: asks the quota first, repeats what may be repeated, says what the rest means.

| what came back                      | GET, PUT, DELETE, repeatable POST | POST                       |
| ----------------------------------- | --------------------------------- | -------------------------- |
| 2xx, 207                            | Answer                            | Answer                     |
| 429, 423 (not executed)             | again                             | again                      |
| no connection (nothing was sent)    | again                             | again                      |
| 5xx, 408, time-out, broken off      | again                             | AnswerLost: look it up     |
| 401; 403 for a scope; 3xx           | CredentialsRefused, ScopeMissing, StoreGone            |  |
| any other 4xx, and 501, 505, 507    | RefusedByStore                    | RefusedByStore             |

"Again" has an end, which is StoreUnwell. So whatever ends a slice here (QuotaSpent, Stopping, StoreUnwell) says of a
POST that it was not executed. Until the store has answered once, calls go one at a time: the first shows whether it is
well. The first 401 stops the client: no thread sends another call with a token that is refused.

The token is in no text.
"""

from __future__ import annotations

import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote as percent_encoded

import httpx

from worker import http_client, traces
from worker.bigcommerce import encode, trail
from worker.bigcommerce.answer import Answer, Opened, read
from worker.bigcommerce.endpoints import endpoint
from worker.bigcommerce.limits import SLOWEST_ANSWER_SECONDS, SMALLEST_QUOTA, WINDOW_SECONDS
from worker.bigcommerce.lines import ONE, Lines
from worker.bigcommerce.portions import Portions
from worker.bigcommerce.quota import Quota, Unit
from worker.errors import (
    AnswerLost,
    CredentialsRefused,
    QuotaSpent,
    RefusedByStore,
    ScopeMissing,
    SliceTrouble,
    StoreGone,
    StoreUnwell,
)
from worker.metrics import calls

__all__ = ["Answer", "Client", "Stopping"]

Params = Mapping[str, str | int]

USER_AGENT = "saleslayer-bigcommerce/0.1"
MOST_TRIES = 4  # docs: 3 to 5 for a 500; then the slice waits instead of the thread
MOST_TURNS_AWAY = 10  # docs: about 10 tries
FIRST_BACK_OFF = 0.5
CONNECT_SECONDS = 10.0
LONGEST_SLEEP = 0.25  # so long a thread may fail to notice that it should stop
LONGEST_WAIT = 1.0  # before the quota is asked again: it can be better than it said
RATE_SECONDS = 1.0  # so long a store's plan is taken to be what it was: to ask costs Redis twice
FIRST_LATENCY = 2.0  # a create (design §4), until something has been measured

_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_NOT_EXECUTED = (423, 429)  # locked, turned away
_FINAL = (501, 505, 507)  # the store says no, and will say it again (507: the plan's limit)


class Stopping(SliceTrouble):
    """The slice ends: the call was not sent."""

    code = "stopping"

    def __init__(self, text: str = "the slice ends, the call was not sent") -> None:
        super().__init__(text, retry_after=0.0)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call as it is sent, however often."""

    method: str
    path: str
    params: Params | None = None
    content: bytes | None = None
    repeatable: bool = True
    opened: Opened = read

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class _Again:
    """A call without an answer that may be sent again."""

    why: str
    may_have_acted: bool = False
    is_turned_away: bool = False
    reason: str = ""
    """how it ended, as metrics name it, where that is not `why`"""


class Client:
    """One store's API; may be used by many threads at once."""

    portions: Portions
    """how many items go in one call, where that is not documented"""
    patience: Callable[[float], bool]
    """asked, on the calling thread, when the store allows no call for so many seconds: False = QuotaSpent"""
    stop: threading.Event
    """set = no new call is sent"""
    calls: int
    """requests sent, repeats included"""
    answers: int
    """calls that the store has answered for good, be it with a refusal: it is not unwell"""
    latency: float
    """seconds from sending to answer, smoothed"""

    def __init__(
        self,
        *,
        base_url: str,
        store_hash: str,
        token: str,
        quota: Quota,
        transport: httpx.BaseTransport | None = None,
        timeout: float = SLOWEST_ANSWER_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        tls: ssl.SSLContext | None = None,
        portions: Portions | None = None,
    ) -> None:
        self.portions = portions or Portions()
        self.patience = lambda _seconds: True
        self.stop = threading.Event()
        self.calls = 0
        self.answers = 0
        self.latency = FIRST_LATENCY
        self._root = f"{base_url.rstrip('/')}/stores/{percent_encoded(store_hash, safe='')}"
        self._token = token
        self._quota = quota
        self._sleep = sleep
        self._lock = threading.Lock()
        self._rate = SMALLEST_QUOTA / WINDOW_SECONDS
        self._rate_until = 0.0
        self._turnstile = threading.Lock()
        self._probe = threading.Lock()
        self._http = Lines(
            lambda: http_client.Client(
                headers={"X-Auth-Token": token, "Accept": "application/json", "User-Agent": USER_AGENT},
                timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
                limits=ONE,
                transport=transport,
                verify=tls or True,
            )
        )

    def __repr__(self) -> str:
        return f"Client({self._root})"

    def rate(self) -> float:
        """Calls a second that the store allows, as its headers lately said; the smallest plan's before any."""
        if time.monotonic() >= self._rate_until:
            level = self._quota.level()
            self._rate = (level.quota if level is not None else SMALLEST_QUOTA) / WINDOW_SECONDS
            self._rate_until = time.monotonic() + RATE_SECONDS
        return self._rate

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._quota.close()
        self._quota.shown.forget()

    def get(self, path: str, params: Params | None = None, *, tries: int = MOST_TRIES, opened: Opened = read) -> Answer:
        """Read; `path` begins with the version: "/v3/catalog/products"."""
        return self._call(_Call("GET", path, params, opened=opened), tries=tries)

    def post(self, path: str, body: Any, *, repeatable: bool = False) -> Answer:
        """Create; raises AnswerLost where it may have been done, unless it is `repeatable` by nature."""
        return self._call(_Call("POST", path, None, encode.written(body), repeatable))

    def put(self, path: str, body: Any, params: Params | None = None, *, repeatable: bool = True) -> Answer:
        """Update; raises AnswerLost like `post` where it also adds something, and so is not `repeatable`."""
        return self._call(_Call("PUT", path, params, encode.written(body), repeatable))

    def delete(self, path: str, params: Params | None = None, body: Any = None) -> Answer:
        """Delete; a 404 for a repeat is the answer that it is done."""
        return self._call(_Call("DELETE", path, params, None if body is None else encode.written(body)))

    def remove(self, path: str) -> None:
        """Delete what may be gone already."""
        try:
            self.delete(path)
        except RefusedByStore as refusal:
            if refusal.status != 404:
                raise

    def _call(self, call: _Call, *, tries: int = MOST_TRIES) -> Answer:
        """Send, and send again as the table above says; alone as long as the store has not answered."""
        alone = self._is_probe()
        try:
            with traces.call("store", call.method, endpoint(call.path)):
                return self._repeated(call, tries)
        finally:
            if alone:
                self._probe.release()

    def _is_probe(self) -> bool:
        """Whether this call is to show if the store answers; waits for the one that does, if another thread has it."""
        while not self.answers:
            if self._probe.acquire(timeout=LONGEST_SLEEP):
                if not self.answers:
                    return True
                self._probe.release()
            elif self.stop.is_set():
                raise Stopping
        return False

    def _repeated(self, call: _Call, tries: int) -> Answer:
        turned_away = failed = 0
        may_have_acted = False
        while True:
            unit = self._unit(call, may_have_acted=may_have_acted)
            came = self._once(call, unit, is_repeat=may_have_acted)
            if isinstance(came, Answer):
                return came
            may_have_acted = may_have_acted or came.may_have_acted
            turned_away += came.is_turned_away
            failed += not came.is_turned_away
            if failed >= tries or turned_away >= MOST_TURNS_AWAY:
                text = f"{call}: {came.why}, {failed + turned_away} times"
                raise StoreUnwell(text)
            traces.again(came.why)
            calls.sent_again(calls.STORE, came.reason or came.why)
            if not came.is_turned_away:  # else the quota knows how long to wait
                self.rest(random.uniform(0, FIRST_BACK_OFF * 2 ** (failed - 1)))  # noqa: S311  spreads, hides nothing

    def _once(self, call: _Call, unit: Unit, *, is_repeat: bool) -> Answer | _Again:
        """Send once, as the table above says."""
        try:
            response = self._send(call, unit)
        except _NOTHING_SENT as trouble:
            return _Again(f"no connection ({type(trouble).__name__})", reason=calls.without_answer(trouble))
        except httpx.RequestError as trouble:
            trail.lost(call.method, call.path, type(trouble).__name__)
            if not call.repeatable:
                raise AnswerLost(f"{call}: {type(trouble).__name__}") from trouble
            return _Again(type(trouble).__name__, may_have_acted=True, reason=calls.without_answer(trouble))
        status = response.status_code
        if status in _NOT_EXECUTED:
            return _Again(str(status), is_turned_away=status == 429)
        if status == 408 or (status >= 500 and status not in _FINAL):
            trail.note(call.method, call.path, response.headers, Answer(status, title=response.reason_phrase))
            if not call.repeatable:
                raise AnswerLost(f"{call}: {status}")
            return _Again(str(status), may_have_acted=True, reason=calls.status_of(response))
        return self._settled(call, response, is_repeat=is_repeat)

    def _unit(self, call: _Call, *, may_have_acted: bool) -> Unit:
        """Leave to send one call; a call that may have acted is never said not to have been sent."""
        try:
            return self._leave()
        except (Stopping, QuotaSpent) as end:
            if not may_have_acted:
                raise
            text = f"{call}: no answer, and no time to send it again"
            raise StoreUnwell(text, retry_after=end.retry_after, is_failure=False) from end

    def _leave(self) -> Unit:
        """One unit of the quota, waited for as long as `patience` says.

        The threads ask one after the other: else all that wait would ask Redis at once, over and over.
        """
        while not self._turnstile.acquire(timeout=LONGEST_SLEEP):
            if self.stop.is_set():
                raise Stopping
        try:
            return self._first_in_line()
        finally:
            self._turnstile.release()

    def _first_in_line(self) -> Unit:
        while not self.stop.is_set():
            unit = self._quota.ask()
            if unit <= 0:
                return unit
            if unit.spent and not self.patience(unit):
                raise QuotaSpent(f"the store allows the next call in {unit:.1f} s", retry_after=float(unit))
            self.rest(min(unit, LONGEST_WAIT))
        raise Stopping

    def rest(self, seconds: float) -> None:
        """Sleep so long, and a little more so that threads do not wake in one crowd, or until `stop` is set."""
        left = seconds + random.uniform(0, min(seconds, 0.1))  # noqa: S311
        while left > 0 and not self.stop.is_set():
            self._sleep(min(left, LONGEST_SLEEP))
            left -= LONGEST_SLEEP

    def _send(self, call: _Call, unit: Unit) -> httpx.Response:
        """One request; the quota learns from its answer, or that there is none."""
        began = time.monotonic()
        headers = None if call.content is None else {"Content-Type": "application/json"}
        heard: tuple[Mapping[str, str], int] = ({}, 0)
        sent, ended = True, calls.CONNECTION
        try:
            response = self._http.request(
                call.method, self._root + call.path, params=call.params, content=call.content, headers=headers
            )
            heard, ended = (response.headers, response.status_code), calls.status_of(response)
            traces.heard(response.status_code)
        except httpx.RequestError as trouble:
            sent, ended = not isinstance(trouble, _NOTHING_SENT), calls.without_answer(trouble)
            raise
        finally:
            seconds = time.monotonic() - began
            with self._lock:
                self.calls += sent
                if heard[1]:
                    self.latency += (seconds - self.latency) / 8
            calls.ended(calls.STORE, call.method, endpoint(call.path), ended, seconds=seconds)
            self._quota.heed(heard[0], status=heard[1], unit=unit)
        return response

    def _settled(self, call: _Call, response: httpx.Response, *, is_repeat: bool) -> Answer:
        """The Answer, or the trouble that it means."""
        status = response.status_code
        try:
            # The token goes before anything is cut: half a one would not be known again.
            said = response.text.replace(self._token, "***") if self._token else response.text
            answer = call.opened(status, said, response.reason_phrase)
        except ValueError as trouble:
            if not call.repeatable:
                raise AnswerLost(f"{call}: {status}, but not JSON") from trouble
            raise StoreUnwell(f"{call}: {status}, but not JSON") from trouble
        with self._lock:
            self.answers += 1
        trail.note(call.method, call.path, response.headers, answer)
        if status < 300 or (status == 404 and is_repeat and call.method == "DELETE"):
            return answer
        if status < 400:
            raise StoreGone(f"{call}: {status}, the store's address has moved or is wrong")
        if status == 401:
            self.stop.set()
            raise CredentialsRefused(f"{call}: 401 {answer.title}: the store refuses the access token")
        if status == 403 and "scope" in answer.title.lower():
            raise ScopeMissing(f"{call}: the store's API account lacks the scope for it")
        raise RefusedByStore(status, answer.title, answer.errors, answer.body)
