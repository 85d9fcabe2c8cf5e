"""A connector's configuration as a value."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from models.vocabulary import ItemKind
from worker.catalog.fields import FIELDS


class _Value(BaseModel):
    # What was refused is not quoted: a connector file holds secrets.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class StorefrontLink(_Value):
    """A storefront tied to a root category of the source; no root = the full category tree."""

    storefront: Annotated[int, Field(ge=1, description="Id of the store's channel")]
    root: Annotated[int | None, Field(description="Source id of the root category; null = full category tree")] = None


class Switches(_Value):
    """What may be overwritten, and how."""

    overwrite_stock: Annotated[bool, Field(description="Send stock at every change; false = only at creation")] = False
    overwrite_prices: Annotated[bool, Field(description="Send prices at every change; false = only at creation")] = True
    option_display: Annotated[
        Literal["dropdown_and_swatch", "as_created"],
        Field(description="How options are shown; as_created saves one call an option"),
    ] = "dropdown_and_swatch"


def _field_of(kind: ItemKind) -> AfterValidator:
    """Takes the names of this kind's fields; each that is none is a fault of its own, so that all are told at once."""

    def known(name: str) -> str:
        if name not in FIELDS[kind]:
            raise ValueError(f"no such field: {kind}.{name}; known fields are {', '.join(FIELDS[kind])}")
        return name

    return AfterValidator(known)


class Mapping(_Value):
    """Field name -> source column (its base name without the language)."""

    category: dict[Annotated[str, _field_of(ItemKind.CATEGORY)], str] = {}
    product: dict[Annotated[str, _field_of(ItemKind.PRODUCT)], str] = {}
    variant: dict[Annotated[str, _field_of(ItemKind.VARIANT)], str] = {}

    def of(self, kind: ItemKind) -> dict[str, str]:
        """The mapping of one item kind."""
        return {ItemKind.CATEGORY: self.category, ItemKind.PRODUCT: self.product, ItemKind.VARIANT: self.variant}[kind]


class Profile(_Value):
    """All that a run has to know of its connector; a run works on the snapshot it began with."""

    storefronts: Annotated[
        tuple[StorefrontLink, ...],
        Field(description="Which storefront shows which part of the tree; empty = the first one, the full tree"),
    ] = ()
    language: Annotated[str | None, Field(description="Language of the texts; null = the source's default")] = None
    mapping: Mapping = Mapping()
    custom_fields: Annotated[
        tuple[str, ...] | None,
        Field(description="Product columns that become custom fields; null = all that map to no field"),
    ] = None
    options: Annotated[
        tuple[str, ...] | None,
        Field(description="Variant columns that become options; null = all that map to no field"),
    ] = None
    switches: Switches = Switches()
    check_every_seconds: Annotated[int, Field(ge=10, description="How often the source is asked for changes")] = 300
    quota_left_to_others: Annotated[
        float, Field(ge=0, le=0.9, description="Share of the store's quota that other apps keep")
    ] = 0.0
    source_page_size: Annotated[int, Field(ge=100, le=5000, description="Items a page, a hint to the source")] = 1000

    @model_validator(mode="after")
    def _one_root_a_storefront(self) -> Self:
        linked = [link.storefront for link in self.storefronts]
        twice = sorted({storefront for storefront in linked if linked.count(storefront) > 1})
        if twice:
            raise ValueError(f"storefront {twice[0]} is linked twice; a storefront has one root category")
        return self


class Source(_Value):
    """Who we are at Sales Layer."""

    code: Annotated[str, Field(min_length=1, max_length=64, description="Connector code")]
    secret: Annotated[str, Field(min_length=1, max_length=255, description="Private key", repr=False)]


class Store(_Value):
    """Who we are at BigCommerce."""

    hash: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,32}$", description="Store hash")]
    access_token: Annotated[
        str, Field(min_length=1, max_length=255, description="Access token (X-Auth-Token)", repr=False)
    ]
    client_id: Annotated[str | None, Field(max_length=255, description="Client id; kept, not needed")] = None


class ConnectorFile(Profile):
    """What `connector add --file` takes: the profile with name and credentials."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="Short name, as in a URL")]
    source: Source
    store: Store

    def profile(self) -> Profile:
        """The profile alone, without name and credentials."""
        return Profile.model_validate(self.model_dump(exclude={"name", "source", "store"}))

    def credentials(self) -> dict[str, str]:
        """Credential field -> secret text, to be sealed."""
        found: dict[str, Any] = {
            "source_code": self.source.code,
            "source_secret": self.source.secret,
            "store_token": self.store.access_token,
            "store_client_id": self.store.client_id,
        }
        return {field: secret for field, secret in found.items() if secret is not None}
