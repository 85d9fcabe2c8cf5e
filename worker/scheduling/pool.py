"""The threads of a slice's calls: each call knows whose it is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Answered = TypeVar("Answered")


LOOK_SECONDS = 1.0


class Pool(ThreadPoolExecutor):
    """Hands on what is bound where a call is asked for: a thread by itself knows of no slice, and of no span.

    `heard` is called while the end waits for calls under way, which have time-outs of their own: who waits for them is
    not stuck.
    """

    def __init__(self, most: int, *, name: str = "calls", heard: Callable[[], object] = lambda: None) -> None:
        super().__init__(most, thread_name_prefix=name)
        self._heard = heard

    def __exit__(self, *_: object) -> None:
        self.shutdown(wait=False)
        for thread in list(self._threads):
            while thread.is_alive():
                thread.join(LOOK_SECONDS)
                self._heard()

    def submit(self, fn: Callable[Given, Answered], /, *args: Given.args, **kwargs: Given.kwargs) -> Future[Answered]:
        """The call's future."""
        here, call = copy_context(), partial(fn, *args, **kwargs)
        return super().submit(lambda: here.run(call))
