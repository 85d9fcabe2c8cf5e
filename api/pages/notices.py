"""What a page says after a form was sent: one of these sentences, named in the address.

The word is signed for who has sent the form, so that nobody can make a page say what did not happen.
"""

from __future__ import annotations

from collections.abc import Mapping

from api.pages.viewers import Viewer, seals
from worker.commands.desk import Desk

SECONDS = 60.0
"""So long the address is good for the sentence: what is looked at later was said before."""

SENTENCES: Mapping[str, str] = {
    "requested": "A run is requested. It begins as soon as it is this connector's turn.",
    "folded": "A run waits already; it serves this request too.",
    "follows": "A run is under way. One more follows it.",
    "retried": "The failed items are sent again with the run that is requested now.",
    "paused": "The run is paused. What was under way comes back and is recorded.",
    "resumed": "The run goes on where it was.",
    "cancelled": "The run is cancelled. What it has not sent stays due for the next one.",
    "approved": "The run is approved. It reads and plans again, with as much allowed as it had planned.",
    "enabled": "The connector is switched on. It is checked at once.",
    "disabled": "The connector is switched off. What its slice is doing it finishes.",
    "saved": "Saved. The next run works with it.",
    "as_it_was": "Nothing was changed.",
    "synchronising": "The item is compared with the store anew and sent with the run that is requested now.",
}


def named(here: Desk, viewer: Viewer, word: str) -> str:
    """The sentence's word as the address names it, for this viewer."""
    return seals(here).notice(word, viewer.token)


def of(here: Desk, viewer: Viewer, said: str | None) -> str | None:
    """The sentence that the address names; None for any other address."""
    word = seals(here).noticed(said, viewer.token, within=SECONDS) if said else None
    return SENTENCES.get(word or "")
