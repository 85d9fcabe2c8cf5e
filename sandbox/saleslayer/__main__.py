"""`python -m sandbox.saleslayer`: the service for catalogue files.

    python -m sandbox.saleslayer --port 8200 --catalogue luma.json --catalogue other.json

Without `--code` and `--secret` the connectors are CN00000LUMA00001, CN00000LUMA00002 ... with DEFAULT_SECRET. The codes
are printed at the start, then `listening http://127.0.0.1:PORT`. Without a catalogue, connectors come by the control
API.
"""

import argparse
import json
import sys
from itertools import zip_longest
from pathlib import Path

from sandbox.saleslayer.credentials import DEFAULT_SECRET, default_code
from sandbox.saleslayer.sandbox import Sandbox
from sandbox.saleslayer.server import HOST, serve
from sandbox.saleslayer.trouble import NotAcceptable


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.saleslayer", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--catalogue", type=Path, nargs="+", action="extend", default=[], metavar="FILE")
    parser.add_argument("--code", action="append", default=[], help="in the order of the catalogues")
    parser.add_argument("--secret", action="append", default=[], help="in the order of the catalogues")
    given = parser.parse_args()
    if max(len(given.code), len(given.secret)) > len(given.catalogue):
        parser.error("--code and --secret belong to a --catalogue each")
    return given


def main() -> None:
    """Loads the catalogues, says under which codes they are found, and serves until the process is told to end."""
    given = arguments()
    sandbox = Sandbox()
    for number, (file, named, secret) in enumerate(zip_longest(given.catalogue, given.code, given.secret), start=1):
        code = named or default_code(number)
        try:
            catalogue = json.loads(file.read_text("utf-8"))
            sandbox.put_connector(code, secret=secret or DEFAULT_SECRET, catalogue=catalogue)
        except (OSError, ValueError, NotAcceptable) as trouble:
            sys.exit(f"the catalogue {file} cannot be served: {trouble}")
        print(f"connector {code} {file}", flush=True)  # noqa: T201  it is a command
    serve(sandbox, port=given.port, host=given.host)


if __name__ == "__main__":
    main()
