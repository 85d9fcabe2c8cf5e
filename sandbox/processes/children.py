"""Child processes with a log each, ended by their own ids."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.processes.trouble import CannotPlay
from sandbox.processes.ward import SECONDS_TO_END

REPOSITORY = Path(__file__).resolve().parents[2]
SECONDS_TO_START = 60.0
SECONDS_BETWEEN_LOOKS = 0.05
LOG_TAIL = 15
LISTENING = re.compile(r"^listening (http://\S+)$", re.MULTILINE)


@dataclass(slots=True)
class Child:
    """One program and where it logs."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    def has_ended(self) -> bool:
        """Whether it is gone."""
        return self.process.poll() is not None

    def ended(self) -> CannotPlay:
        """That it has ended, and what it said last."""
        said = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
        return CannotPlay("\n".join([f"{self.name} has ended with code {self.process.poll()}; its last words:", *said]))

    def address(self) -> str:
        """Where it says that it listens; waited for."""
        give_up_at = time.monotonic() + SECONDS_TO_START
        while (found := LISTENING.search(self.log.read_text(errors="replace"))) is None:
            if self.has_ended():
                raise self.ended()
            if time.monotonic() > give_up_at:
                raise CannotPlay(f"{self.name} did not listen after {SECONDS_TO_START:.0f} s; see {self.log}")
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return found.group(1)


class Children:
    """All programs of one owner; those that were started last are ended first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[Child] = []

    def start(self, name: str, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Child:
        """The module as a program of its own, with its log in the folder; it ends with this process at the latest."""
        log = self._folder / f"{name}.log"
        with log.open("wb") as written:
            process = subprocess.Popen(  # noqa: S603 our own interpreter and modules
                [sys.executable, "-m", "sandbox.processes.ward", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=written,
                stderr=subprocess.STDOUT,
                cwd=REPOSITORY,
                env=dict(environment),
                start_new_session=True,  # Ctrl-C in a terminal is for the owner: it tells them
            )
        child = Child(name, log, process)
        self._children.append(child)
        return child

    def stop(self) -> None:
        """End them all, side by side, and wait until they are gone."""
        for child in reversed(self._children):
            child.process.terminate()
        give_up_at = time.monotonic() + SECONDS_TO_END
        for child in reversed(self._children):
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, give_up_at - time.monotonic()))
            if not child.has_ended():
                child.process.kill()
                child.process.wait()
            if child.process.stdin is not None:
                child.process.stdin.close()
        self._children.clear()
