"""Runs a module as a program that ends with its owner.

    python -m sandbox.processes.ward MODULE ARGUMENT ...

The owner holds the other end of the standard input. The kernel closes it when the owner ends, whatever ended it,
`kill -9` included; the program is then told to end, and ended for good if it does not. As in `sandbox.servers.keeper`,
a pipe was chosen over `PR_SET_PDEATHSIG`, which is Linux only.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

SECONDS_TO_END = 8.0


def main() -> None:
    """Run the module that the first argument names, with the arguments behind it."""
    threading.Thread(target=_follow, name="ward", daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _follow() -> None:
    # Not through sys.stdin: a thread that holds its lock would break the interpreter's end.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_END)
    os._exit(1)


if __name__ == "__main__":
    main()
