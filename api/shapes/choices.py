"""What a profile can be tied to, on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Storefront(BaseModel):
    """A storefront of the store."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": 1, "name": "Spring shop", "status": "active", "linked": True, "root": 11}]
        }
    )

    id: Annotated[int, Field(description="What `storefronts` of the profile names")]
    name: str
    status: Annotated[str, Field(description="As the store has it")]
    linked: Annotated[bool, Field(description="Whether the connector feeds it; without a link the first one is fed")]
    root: Annotated[int | None, Field(description="Source id of its root category; null = full tree, or not linked")]


class Storefronts(BaseModel):
    """The storefronts that shoppers see."""

    storefronts: list[Storefront]


class Category(BaseModel):
    """A category of the source."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": 11, "name": "Shirts", "path": ["Clothes", "Shirts"], "below": 3}]}
    )

    id: Annotated[int, Field(description="Its source id: what `root` of a storefront link names")]
    name: str
    path: Annotated[list[str], Field(description="The names from the top down to its own")]
    below: Annotated[int, Field(description="How many categories are directly below it")]


class CategoryPage(BaseModel):
    """Categories of the source, in the order of their ids."""

    categories: list[Category]
    next: str | None
