"""A connector's configuration as a value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from models.vocabulary import ItemKind
from worker.catalog import bulk_pricing, letters, urls
from worker.catalog.fields import FIELDS, WhenEmpty

Said = TypeVar("Said")

GREATEST_ID = 2**63 - 1
"""No id of the source or the store is greater: the database takes no greater number."""

LONGEST_INTERVAL = 366 * 24 * 3600
_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)


class _Value(BaseModel):
    # What was refused is not quoted: a connector file holds secrets.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class StorefrontLink(_Value):
    """A storefront tied to a root category of the source; no root = the full category tree."""

    storefront: Annotated[int, Field(ge=1, le=GREATEST_ID, description="Id of the store's channel")]
    root: Annotated[
        int | None,
        Field(ge=-GREATEST_ID, le=GREATEST_ID, description="Source id of the root category; null = full category tree"),
    ] = None


class Switches(_Value):
    """What is included, what may be overwritten, and how."""

    overwrite_stock: Annotated[bool, Field(description="Send stock at every change; false = only at creation")] = False
    overwrite_prices: Annotated[bool, Field(description="Send prices at every change; false = only at creation")] = True
    option_display: Annotated[
        Literal["dropdown_and_swatch", "as_created"],
        Field(description="How options are shown; as_created saves one call an option"),
    ] = "dropdown_and_swatch"
    include_empty_categories: Annotated[
        bool, Field(description="Whether categories are shown that have no product of the source in or below them")
    ] = True


class StorefrontList(_Value):
    """Attribute-list fields of the import connector that offer the store's storefronts as their choices."""

    category: Annotated[
        str | None, Field(pattern=r"^[^\[\]]+$", description="Field of the categories; null = none")
    ] = None
    product: Annotated[str | None, Field(pattern=r"^[^\[\]]+$", description="Field of the products; null = none")] = (
        None
    )

    def columns(self) -> dict[ItemKind, str]:
        """Item kind -> the field that the profile names."""
        named = {ItemKind.CATEGORY: self.category, ItemKind.PRODUCT: self.product}
        return {kind: column for kind, column in named.items() if column is not None}


def _field_of(kind: ItemKind, also: Callable[[str], object] = lambda _name: None) -> AfterValidator:
    """Takes the names of this kind's fields, and those that `also` knows; each other one is a fault of its own.

    So all of them are told at once.
    """

    def known(name: str) -> str:
        if name not in FIELDS[kind] and also(name) is None:
            raise ValueError(f"no such field: {kind}.{name}; known fields are {', '.join(FIELDS[kind])}")
        return name

    return AfterValidator(known)


class _ByField(_Value, Generic[Said]):
    """Something said of fields, by item kind and field name."""

    category: dict[Annotated[str, _field_of(ItemKind.CATEGORY)], Said] = {}
    product: dict[Annotated[str, _field_of(ItemKind.PRODUCT)], Said] = {}
    variant: dict[Annotated[str, _field_of(ItemKind.VARIANT)], Said] = {}

    def of(self, kind: ItemKind) -> dict[str, Said]:
        """What is said of the fields of one item kind."""
        return {ItemKind.CATEGORY: self.category, ItemKind.PRODUCT: self.product, ItemKind.VARIANT: self.variant}[kind]


class Mapping(_ByField[str]):
    """Field name -> source column (its base name without the language); cells of bulk pricing rules are fields too."""

    product: dict[Annotated[str, _field_of(ItemKind.PRODUCT, also=bulk_pricing.numbered)], str] = {}


class EmptyValues(_ByField[WhenEmpty]):
    """What an empty cell of a mapped column does: by default, and field name -> something else."""

    default: Annotated[
        WhenEmpty,
        Field(
            description="overwrite: written, where the store can hold an empty value; leave_alone: nothing is written;"
            " clear: as a new item has it, flags and choices too"
        ),
    ] = WhenEmpty.OVERWRITE


class MetafieldColumn(_Value):
    """A source column that becomes a metafield; `namespace` and `key` together name it once."""

    namespace: Annotated[str, Field(min_length=1, max_length=64, description="Whose notes they are")] = "saleslayer"
    key: Annotated[str, Field(min_length=1, max_length=64, description="Its name in the namespace")]
    column: Annotated[str, Field(min_length=1, description="Source column (its base name without the language)")]
    permission_set: Annotated[
        Literal["app_only", "read", "write", "read_and_sf_access", "write_and_sf_access"],
        Field(description="Who may see and change it; app_only = this API account alone"),
    ] = "app_only"


class Metafields(_Value):
    """Columns that become metafields; those that are taken out of this list are deleted in the store."""

    product: Annotated[tuple[MetafieldColumn, ...], Field(max_length=250)] = ()
    variant: Annotated[tuple[MetafieldColumn, ...], Field(max_length=250)] = ()

    def of(self, kind: ItemKind) -> tuple[MetafieldColumn, ...]:
        """The metafields of one item kind; categories have none."""
        return {ItemKind.PRODUCT: self.product, ItemKind.VARIANT: self.variant}.get(kind, ())

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for kind in ItemKind:
            names = [f"{one.namespace}.{one.key}" for one in self.of(kind)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{kind} metafield {twice[0]} is named twice")
        return self


class Schedule(_Value):
    """When a connector runs: at an interval, or by a cron expression in its tenant's time zone."""

    every_seconds: Annotated[
        int | None, Field(ge=60, le=LONGEST_INTERVAL, description="Seconds from one scheduled start to the next")
    ] = None
    cron: Annotated[
        str | None,
        Field(max_length=100, description="Minute, hour, day of the month, month, day of the week: 0 3 * * *"),
    ] = None

    @field_validator("cron")
    @classmethod
    def _comes_round(cls, written: str | None) -> str | None:
        if written is not None and (wrong := _cron_fault(written)):
            raise ValueError(wrong)
        return written

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.every_seconds is None) == (self.cron is None):
            raise ValueError("give either every_seconds or cron")
        return self

    @model_serializer(mode="wrap")
    def _what_is_said(self, serialized: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in serialized(self).items() if value is not None}


