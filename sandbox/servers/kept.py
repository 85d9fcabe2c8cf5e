"""A server that ends with this process.

The owner's side of `keeper.py`. A watcher by pipe was chosen over `PR_SET_PDEATHSIG`: that one is Linux only, follows
the thread that started the server instead of the process, and leaves the temporary folder behind.
"""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sandbox.servers.keeper import Order

LONGEST_FOLDER = 60  # a socket's path may have 103 characters on macOS, and the socket's own name takes a third of them
SECONDS_TO_START = 60
SECONDS_BETWEEN_LOOKS = 0.01
MEMORY = "/dev/shm"  # noqa: S108  where Linux keeps files in memory
ROOM = 4 * 2**30  # bytes: a cluster of the tests has some hundred MiB, and several go on at once
KEEPER = Path(__file__).with_name("keeper.py")


class ServerDidNotStart(RuntimeError):
    """An embedded server ended before it answered, or never answered; the message ends with its log."""


class Kept:
    """A folder and a server in it, both gone when `stop` is called or when this process ends."""

    def __init__(self, *, user: tuple[int, int] | None = None, in_memory: bool = False) -> None:
        self._user = user
        self._keeper = subprocess.Popen(  # noqa: S603  our own interpreter, our own file
            [sys.executable, "-I", "-S", str(KEEPER), str(_parent_folder(user, in_memory=in_memory))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C in a terminal is for the owner: the keeper tidies up after it
        )
        assert self._keeper.stdin
        assert self._keeper.stdout
        self._orders, self._answers = self._keeper.stdin, self._keeper.stdout
        folder = self._answers.readline().strip()
        if not folder:
            self.stop()
            raise ServerDidNotStart("the keeper of an embedded server ended at once; see its error above")
        self.folder = Path(folder)

    def serve(self, command: list[str], *, prepare: list[list[str]], stop_signal: int) -> None:
        """Run the commands that prepare the folder, then the server; returns at once."""
        if self._user:
            _hand_over(self.folder, *self._user)
        order = Order(prepare=prepare, serve=command, stop_signal=stop_signal, user=self._user)
        self._orders.write(json.dumps(order) + "\n")
        self._orders.flush()

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Wait until the server answers; where it does not, stop it and raise with the end of its log."""
        give_up_at = time.monotonic() + SECONDS_TO_START
        while not is_ready():
            if self._keeper.poll() is not None:
                said = self._answers.read()
                self.stop()
                raise ServerDidNotStart(f"an embedded server ended at its start:\n{said}")
            if time.monotonic() > give_up_at:
                said = (self.folder / "log").read_text(errors="replace")
                self.stop()
                raise ServerDidNotStart(f"an embedded server gave no answer for {SECONDS_TO_START} s:\n{said}")
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def again(self, seconds: float) -> None:
        """Stop the server and start it again in the same folder after so many seconds; returns at once."""
        self._orders.write(f"again {seconds}\n")
        self._orders.flush()

    def stop(self) -> None:
        """Stop the server and wait until its processes and its folder are gone; a second call does nothing."""
        if self._orders.closed:
            return
        # Said, and not only closed: a fork of this process may hold the pipe open. A keeper that is gone hears nothing.
        with suppress(BrokenPipeError):
            self._orders.write("stop\n")
            self._orders.flush()
        with suppress(BrokenPipeError):
            self._orders.close()
        self._keeper.wait()
        self._answers.close()


def unprivileged_user() -> tuple[int, int] | None:
    """Uid and gid of *nobody* where this process is root, which Postgres refuses to run as; else None (oneself)."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _parent_folder(user: tuple[int, int] | None, *, in_memory: bool) -> Path:
    usual = (tempfile.gettempdir(), "/tmp", "/var/tmp")  # noqa: S108  the keeper makes a folder of its own there
    for candidate in (MEMORY, *usual) if in_memory and has_room(MEMORY) else usual:
        path = Path(candidate).resolve()
        may_enter = user is None or all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))
        if len(str(path)) <= LONGEST_FOLDER and os.access(path, os.W_OK) and may_enter:
            return path
    raise ServerDidNotStart("no temporary folder has a short path that an unprivileged user may enter; set TMPDIR")


def has_room(folder: str) -> bool:
    """Whether a server and its programs may live there: containers often give it 64 MiB, or let nothing run from it."""
    try:
        there = os.statvfs(folder)
    except OSError:
        return False
    return there.f_bavail * there.f_frsize >= ROOM and not there.f_flag & os.ST_NOEXEC


def _hand_over(folder: Path, uid: int, gid: int) -> None:
    shutil.chown(folder, uid, gid)
    for path in folder.rglob("*"):
        os.chown(path, uid, gid, follow_symlinks=False)
