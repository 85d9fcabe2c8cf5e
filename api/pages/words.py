"""How the pages say things: states with their icons, times, numbers, who did what."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from models.vocabulary import Deed, Outcome, RunState, Trigger

_LINK = re.compile(r"(?P<alone> ?\()?\[(?P<text>[^\]]+)\]\([^)\s]*\)(?(alone)\))")
MINUTE, HOUR, DAY = 60, 3600, 86400
LONGEST_VALUE = 120
"""Characters of a changed value that the register shows."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A word with its icon and its tone; the icon says the same without colour."""

    word: str
    icon: str
    tone: str


RUN_STATES: Mapping[str, Mark] = {
    RunState.QUEUED: Mark("Queued", "clock", "calm"),
    RunState.PREPARING: Mark("Preparing", "turning", "busy"),
    RunState.PREPARED: Mark("Prepared, nothing sent yet", "tray", "busy"),
    RunState.SYNCHRONIZING: Mark("Synchronizing", "turning", "busy"),
    RunState.PAUSED: Mark("Paused", "pause", "warn"),
    RunState.AWAITING_APPROVAL: Mark("Awaiting approval", "hand", "warn"),
    RunState.COMPLETED: Mark("Completed", "check", "good"),
    RunState.COMPLETED_WITH_ERRORS: Mark("Completed with errors", "check-warn", "warn"),
    RunState.FAILED: Mark("Failed", "cross", "bad"),
    RunState.CANCELLED: Mark("Cancelled", "stop", "calm"),
    RunState.UNCHANGED: Mark("Unchanged", "equal", "calm"),
}
OUTCOMES: Mapping[str, Mark] = {
    Outcome.CREATED: Mark("Created", "plus", "good"),
    Outcome.UPDATED: Mark("Updated", "check", "good"),
    Outcome.DISABLED: Mark("Disabled", "minus", "calm"),
    Outcome.UNCHANGED: Mark("Unchanged", "equal", "calm"),
    Outcome.REJECTED: Mark("Rejected", "warn", "warn"),
    Outcome.FAILED: Mark("Failed", "cross", "bad"),
    Outcome.BLOCKED: Mark("Blocked", "stop", "warn"),
}
NOT_LOOKED_AT = Mark("Not looked at yet", "clock", "calm")
"""What stands for an outcome where no run has come to one."""
LEVELS: Mapping[str, Mark] = {
    "error": Mark("Error", "cross", "bad"),
    "warning": Mark("Warning", "warn", "warn"),
    "info": Mark("Note", "info", "calm"),
}
TRIGGERS: Mapping[str, str] = {
    Trigger.CHECK: "Check for changes",
    Trigger.SCHEDULE: "Schedule",
    Trigger.REQUEST: "Requested",
    Trigger.REFRESH: "Forced refresh",
}
STEPS: Mapping[str, str] = {
    "read_source": "Read the source",
    "read_store": "Read the store",
    "clean": "Take out what cannot be sent",
    "link": "Link what coincides",
    "plan": "Plan",
    "send": "Send",
    "recount": "Count again",
    "record": "Close the books",
}
WHO_ACTS: Mapping[str, str] = {
    "merchant": "you, at Sales Layer",
    "connector": "you, in the connector's settings",
    "store": "you, in BigCommerce",
    "operator": "the operator of this service",
    "nobody": "nobody",
}
DEEDS: Mapping[Deed, str] = {
    Deed.ADDED: "added the connector",
    Deed.PROFILE_CHANGED: "changed the profile",
    Deed.CREDENTIALS_CHANGED: "replaced credentials",
    Deed.ENABLED: "switched the connector on",
    Deed.DISABLED: "switched the connector off",
    Deed.PAUSED: "paused",
    Deed.RESUMED: "resumed",
    Deed.CANCELLED: "cancelled",
    Deed.APPROVED: "approved",
    Deed.REQUEUED: "queued its turn again",
}


def deed(what: str) -> str:
    """What somebody did, to be read after their name; a word that has come since is shown as it is."""
    known = {one.value: said for one, said in DEEDS.items()}
    return known.get(what, what.replace("_", " "))


def trigger(word: str) -> str:
    """Who asked for a run, in words."""
    return TRIGGERS.get(word, word.replace("_", " ").capitalize())


def number(count: float) -> str:
    """12,345."""
    return f"{count:,.0f}"


def seconds(duration: float | None) -> str:
    """A duration: "8 s", "3 min 5 s", "2 h 10 min", "4 d 3 h"."""
    if duration is None:
        return "\N{EN DASH}"
    whole = max(0, round(duration))
    if whole < MINUTE:
        return f"{duration:.1f} s" if duration < 10 and whole != duration else f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def ago(at: datetime, now: datetime | None = None) -> str:
    """How long ago, or in how long."""
    distance = ((now or datetime.now(UTC)) - at).total_seconds()
    for unit, size in (("day", DAY), ("hour", HOUR), ("minute", MINUTE)):
        if abs(distance) >= size:
            count = int(abs(distance) // size)
            said = f"{count} {unit}{'s' * (count != 1)}"
            return f"{said} ago" if distance > 0 else f"in {said}"
    return "just now" if distance > -1 else "in a moment"


def absolute(at: datetime) -> str:
    """The date and the time, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def value(given: Any) -> str:
    """A value of a field or of the profile as a person reads it."""
    if given is None:
        return "not set"
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, str):
        return given or "(empty)"
    if isinstance(given, int | float):
        return str(given)
    if isinstance(given, list) and all(isinstance(one, str | int | float) for one in given):
        return ", ".join(map(str, given)) or "(none)"
    if isinstance(given, list) and all(isinstance(one, list) and len(one) == 2 for one in given):
        return "\n".join(f"{one[0]}: {value(one[1])}" for one in given)
    return json.dumps(given, ensure_ascii=False, indent=None)


def short(given: Any) -> str:
    """The same, cut where it is long."""
    told = value(given)
    return told if len(told) <= LONGEST_VALUE else told[: LONGEST_VALUE - 1] + "…"


def sentence(text: str) -> str:
    """With a capital at its beginning."""
    return text[:1].upper() + text[1:]


def plain(text: str | None) -> str:
    """What the catalogue of causes says, without its marks of Markdown; nothing where there is nothing to do."""
    said = _LINK.sub(lambda found: "" if found["alone"] else found["text"], text or "")
    said = said.replace("`", "").replace("*", "").strip()
    return "" if said == "Nothing." else said


def words(name: str) -> str:
    """`check_every_seconds` as "check every seconds"."""
    return name.replace("_", " ").replace(".", " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} ")
