"""The threads of a slice's calls: each call knows whose it is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Answered = TypeVar("Answered")


class Pool(ThreadPoolExecutor):
    """Hands on what is bound where a call is asked for: a thread by itself knows of no slice, and of no span."""

    def submit(self, fn: Callable[Given, Answered], /, *args: Given.args, **kwargs: Given.kwargs) -> Future[Answered]:
        """The call's future."""
        here, call = copy_context(), partial(fn, *args, **kwargs)
        return super().submit(lambda: here.run(call))
