"""Connections of tests: a machine that stands still for some seconds breaks none of their transactions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from worker.ledger.session import engine

STANDS_STILL_SECONDS = 60.0
"""A process of the service that rests for two with the scheduler's lock loses it (session.MUTEX_SECONDS)."""


def patient_engine(url: str, **given: Any) -> Engine:
    """As the service's own, but for that."""
    return engine(url, longest_mutex=STANDS_STILL_SECONDS, **given)
