"""Connectors on the wire; credentials are taken and never given."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi.openapi.models import Example
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from models.vocabulary import RunState, TurnState
from worker.catalog.profile import Source, Store

_EXAMPLE: JsonDict = {
    "id": 7,
    "name": "spring-shop",
    "store_hash": "abc123",
    "enabled": True,
    "disabled_reason": None,
    "turn": "parked",
    "next_at": "2026-11-25T14:05:00Z",
    "rests_until": None,
    "last_checked": "2026-11-25T14:00:00Z",
    "last_run": {"id": 512, "state": "completed"},
}


_PROFILE: JsonDict = {
    "storefronts": [{"storefront": 1, "root": 11}],
    "mapping": {"product": {"name": "product_name", "sku": "product_sku"}},
}
PROFILE: dict[str, Example] = {"two fields": {"value": _PROFILE}}
CONNECTOR: dict[str, Example] = {
    "a connector": {
        "value": {
            "name": "spring-shop",
            "source": {"code": "CN1234567890", "secret": "..."},
            "store": {"hash": "abc123", "access_token": "..."},
            **_PROFILE,
        }
    }
}
"""Bodies whose shape is the profile's own, which knows no wire."""


class LastRun(BaseModel):
    """A connector's last run."""

    id: int
    state: RunState


class Connector(BaseModel):
    """A connector, with its turn and how it fared last."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: int
    name: str
    store_hash: str
    enabled: bool
    disabled_reason: str | None
    turn: TurnState
    next_at: Annotated[datetime | None, Field(description="When a parked connector is due; null: on request only")]
    rests_until: Annotated[
        datetime | None, Field(description="Until then its failing store or source is left in peace")
    ]
    last_checked: datetime | None
    last_run: LastRun | None


class Connectors(BaseModel):
    """The tenant's connectors, by name."""

    connectors: list[Connector]


class Made(BaseModel):
    """What was made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": 7}]})

    id: int


class NewCredentials(BaseModel):
    """Credentials to be sealed: of the source, of the store, or both; what is not given stays."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "source": {"code": "CN1234567890", "secret": "..."},
                    "store": {"hash": "abc123", "access_token": "..."},
                }
            ]
        },
    )

    source: Source | None = None
    store: Store | None = None


class Reason(BaseModel):
    """Why a connector is switched off."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "stocktaking until Monday"}]})

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


class Problems(BaseModel):
    """What must be put right, each a sentence that says what to do; empty = all is in order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"problems": ["products: the store's API account lacks the scope 'Products: modify': ..."]}]
        }
    )

    problems: list[str]


class JournalEntry(BaseModel):
    """Something that somebody did to the connector."""

    id: int
    at: datetime
    who: str
    what: str
    details: Annotated[
        dict[str, Any],
        Field(description="`changed`: field -> [before, after]; `fields`, `run`, `reason`, `was`, `rests_ended`"),
    ]


class JournalPage(BaseModel):
    """What was done, the newest first."""

    entries: list[JournalEntry]
    next: str | None
