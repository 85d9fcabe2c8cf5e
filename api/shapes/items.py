"""Items on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from models.vocabulary import ItemKind, Outcome

_ITEM: JsonDict = {
    "kind": "product",
    "source_id": 301,
    "storefront_id": 0,
    "storefront": "-",
    "reference": "SH-1",
    "name": "Linen shirt",
    "outcome": "failed",
    "code": "name_taken",
    "message": "Product 301 has the name of product 300.",
    "do": "Give one of the two another name at Sales Layer.",
    "answer": None,
    "run": 512,
    "at": "2026-11-25T14:03:12Z",
}


class Item(BaseModel):
    """An item with its last outcome on one storefront."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ITEM]})

    kind: ItemKind
    source_id: int
    storefront_id: Annotated[int, Field(description="0 where the kind is not told apart by storefront")]
    storefront: Annotated[str, Field(description="`-` where the kind is not told apart by storefront")]
    reference: Annotated[str | None, Field(description="Its SKU, or the source's reference")]
    name: str | None
    outcome: Outcome
    code: str | None
    message: str | None
    do: Annotated[str | None, Field(description="What to do about it")]
    answer: Annotated[str | None, Field(description="The store's own words")]
    run: Annotated[int | None, Field(description="The run that told it")]
    at: datetime | None


class ItemPage(BaseModel):
    """Items, in the order of kind, source id and storefront."""

    items: list[Item]
    next: str | None


class Counts(BaseModel):
    """How many items each value of each filter would leave, beside the other filters."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "total": 6,
                    "kinds": {"product": 6},
                    "outcomes": {"created": 169, "failed": 6},
                    "codes": {"name_taken": 6},
                    "storefronts": {"0": 6},
                    "capped": False,
                }
            ]
        }
    )

    total: int
    kinds: dict[str, int]
    outcomes: dict[str, int]
    codes: dict[str, int]
    storefronts: Annotated[dict[str, int], Field(description="Storefront id -> count")]
    capped: Annotated[bool, Field(description="Whether a search finds more than are counted (1,000)")]


class Trouble(BaseModel):
    """One thing that is wrong with an item, or that it goes without."""

    code: str
    field: str | None
    text: str
    do: Annotated[str | None, Field(description="What to do about it")]


class Value(BaseModel):
    """A field three times; null where nobody says anything."""

    field: str
    source: Annotated[Any, Field(description="Now at the source, as the profile's mapping reads it")]
    sent: Annotated[Any, Field(description="As it was last sent")]
    store: Annotated[Any, Field(description="In the store, as it was last read")]


class LastCall(BaseModel):
    """The last call to the store that wrote the item, or tried to."""

    run: Annotated[int, Field(description="The run that made it")]
    action: Annotated[str, Field(description="The change that it was made for", examples=["update"])]
    method: Annotated[str, Field(examples=["PUT"])]
    route: Annotated[str, Field(description="The path without its query", examples=["/v3/catalog/products/77"])]
    status: Annotated[int | None, Field(description="null = no answer came", examples=[200])]
    request_id: Annotated[str | None, Field(description="The store's own name for the call, where it gives one")]
    at: datetime


class Place(BaseModel):
    """The item on one storefront."""

    storefront_id: int
    storefront: str
    outcome: Outcome | None
    code: str | None
    message: str | None
    answer: str | None
    run: int | None
    at: datetime | None
    problems: list[Trouble]
    store_id: Annotated[int | None, Field(description="The store's id of it; null = not linked")]
    created_here: Annotated[bool | None, Field(description="Whether this connector made the store item")]
    last_call: Annotated[LastCall | None, Field(description="null = no run that is kept has made one")]
    values: list[Value]


class Detail(BaseModel):
    """All that is known of one item."""

    kind: ItemKind
    source_id: int
    parent_id: Annotated[int | None, Field(description="Source id of its category or product")]
    name: str | None
    reference: str | None
    at_source: Annotated[bool, Field(description="Whether the source still has it")]
    due: Annotated[bool, Field(description="Whether it waits for an outcome")]
    source_read: datetime | None
    store_read: datetime | None
    places: list[Place]


class Came(BaseModel):
    """What the item came to in one run."""

    run: int
    storefront_id: int
    storefront: str
    outcome: Outcome
    code: str | None
    message: str | None
    at: datetime


class History(BaseModel):
    """What the item came to in the runs that touched it, the newest first."""

    history: list[Came]
    next: str | None
