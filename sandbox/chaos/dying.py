"""A worker of its own process that dies for good, by `kill -9`, at a chosen moment."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import httpx
import redis

from sandbox.stage.dying import Fate
from worker.ledger.connectors import Connector
from worker.ledger.session import Session, engine
from worker.ledger.vault import Vault
from worker.meet import meet
from worker.process import Process
from worker.scheduling.neighbours import Neighbours
from worker.settings import Settings

DIES_AT, FREEZES_AT = "CHAOS_DIES_AT", "CHAOS_FREEZES_AT"
"""In a worker's environment: the moment at which it is to die, or to stop; read by `sandbox.chaos.app` alone."""


def fate(at: int | None, *, last_words: Callable[[str], object]) -> Fate:
    """Death by this process's own hand at that moment; what is said before it is where."""

    def die(where: str) -> None:
        last_words(where)
        os.kill(os.getpid(), signal.SIGKILL)

    return Fate(at, die=die)


def mortal(settings: Settings, fate: Fate) -> Process:
    """What a worker process holds, with every call and every commit a moment of this fate."""
    chosen = engine(settings.database_url, pool=settings.database_pool, longest_idle=settings.lease_seconds)
    fate.watch(chosen)
    broker = redis.Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=3)
    vault = Vault.from_ring(settings.credential_keys.get_secret_value())

    def make(connector: Connector, session: Session) -> Neighbours:
        # New ones each time: a slice closes its own at its end, while another one's calls are under way.
        source, store = fate.wrap(_transport(settings)), fate.wrap(_transport(settings))
        return meet(settings, vault, broker, source_transport=source, store_transport=store)(connector, session)

    return Process(settings, chosen, make)


def _transport(settings: Settings) -> httpx.BaseTransport:
    """A plain network; the neighbours listen on this machine, so that no certificates need to be loaded (50 ms)."""
    limits = httpx.Limits(max_connections=settings.calls_in_flight, max_keepalive_connections=settings.calls_in_flight)
    return httpx.HTTPTransport(verify=False, limits=limits)
