"""A profile file read, with all that is wrong with it said at once.

The sentences name fields and never repeat what stands in them: a file holds
credentials, and a value may stand in the wrong field.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cli.errors import RefusalError
from worker.catalog import profile_faults
from worker.catalog.profile import ConnectorFile, Profile, StorefrontLink

OF_THE_CONNECTOR = ("name", "source", "store")
"""What a connector's file holds beyond its profile."""

STDIN = Path("-")
"""Names standard input, as elsewhere: a file of one's own machine is brought to a command in a container that way."""

Model = TypeVar("Model", bound=BaseModel)


def connector_file(path: Path) -> ConnectorFile:
    """The file of a connector to be: profile, name and credentials."""
    return _checked(ConnectorFile, _object(path), path)


def profile_file(path: Path) -> Profile | ConnectorFile:
    """A profile alone, or a whole connector's file where name or credentials stand in it."""
    found = _object(path)
    if any(field in found for field in OF_THE_CONNECTOR):
        return _checked(ConnectorFile, found, path)
    return _checked(Profile, found, path)


def _object(path: Path) -> dict[str, Any]:
    named = _named(path)
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig") if path == STDIN else path.read_text("utf-8-sig")
        found = json.loads(text)
    except OSError as trouble:
        raise RefusalError(f"{named} cannot be read: {trouble.strerror or type(trouble).__name__}.") from None
    except UnicodeDecodeError:
        raise RefusalError(f"{named} is not UTF-8 text.") from None
    except json.JSONDecodeError as trouble:
        where = f"line {trouble.lineno}, column {trouble.colno}"
        raise RefusalError(f"{named} is not JSON: {trouble.msg} at {where}.") from None
    except RecursionError:
        raise RefusalError(f"{named} is not a profile: it is nested too deeply.") from None
    if not isinstance(found, dict):
        raise RefusalError(
            f"{named} is not a profile: it must hold one JSON object; `connector schema` prints its shape."
        )
    return found


def _named(path: Path) -> str:
    return "standard input" if path == STDIN else str(path)


def _checked(model: type[Model], found: dict[str, Any], path: Path) -> Model:
    try:
        return model.model_validate(found)
    except ValidationError as trouble:
        faults = [*map(profile_faults.sentence, trouble.errors()), *_beside(found)]
        told = tuple(dict.fromkeys(faults))
        raise RefusalError(
            f"{_named(path)} was not taken, nothing is stored:", *(f"  {fault}" for fault in told)
        ) from None


def _beside(found: dict[str, Any]) -> Iterable[str]:
    """Faults of the storefronts among each other, which are not looked at while anything else is wrong."""
    links = found.get("storefronts")
    try:
        Profile.model_validate(
            {"storefronts": [one for one in links if _is_link(one)] if isinstance(links, list) else []}
        )
    except ValidationError as trouble:
        return [profile_faults.sentence(one) for one in trouble.errors()]
    return []


def _is_link(link: object) -> bool:
    try:
        StorefrontLink.model_validate(link)
    except ValidationError:
        return False
    return True
