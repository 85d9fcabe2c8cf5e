"""The queue and the progress of a run on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from models.vocabulary import Phase, RunState, Waiting

_PROGRESS: JsonDict = {
    "run": 513,
    "state": "synchronizing",
    "phase": "synchronization",
    "step": "send",
    "headline": "40 products created",
    "seconds": 75.2,
    "calls": 310,
    "source_calls": 3,
    "seen": {},
    "parts": [{"kind": "product", "action": "create", "planned": 175, "left": 135}],
    "ended": False,
}


class Place(BaseModel):
    """Where the connector stands in the queue."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "why": "waits_for_slot",
                    "says": "It waits for a slot; 3 connectors come before it.",
                    "place": 3,
                    "expected_start": "2026-11-25T14:02:40Z",
                    "since": "2026-11-25T14:01:10Z",
                    "until": None,
                }
            ]
        }
    )

    why: Waiting
    says: Annotated[str, Field(description="The same as a sentence for people")]
    place: Annotated[int | None, Field(description="How many come before it; null where it does not stand in the line")]
    expected_start: Annotated[
        datetime | None,
        Field(description="Reckoned from how slots turned over in the last ten minutes; null where nobody can know"),
    ]
    since: Annotated[datetime | None, Field(description="Since when it waits, or has its slice")]
    until: Annotated[datetime | None, Field(description="The date that it waits for")]


class Part(BaseModel):
    """Planned changes of one kind and action."""

    kind: str
    action: str
    planned: int
    left: Annotated[int, Field(description="Still to be sent")]


class Progress(BaseModel):
    """Where a run stands just now."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PROGRESS]})

    run: int
    state: RunState
    phase: Phase | None
    step: str | None
    headline: str
    seconds: Annotated[float | None, Field(description="Seconds from the start to the end, or until now")]
    calls: int
    source_calls: int
    seen: Annotated[dict[str, int], Field(description="Kind -> items that the reading under way has brought so far")]
    parts: Annotated[list[Part], Field(description="Empty before all is planned")]
    ended: bool


class Current(BaseModel):
    """The run under way, if there is one."""

    progress: Progress | None


class Slice(BaseModel):
    """One slice of a run: a stretch of time for which it had a worker."""

    slice: Annotated[int, Field(description="Its number among the connector's slices")]
    ready: Annotated[datetime | None, Field(description="Since when it had waited")]
    started: datetime
    ended: datetime | None
    why: Annotated[str | None, Field(description="Why it ended; docs/run_lifecycle.md tells each")]
    step: str | None
    calls: int
    settled: Annotated[int, Field(description="Items that came to an outcome")]


class SlicePage(BaseModel):
    """Slices of a run, the newest first."""

    slices: list[Slice]
    next: str | None
