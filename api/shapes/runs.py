"""Runs on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from models.vocabulary import Phase, RunState


class Request(BaseModel):
    """What kind of run is asked for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"refresh": False}]})

    refresh: Annotated[
        bool, Field(strict=True, description="Ask the source for everything, not for changes; all items become due")
    ] = False


class Retry(BaseModel):
    """Which of the failed items are sent again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"code": "refused_by_store"}]})

    code: Annotated[str | None, Field(max_length=100, description="Only those that failed with it; null = all")] = None


class Accepted(BaseModel):
    """The run that will serve the request."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"run": 513, "folded": False, "follows": 512}]})

    run: int
    folded: Annotated[bool, Field(description="Whether a run that waited already serves this request too")]
    follows: Annotated[int | None, Field(description="The run under way that it comes after")]


def _whole(given: object) -> object:
    """JSON has one kind of number: 513.0 is 513."""
    return int(given) if isinstance(given, float) and given.is_integer() else given


class Meant(BaseModel):
    """Which run is meant; where another one is under way by now, nothing is done."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"run": 513}]})

    run: Annotated[
        int | None,
        # Whoever reads the document has floats for bounds: this one they hold to the unit.
        Field(strict=True, ge=1, lt=2**53, description="Only this one; null = whichever is under way"),
        BeforeValidator(_whole),
    ] = None


class Held(BaseModel):
    """A run that was held up or let go."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"run": 513, "state": "paused"}]})

    run: int
    state: RunState


class Message(BaseModel):
    """Something that a person should know about a run."""

    level: str
    code: str
    text: str
    at: datetime


class Sample(BaseModel):
    """One of the items of a group."""

    kind: str
    source_id: int
    storefront: Annotated[str, Field(description="`-` where the kind is not told apart by storefront")]
    message: str | None


class ErrorGroup(BaseModel):
    """Items that have the same trouble for the same reason."""

    code: str
    outcome: str
    do: Annotated[str | None, Field(description="What to do about it")]
    count: int
    more: Annotated[int, Field(description="How many there are beyond the samples")]
    samples: list[Sample]


class Run(BaseModel):
    """A run as the Activity Register shows it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 512,
                    "connector": 7,
                    "state": "completed",
                    "phase": None,
                    "step": None,
                    "trigger": "request",
                    "requested_by": "backend (API key)",
                    "refresh": False,
                    "requested": "2026-11-25T14:00:00Z",
                    "started": "2026-11-25T14:00:01Z",
                    "ended": "2026-11-25T14:03:12Z",
                    "waited": 1.0,
                    "seconds": 191.0,
                    "slices": 1,
                    "calls": 1204,
                    "source_calls": 3,
                    "headline": "39 categories, 175 products created",
                    "counters": {"product": {"-": {"created": 175, "known": 175}}},
                }
            ]
        }
    )

    id: int
    connector: int
    state: RunState
    phase: Phase | None
    step: str | None
    trigger: str
    requested_by: str | None
    refresh: bool
    requested: datetime
    started: datetime | None
    ended: datetime | None
    waited: Annotated[float, Field(description="Seconds from the request to the start")]
    seconds: Annotated[float | None, Field(description="Seconds from the start to the end, or until now")]
    slices: int
    calls: Annotated[int, Field(description="Calls to BigCommerce, repeats included")]
    source_calls: int
    headline: str
    counters: Annotated[
        dict[str, dict[str, dict[str, int]]], Field(description="Kind -> storefront's name -> figure -> count")
    ]


class RunPage(BaseModel):
    """Runs, the newest first."""

    runs: list[Run]
    next: str | None


class RunMessages(BaseModel):
    """What is to be known of a run as a whole, the oldest first."""

    messages: list[Message]


class RunErrors(BaseModel):
    """The items with trouble, grouped by cause."""

    errors: list[ErrorGroup]


class PlannedItem(BaseModel):
    """An item of which the run has planned a change that is not sent yet."""

    kind: str
    source_id: int
    storefront: Annotated[str, Field(description="`-` where the kind is not told apart by storefront")]
    name: str | None
    reference: str | None
    groups: Annotated[list[str], Field(description="The groups of fields that are sent; empty where no field is")]


class PlannedPage(BaseModel):
    """Items that the run is still to deal with."""

    items: list[PlannedItem]
    next: str | None
