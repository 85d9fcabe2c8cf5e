"""`python -m sandbox.demo`, what `make demo` runs.

ONCE=1 ends by itself, with exit code 0 only where every run has completed, and one JSON object as the last line;
CATALOGUE=FILE [ROOT=NAME] runs that one catalogue; DEMO_SCALE makes the generated ones larger or smaller.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from kombu.exceptions import OperationalError as BrokerError
from rich.console import Console

from sandbox.demo import cast, door, order, play, report, views, watch
from sandbox.demo.house import House, exports, house
from sandbox.demo.order import Order
from sandbox.demo.play import Player
from sandbox.processes.trouble import CannotPlay
from worker import logs
from worker.ledger import register
from worker.ledger.session import as_tenant

INTERRUPTED, TERMINATED, HUNG_UP = 130, 143, 129


def main() -> int:
    """Play the demo; the process's exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background may have it ignored
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(HUNG_UP))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    errors = Console(stderr=True, highlight=False)
    try:
        asked = order.read()
        roles = cast.of(asked)
        console.print("Starting Postgres, Redis, Sales Layer, BigCommerce, two workers and the pages ...")
        with house(before_the_end=_ignore_signals) as opened:
            logs.configure(opened.settings)
            players = [play.seat(opened, role) for role in roles]
            return _perform(opened, asked, players, console, errors)
    except CannotPlay as trouble:
        for sentence in (str(trouble), *getattr(trouble, "__notes__", ())):
            errors.print(sentence, style="red", markup=False, soft_wrap=True)
        return 1
    except BrokerError as trouble:
        errors.print(f"Redis cannot be reached: {trouble}; mend or unset REDIS_URL", style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _perform(opened: House, asked: Order, players: Sequence[Player], console: Console, errors: Console) -> int:
    """The runs from their request to their end, and the registers; stays afterwards unless it was asked for once."""
    players = [replace(player, run_id=play.request(opened, player)) for player in players]
    door.tell(opened, players, console)
    with views.open_view(console) as view:
        seconds = asked.seconds if asked.once else float("inf")
        scenes = watch.until_all_have_ended(opened, players, view, seconds=seconds)
    report.write(opened, console, scenes)
    report.profiles(console, players)
    console.print()
    if not asked.once:
        with suppress(KeyboardInterrupt):
            _stay(opened, players, console)
        return 0
    door.check(opened, players)
    sentences = watch.stood_still(scenes)
    bad = [scene for scene in scenes if scene.has_ended and scene.progress.entry.state not in report.GOOD]
    sentences += [f"{scene.player.connector}: run {scene.player.run_id} is {scene.state}" for scene in bad]
    for sentence in sentences:
        errors.print(sentence, style="red", markup=False, soft_wrap=True)
    sys.stdout.write(json.dumps(report.summary(scenes)) + "\n")
    sys.stdout.flush()
    if sentences:
        raise CannotPlay("not every run has completed")
    return 0


def _stay(opened: House, players: Sequence[Player], console: Console) -> None:
    """Say how to use the command beside the demo; then tell of every further run, until Ctrl-C."""
    file = opened.folder / "environment"
    file.touch(mode=0o600)
    file.write_text(exports(opened.own))
    command = Path(sys.executable).with_name("connector")
    every, chosen = players[0].profile.check_every_seconds, opened.settings
    for said in (
        f"The workers go on and ask the sources for changes every {every} s. In another terminal:",
        f"  . {file}",
        f"  {command} list",
        f"  {command} run {players[0].connector} --refresh --wait",
        f"The pages are at {chosen.public_url}: open one of the links above.",
        f"Sales Layer is at {chosen.saleslayer_url}, BigCommerce at {chosen.bigcommerce_url};",
        "each has a control API under /_control. Ctrl-C ends everything.",
        f"({file.name} exports {', '.join(opened.own)})",
    ):
        console.print(said, soft_wrap=True, markup=False)
    told = {player.connector_id: player.run_id for player in players}
    while True:
        time.sleep(1.0)
        opened.check()
        for player in players:
            with as_tenant(opened.engine, player.tenant_id) as session:
                newest = next(iter(register.runs(session, player.connector_id, limit=1)), None)
            if newest is not None and newest.has_ended and newest.id > told[player.connector_id]:
                told[player.connector_id] = newest.id
                console.print(f"{player.connector}: run {newest.id} {newest.state}: {register.headline(newest)}")


def _ignore_signals() -> None:
    """From here on everything is being ended: a second Ctrl-C would leave something behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
