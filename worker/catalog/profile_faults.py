"""What is wrong with a profile, as sentences.

They name fields and never repeat what stands in them: a file holds credentials, and a value may stand in the wrong
field.
"""

from __future__ import annotations

from functools import lru_cache

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from worker.catalog import json_text
from worker.catalog.profile import Profile
from worker.errors import ProfileUnusable

KEPT = 128
"""Profiles that a process keeps as values. A slice meets its connector's twice, for the run has a copy of it."""


@lru_cache(maxsize=KEPT)
def stored(kept: str) -> Profile:
    """The profile that was stored (JSON); ProfileUnusable, with all its faults, where it is none of this version."""
    try:
        return Profile.model_validate(json_text.read(kept))
    except ValidationError as trouble:
        faults = [sentence(fault).rstrip(".") for fault in trouble.errors()]
        raise ProfileUnusable([f"the stored profile: {fault}" for fault in dict.fromkeys(faults)]) from None


def sentence(fault: ErrorDetails) -> str:
    """One fault, as the operator reads it."""
    # Where a key is wrong, and not what stands under it, the last part says so.
    field = ".".join(str(part) for part in fault["loc"] if part != "[key]") or "the profile"
    match fault["type"]:
        case "missing":
            return f"{field} is missing."
        case "extra_forbidden":
            return f"{field} is no field of a profile; its schema names those that there are."
        case "string_pattern_mismatch":
            return f"{field} must match {fault['ctx']['pattern']}."
        case "value_error":
            return f"{field}: {fault['msg'].removeprefix('Value error, ')}."
        case _:
            return f"{field}: {_lowered(fault['msg'])}."


def _lowered(message: str) -> str:
    return (message[:1].lower() + message[1:]).removeprefix("input ")