def _cron_fault(written: str) -> str | None:
    if len(written.split()) != 5:
        return "a cron expression has five parts: minute, hour, day of the month, month, day of the week"
    try:
        next(CronSim(written, _SOME_DAY))
    except CronSimError as trouble:
        return f"this is no cron expression: {str(trouble).lower()}"
    except StopIteration:
        return "its time never comes"
    return None


class Profile(_Value):
    """All that a run has to know of its connector; a run works on the snapshot it began with."""

    storefronts: Annotated[
        tuple[StorefrontLink, ...],
        Field(description="Which storefront shows which part of the tree; empty = the first one, the full tree"),
    ] = ()
    language: Annotated[str | None, Field(description="Language of the texts; null = the source's default")] = None
    mapping: Mapping = Mapping()
    empty_values: EmptyValues = EmptyValues()
    custom_fields: Annotated[
        tuple[str, ...] | None,
        Field(description="Product columns that become custom fields; null = all that map to no field"),
    ] = None
    options: Annotated[
        tuple[str, ...] | None,
        Field(description="Variant columns that become options; null = all that map to no field"),
    ] = None
    metafields: Metafields = Metafields()
    switches: Switches = Switches()
    category_url: Annotated[
        str | None,
        Field(
            description="Address of a category without one: short, long, or a pattern of %categoryname% and %parent%;"
            " null = the store makes it"
        ),
    ] = None
    product_url: Annotated[
        str | None,
        Field(
            description="Address of a product without one: short, long, category, or a pattern of %productname%, %sku%,"
            " %upc% and %category%; null = the store makes it"
        ),
    ] = None
    brake: Annotated[
        float,
        Field(ge=0, le=1, description="Share of the linked items of a kind that one run may disable or blank unasked"),
    ] = 0.3
    storefront_list: Annotated[
        StorefrontList, Field(description="Where the list of the store's storefronts is written in Sales Layer")
    ] = StorefrontList()
    stock_location: Annotated[
        int,
        Field(
            ge=1,
            le=GREATEST_ID,
            description="Location of the store's inventory whose stock is set; 1 = the default one",
        ),
    ] = 1
    check_every_seconds: Annotated[
        int, Field(ge=10, le=31_536_000, description="How often the source is asked for changes")
    ] = 300
    schedule: Annotated[
        Schedule | None, Field(description="When the connector runs, instead of such checks; null = none")
    ] = None
    quota_left_to_others: Annotated[
        float, Field(ge=0, le=0.9, description="Share of the store's quota that other apps keep")
    ] = 0.0
    source_page_size: Annotated[int, Field(ge=100, le=5000, description="Items a page, a hint to the source")] = 1000

    @model_validator(mode="before")
    @classmethod
    def _only_text(cls, given: Any) -> Any:
        if faults := list(letters.no_text(given)):
            fault = PydanticCustomError("no_text", letters.NO_TEXT)
            raise ValidationError.from_exception_data(
                cls.__name__, [InitErrorDetails(type=fault, loc=place, input=None) for place in faults]
            )
        return given

    @field_validator("category_url", "product_url")
    @classmethod
    def _makes_an_address(cls, written: str | None, info: ValidationInfo) -> str | None:
        kind = ItemKind.CATEGORY if info.field_name == "category_url" else ItemKind.PRODUCT
        if written is not None and (wrong := urls.fault(kind, written)):
            raise ValueError(wrong)
        return written

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
    import_code: Annotated[
        str | None, Field(min_length=1, max_length=64, description="Code of an import connector; null = none")
    ] = None
    import_secret: Annotated[
        str | None, Field(min_length=1, max_length=255, description="Private key of the import connector", repr=False)
    ] = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.import_code is None) != (self.import_secret is None):
            raise ValueError("import_code and import_secret are needed together")
        return self

    def credentials(self) -> dict[str, str]:
        """Credential field -> secret text, to be sealed."""
        return _said(
            source_code=self.code,
            source_secret=self.secret,
            import_code=self.import_code,
            import_secret=self.import_secret,
        )


class Store(_Value):
    """Who we are at BigCommerce."""

    hash: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,32}$", description="Store hash")]
    access_token: Annotated[
        str, Field(min_length=1, max_length=255, description="Access token (X-Auth-Token)", repr=False)
    ]
    client_id: Annotated[str | None, Field(max_length=255, description="Client id; kept, not needed")] = None

    def credentials(self) -> dict[str, str]:
        """Credential field -> secret text, to be sealed."""
        return _said(store_token=self.access_token, store_client_id=self.client_id)


def _said(**found: str | None) -> dict[str, str]:
    return {field: secret for field, secret in found.items() if secret is not None}


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
        return {**self.source.credentials(), **self.store.credentials()}
