"""Starts the sandbox: `python -m sandbox.bigcommerce --port 0`."""

import argparse
import contextlib

from sandbox.bigcommerce.core import Sandbox
from sandbox.bigcommerce.limiter import QUOTAS
from sandbox.bigcommerce.server import serve


def main(arguments: list[str] | None = None) -> None:
    """Serves stores until it is told to stop."""
    parser = argparse.ArgumentParser(prog="sandbox.bigcommerce", description="An honest BigCommerce in memory.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every answer takes")
    parser.add_argument("--plan", choices=list(QUOTAS), default="Standard")
    parser.add_argument("--quota", type=int, help="units in a window, instead of the plan's")
    parser.add_argument("--window", type=float, help="seconds in a window, instead of 30")
    parser.add_argument("--no-open", action="store_true", help="only stores made by the control API exist")
    chosen = parser.parse_args(arguments)
    settings = {"plan": chosen.plan, "latency": chosen.latency}
    settings |= {"quota": chosen.quota} if chosen.quota is not None else {}
    settings |= {"window_seconds": chosen.window} if chosen.window is not None else {}
    with contextlib.suppress(KeyboardInterrupt):
        serve(Sandbox(opens_stores=not chosen.no_open, **settings), chosen.host, chosen.port)


if __name__ == "__main__":
    main()
