"""Links that open the pages of the demo."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
from rich.console import Console

from api.pages.signing import Seals, View
from sandbox.demo.house import House
from sandbox.demo.play import Player
from sandbox.processes.trouble import CannotPlay
from worker.ledger.vault import Vault

WHO = "you, at the demo"


def links(house: House, players: Sequence[Player]) -> dict[str, str]:
    """What is to be seen -> the link that opens it: the overview, and each connector's register."""
    seals = Seals(Vault.from_ring(house.settings.credential_keys.get_secret_value()))
    made = {"all connectors": f"overview/open?key={seals.link(View(WHO, 'write', None, None))}"}
    for player in players:
        key = seals.link(View(WHO, "write", player.tenant_id, player.connector_id))
        made[f"{player.tenant} / {player.connector}"] = f"connectors/{player.connector_id}/open?key={key}"
    return {seen: f"{house.settings.public_url}/{path}" for seen, path in made.items()}


def tell(house: House, players: Sequence[Player], console: Console) -> None:
    """Print the links, each on a line of its own."""
    console.print("\nThe pages, to be opened in a browser:")
    for seen, link in links(house, players).items():
        console.print(f"  {seen}: {link}", soft_wrap=True, markup=False)
    console.print()


def check(house: House, players: Sequence[Player]) -> None:
    """CannotPlay where a link does not open its page."""
    for seen, link in links(house, players).items():
        with httpx.Client(trust_env=False, timeout=30, follow_redirects=True) as http:
            answer = http.get(link)
        heading = "Overview" if seen == "all connectors" else "Activity Register"
        if not answer.is_success or f"<h1>{heading}</h1>" not in answer.text:
            raise CannotPlay(f"the page of {seen} does not answer: {answer.status_code}")
