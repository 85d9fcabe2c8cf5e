"""The worker's application with a death in it: `celery -A sandbox.chaos.app worker ...`.

The product reads no switch of a test. This module, and nothing that the product imports, reads two from its
environment: CHAOS_DIES_AT=n, to die by `kill -9` at the n-th call or commit after the worker is ready, and
CHAOS_FREEZES_AT=n, to stop there as by SIGSTOP, in whatever transaction it may be, until somebody sends SIGCONT.
"""

from __future__ import annotations

import os
import signal
import sys

from celery import signals

from sandbox.chaos import dying
from sandbox.chaos.dying import DIES_AT, FREEZES_AT
from sandbox.stage.dying import Fate
from worker.app import app
from worker.process import process
from worker.settings import settings

__all__ = ["app"]


def _say(word: str, where: str) -> None:
    sys.stderr.write(f"{word} {where}\n")
    sys.stderr.flush()


def _fate() -> Fate:
    if DIES_AT in os.environ:
        return dying.fate(None, last_words=lambda where: _say("dies", where))

    def freeze(where: str) -> None:
        fate.new_worker()
        _say("freezes", where)
        os.kill(os.getpid(), signal.SIGSTOP)

    fate = Fate(die=freeze)
    return fate


@signals.worker_init.connect
def _mortal(**_: object) -> None:
    """Before the first slice: this process's engine and clients are watched."""
    here = process()
    here.engine.dispose()
    fated = dying.mortal(settings(), _FATE)
    here.engine, here.meet = fated.engine, fated.meet


@signals.worker_ready.connect
def _armed(**_: object) -> None:
    """What comes before is the worker's start, which is not what is to be cut."""
    _FATE.new_worker(int(os.environ.get(DIES_AT) or os.environ[FREEZES_AT]))


_FATE = _fate()
