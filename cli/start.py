"""The installed command `connector`: the settings first, then the commands, which are made with them."""

from __future__ import annotations

import sys
from importlib import import_module

from pydantic import ValidationError

from worker.settings import faults, settings

USAGE = 2


def main() -> None:
    """Run the command that was named; where a setting cannot be used, say which and why, and end with 2."""
    try:
        settings()
    except ValidationError as trouble:
        for fault in faults(trouble):
            sys.stderr.write(f"connector: {fault}\n")
        sys.exit(USAGE)
    # By its name: what the commands are made of reads the settings as soon as it is imported.
    import_module("cli.main").app()
