"""Tenants, API keys and the overview of all, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from api.shapes.connectors import LastRun
from models.vocabulary import Scope, TurnState
from worker.commands import keys, tenants
from worker.rules.schedule import zone_fault

Weight = Annotated[
    float, Field(ge=0.01, le=1000, strict=True, description="Share of the workers, next to the others' weights")
]


def _whole(given: object) -> object:
    """JSON knows no integers: 98.0 is one."""
    return int(given) if isinstance(given, float) and given.is_integer() else given


MaxSlots = Annotated[
    int | None,
    Field(ge=1, le=10_000, strict=True, description="Most connectors that work at the same time; null = no limit"),
    BeforeValidator(_whole),
]
_TENANT: JsonDict = {
    "id": 3,
    "name": "acme",
    "weight": 1.0,
    "max_slots": None,
    "time_zone": "Europe/Madrid",
    "connectors": 2,
}
_KEY: JsonDict = {
    "id": "3f9a61c2d4e5b607",
    "name": "backend",
    "scope": "write",
    "created": "2026-11-25T14:00:00Z",
    "last_used": None,
    "expires": None,
}


def _is_a_zone(name: str) -> str:
    if wrong := zone_fault(name):
        raise ValueError(wrong)
    return name


TimeZone = Annotated[
    str,
    Field(max_length=64, description="IANA name of the zone in which the schedules of its connectors are read"),
    AfterValidator(_is_a_zone),
]


def _is_a_name(name: str) -> str:
    if not tenants.is_name(name):
        raise ValueError("a tenant's name needs a letter, no full stop and no line break")
    return name


class NewTenant(BaseModel):
    """A tenant to be added."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "acme", "weight": 1.0}]})

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=100,
            # What programs generate by the document is a name; people may also use letters of other scripts.
            description="Unlike any other tenant's; printable, without a full stop",
        ),
        AfterValidator(_is_a_name),
    ]
    weight: Weight = 1.0
    max_slots: MaxSlots = None
    time_zone: TimeZone = "UTC"


class TenantChanges(BaseModel):
    """What is to change; what is not given stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"weight": 2.0, "max_slots": None}]})

    weight: Weight = 1.0
    max_slots: MaxSlots = None
    time_zone: TimeZone = "UTC"


class Tenant(BaseModel):
    """A tenant with its share of the workers."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TENANT]})

    id: int
    name: str
    weight: float
    max_slots: int | None
    time_zone: Annotated[str, Field(description="IANA name of the zone in which its schedules are read")]
    connectors: Annotated[int, Field(description="How many it has")]


class TenantPage(BaseModel):
    """Tenants by name."""

    tenants: list[Tenant]
    next: str | None


class _NewKey(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S", description="Who asks with it")]
    expires_in: Annotated[
        float | None,
        Field(ge=1, le=keys.LONGEST_LIFE, strict=True, description="Seconds for which it opens; null = for ever"),
    ] = None


class NewKey(_NewKey):
    """A key of the tenant to be added."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "backend", "scope": "write"}]})

    scope: Annotated[
        Scope, Field(json_schema_extra={"enum": [Scope.WRITE, Scope.READ]}, description="What it opens: write or read")
    ]


class NewOperatorKey(_NewKey):
    """A key of an operator to be added."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "night watch", "expires_in": 86400}]})


class Rotation(BaseModel):
    """How a key is replaced."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"overlap": 86400}]})

    overlap: Annotated[
        float,
        Field(ge=0, le=keys.LONGEST_OVERLAP, strict=True, description="Seconds for which the old one opens besides"),
    ] = 86_400.0


class Key(BaseModel):
    """A key; what it is written as is told once, when it is made."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEY]})

    id: str
    name: str
    scope: Scope
    created: datetime
    last_used: Annotated[datetime | None, Field(description="To the minute")]
    expires: datetime | None


class Keys(BaseModel):
    """Keys, the oldest first; those that have expired are among them."""

    keys: list[Key]


class ShownKey(Key):
    """A key that was just made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_KEY, "token": "slbc_3f9a61c2d4e5b607_9hQ..."}]})

    token: Annotated[str, Field(description="What goes behind `Authorization: Bearer`; it is never told again")]


class OverviewLine(BaseModel):
    """A connector as operators see it."""

    tenant: str
    tenant_id: int
    connector: str
    id: int
    store_hash: str
    enabled: bool
    disabled_reason: str | None
    turn: TurnState
    next_at: Annotated[datetime | None, Field(description="When a parked connector is due; null: on request only")]
    rests_until: datetime | None
    worker: Annotated[str | None, Field(description="Who has its slice, or had its last one")]
    attempts: Annotated[int, Field(description="Slices in a row that came to nothing")]
    last_checked: datetime | None
    last_run: LastRun | None


class OverviewPage(BaseModel):
    """Connectors of all tenants, in the order of their ids."""

    connectors: list[OverviewLine]
    next: str | None
