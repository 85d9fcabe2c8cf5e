"""A command that cannot be carried out."""

from __future__ import annotations

from enum import StrEnum

from worker.errors import WorkerError


class Why(StrEnum):
    """Why a command cannot be carried out; docs/api.md tells each, and what to do."""

    UNKNOWN = "unknown"
    """The tenant has no such thing."""
    TAKEN = "taken"
    """There is one of that name already."""
    SWITCHED_OFF = "switched_off"
    """The connector is disabled."""
    NO_RUN = "no_run"
    """No run is in a state in which that could be done."""
    NOTHING_FAILED = "nothing_failed"
    """There is nothing to be sent again."""
    ANOTHER_STORE = "another_store"
    """What was sent belongs to a store: another one is another connector."""
    PROFILE_UNUSABLE = "profile_unusable"
    """What is stored as the connector's profile cannot be read."""
    NEIGHBOUR_UNREACHABLE = "neighbour_unreachable"
    """The source or the store does not answer, or refuses."""
    ADDRESS_REFUSED = "address_refused"
    """A webhook may not be sent there."""
    TOO_MANY = "too_many"
    """There are as many of them as there may be."""
    KEYS_MISSING = "keys_missing"
    """The service's key ring cannot seal or open credentials."""


class Refusal(WorkerError):
    """The command cannot be carried out; the text says why, in one sentence."""

    def __init__(self, why: Why, text: str) -> None:
        self.why = why
        super().__init__(text)
