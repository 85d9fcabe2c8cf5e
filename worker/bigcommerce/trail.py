"""The calls that write, remembered by the thread that makes them, until it is told whose they were.

A thread carries out one batch at a time: what it has called since `begin` was for what it is at.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from time import time

from worker.bigcommerce.answer import Answer
from worker.catalog.calls import LONGEST_SAID, Call

MOST = 4
"""Calls that are kept of one change: the first, and the last ones."""
LONGEST_ID = 64
_IDS = ("x-request-id", "x-correlation-id")


class _Trail(threading.local):
    calls: tuple[Call, ...] = ()


_trail = _Trail()


def begin(*served: Call) -> None:
    """From now on the calls of this thread are for something else, which those that are named have served too."""
    _trail.calls = served


def calls() -> tuple[Call, ...]:
    """The calls of this thread since `begin`."""
    return _trail.calls


def note(method: str, path: str, headers: Mapping[str, str], answer: Answer) -> None:
    """The store has answered a call; those that read leave no trail."""
    if method != "GET":
        request_id = next((headers[name][:LONGEST_ID] for name in _IDS if name in headers), None)
        _add(Call(method, path, answer.status, request_id, _said(answer), time()))


def lost(method: str, path: str, why: str) -> None:
    """A call had no answer."""
    if method != "GET":
        _add(Call(method, path, None, None, why[:LONGEST_SAID], time()))


def _add(call: Call) -> None:
    kept = _trail.calls
    _trail.calls = (*kept, call) if len(kept) < MOST else (*kept[:1], *kept[2 - MOST :], call)


def _said(answer: Answer) -> str | None:
    """A plain success keeps no words: what the store holds is read anyway."""
    if answer.status < 300 and answer.status != 207:
        return None
    reasons = "; ".join(f"{field}: {reason}" for field, reason in answer.errors.items())
    return f"{answer.title} {reasons}".strip()[:LONGEST_SAID] or None
