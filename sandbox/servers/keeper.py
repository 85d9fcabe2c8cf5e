"""Runs one server, which ends with its owner.

`sandbox.servers.kept` starts this file as a child process. It makes the server's folder, says which one it is, takes
one order from its standard input, and waits for two things: the server's end, and anything more on its input. Its owner
says "stop" there, or the kernel closes it when the owner ends, whatever ended it, `kill -9` included. The keeper then
stops the server and removes the folder. Told "again SECONDS", it stops the server and starts it again in the same
folder so many seconds later.

Only the standard library is used, so that it starts in a few milliseconds, wherever the project lies.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import BinaryIO, TypedDict

SECONDS_TO_STOP = 10
LOG_TAIL = 4_000
TOLD_TO_STOP = -1


class Order(TypedDict):
    """What to run in the folder: commands that prepare it, and the server."""

    prepare: list[list[str]]
    serve: list[str]
    stop_signal: int
    user: tuple[int, int] | None  # uid and gid; None: one's own


def main(parent_folder: str) -> None:
    """Keep one server for as long as the standard input stays open."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="slbc-", dir=parent_folder))
    try:
        print(folder, flush=True)  # noqa: T201  this line is the answer that the owner waits for
        # Unbuffered: what follows the order must stay in the pipe, where `run` waits for it.
        with open(0, "rb", buffering=0, closefd=False) as orders:
            if line := orders.readline():
                obey(json.loads(line), folder, orders)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def obey(order: Order, folder: Path, orders: BinaryIO) -> None:
    """Run the commands one after the other; when one ends that should not, say what it logged."""
    commands = [*((command, signal.SIGTERM) for command in order["prepare"]), (order["serve"], order["stop_signal"])]
    for command, stop_signal in commands:
        code = run(command, folder, user=order["user"], stop_signal=stop_signal)
        while code == TOLD_TO_STOP and (seconds := pause(orders)) is not None:
            time.sleep(seconds)
            code = run(command, folder, user=order["user"], stop_signal=stop_signal)
        if code == TOLD_TO_STOP:
            return
        if code != 0:
            break
    print((folder / "log").read_text(errors="replace")[-LOG_TAIL:], flush=True)  # noqa: T201  idem


def pause(orders: BinaryIO) -> float | None:
    """Seconds after which what was stopped is to start again; None = it is to stay so."""
    word, _, seconds = orders.readline().partition(b" ")
    return float(seconds) if word == b"again" else None


def run(command: list[str], folder: Path, *, user: tuple[int, int] | None, stop_signal: int) -> int:
    """Wait until the command and all its children have ended, and return its exit code."""
    # Every child inherits one end of this pipe: the other end reads "end of file" when all of them are gone.
    ended, held_open = os.pipe()
    uid, gid = user or (None, None)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  the order comes from our own owner
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            pass_fds=[held_open],
            start_new_session=True,
            user=uid,
            group=gid,
            extra_groups=[] if user else None,
        )
    os.close(held_open)
    try:
        ready, _, _ = select.select([sys.stdin, ended], [], [])
        return process.wait() if ended in ready else TOLD_TO_STOP
    finally:
        stop(process, ended, stop_signal)
        os.close(ended)


def stop(process: subprocess.Popen[bytes], ended: int, stop_signal: int) -> None:
    """Stop what still runs: first politely, then for good."""
    for number in (stop_signal, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
        gone, _, _ = select.select([ended], [], [], SECONDS_TO_STOP)
        if gone:
            break
    process.wait()


if __name__ == "__main__":
    main(sys.argv[1])
