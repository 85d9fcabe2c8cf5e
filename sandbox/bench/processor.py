"""What a process has cost: seconds of the processor, and memory at its peak."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

SECONDS_BETWEEN_LOOKS = 0.1


def seconds(pid: int) -> float:
    """Processor seconds of the process and of all below it, those that have ended included."""
    spent = 0.0
    process = psutil.Process(pid)
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            spent += sum(one.cpu_times()[:4])
    return spent


@dataclass(slots=True)
class Peak:
    """The most memory that a process has held while it was watched, in MiB."""

    mebibytes: float = 0.0
    _ends: threading.Event = field(default_factory=threading.Event)

    def watch(self, pid: int) -> None:
        """Look until told to end."""
        process = psutil.Process(pid)
        while not self._ends.wait(SECONDS_BETWEEN_LOOKS):
            with suppress(psutil.NoSuchProcess):
                self.mebibytes = max(self.mebibytes, process.memory_info().rss / 2**20)

    def end(self) -> None:
        """Look no more."""
        self._ends.set()


@contextmanager
def peak(pid: int) -> Iterator[Peak]:
    """The most resident memory of this process within the `with`."""
    found = Peak()
    thread = threading.Thread(target=found.watch, args=(pid,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.end()
        thread.join()
