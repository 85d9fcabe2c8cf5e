"""The connector's fields: one table for mapping, checks and encoding.

Limits and store names are those of BigCommerce's API reference (catalogue v3,
field tables of products, variants and tree categories).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from models.vocabulary import ItemKind


class Type(StrEnum):
    """What a field's value is, in its canonical (JSON) form."""

    TEXT = "text"
    """str"""
    NUMBER = "number"
    """a decimal number as text, exact: '52.1'"""
    INTEGER = "integer"
    """int"""
    FLAG = "flag"
    """bool"""
    WORDS = "words"
    """list of str"""
    CHOICE = "choice"
    """str, one of the field's choices"""
    DATE = "date"
    """str, ISO 8601"""
    IDS = "ids"
    """list of str, each a whole number: ids of the store"""
    TEXTS = "texts"
    """list of str, one a picture in their order; one alone stands for all"""
    IMAGES = "images"
    """list of [source image id, url]"""


class Group(StrEnum):
    """Fields that are fingerprinted and sent together."""

    TEXT = "text"
    VISIBILITY = "visibility"
    PRICE = "price"
    STOCK = "stock"
    TRACKING = "tracking"
    SHIPPING = "shipping"
    IDENTITY = "identity"
    SELLING = "selling"
    SEO = "seo"
    URL = "url"
    BRAND = "brand"
    IMAGES = "images"
    CUSTOM_FIELDS = "custom_fields"
    BULK_PRICING = "bulk_pricing"
    VIDEOS = "videos"
    RELATED = "related"
    METAFIELDS = "metafields"
    CATEGORIES = "categories"
    STOREFRONTS = "storefronts"
    OPTIONS = "options"


class WhenEmpty(StrEnum):
    """What an empty value of a mapped column does to the store."""

    OVERWRITE = "overwrite"
    """It is written, where the store can hold an empty value (the original's rule, its §4)."""
    LEAVE_ALONE = "leave_alone"
    """Nothing is written: the store keeps what it has (the original's rule for the sale price)."""
    CLEAR = "clear"
    """The field goes back to what a new item of the store has, flags and choices too."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field that a source column can be mapped to.

    `most` is the highest number that the store takes, of whole numbers and of others.
    """

    name: str
    type: Type
    group: Group
    store: str
    """The field's key in the store's API."""
    aliases: tuple[str, ...] = ()
    """Further column names that map to it by default, without the table's prefix."""
    longest: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()
    required: bool = False
    blank: object = None
    """What an empty value is in the store; None = the store has no empty value for it, so none is sent."""
    nullable: bool = False
    """Empty is null in the store: no date; a variant takes what its product has."""
    cleared: str | int | bool | None = None
    """What the store gives a new item, where that is no empty value."""
    when_empty: WhenEmpty | None = None
    """The field's own rule for empty values, unless the profile names the field; None = the profile's."""
    inverted: bool = False

    def is_cleared_by(self, when_empty: WhenEmpty) -> bool:
        """Whether an empty value gives the field what a new item has.

        To overwrite what is left alone by the field's own rule is to clear it: the store has no empty value for it.
        """
        return when_empty is WhenEmpty.CLEAR or (
            self.when_empty is WhenEmpty.LEAVE_ALONE and when_empty is WhenEmpty.OVERWRITE
        )


HIGHEST = 9_999_999_999
"""The highest number that is no whole number: sizes have this limit (API facts §4.1), for prices none is stated."""


def _text(
    name: str, group: Group = Group.TEXT, *, longest: int, aliases: tuple[str, ...] = (), store: str = ""
) -> Field:
    return Field(name, Type.TEXT, group, store or name, aliases, longest=longest, blank="")


def _number(name: str, group: Group, *, required: bool = False, aliases: tuple[str, ...] = ()) -> Field:
    blank = None if required else 0
    return Field(name, Type.NUMBER, group, name, aliases, most=HIGHEST, required=required, blank=blank)


def _inherited(name: str, group: Group, *, aliases: tuple[str, ...] = ()) -> Field:
    """A number of a variant; without it the product's counts (API facts §3.5)."""
    return Field(name, Type.NUMBER, group, name, aliases, most=HIGHEST, nullable=True)


def _integer(name: str, group: Group, *, most: int = 2_147_483_647, aliases: tuple[str, ...] = ()) -> Field:
    return Field(name, Type.INTEGER, group, name, aliases, most=most, blank=0)


def _flag(name: str, group: Group, *, aliases: tuple[str, ...] = ()) -> Field:
    return Field(name, Type.FLAG, group, name, aliases, cleared=False)


def _choice(name: str, group: Group, *choices: str, aliases: tuple[str, ...] = ()) -> Field:
    """One of the store's words; the first is what a new item has."""
    return Field(name, Type.CHOICE, group, name, aliases, choices=choices, cleared=choices[0])


_NAME = ("title",)
_VISIBLE = ("visible",)
_SEO = (
    _text("page_title", Group.SEO, longest=255, aliases=("meta_title", "seo_title")),
    Field("meta_keywords", Type.WORDS, Group.SEO, "meta_keywords", longest=65535, blank=[]),
    _text("meta_description", Group.SEO, longest=65535, aliases=("seo_description",)),
)

_STOREFRONTS = Field("storefronts", Type.WORDS, Group.STOREFRONTS, "channels", ("storefront",))
"""Which storefronts show the item: read by `rules/storefronts.py`, never a field of a body."""

CATEGORY = (
    Field("name", Type.TEXT, Group.TEXT, "name", _NAME, longest=50, required=True),
    _text("description", longest=65535),
    Field("is_visible", Type.FLAG, Group.VISIBILITY, "is_visible", _VISIBLE, cleared=True),
    _integer("sort_order", Group.SELLING, aliases=("order",)),
    *_SEO,
    _text("search_keywords", Group.SEO, longest=255),
    Field("url", Type.TEXT, Group.URL, "url", longest=255, when_empty=WhenEmpty.LEAVE_ALONE),
    _choice(
        "default_product_sort",
        Group.SELLING,
        "use_store_settings",
        "featured",
        "newest",
        "best_selling",
        "alpha_asc",
        "alpha_desc",
        "avg_customer_review",
        "price_asc",
        "price_desc",
    ),
    _text("layout_file", Group.SELLING, longest=50),
    Field("images", Type.IMAGES, Group.IMAGES, "image_url", ("image",)),
    _STOREFRONTS,
)

_SIZES = tuple(_number(name, Group.SHIPPING) for name in ("width", "height", "depth"))
_CODES = (
    _text("upc", Group.IDENTITY, longest=14, aliases=("ean",)),
    _text("gtin", Group.IDENTITY, longest=14),
    _text("mpn", Group.IDENTITY, longest=255),
    _text("bin_picking_number", Group.IDENTITY, longest=255),
)
_STOCK = (
    # Alone in its group, since it goes through the inventory API. A stock that is not told is no stock of 0.
    Field(
        "inventory_level",
        Type.INTEGER,
        Group.STOCK,
        "inventory_level",
        ("stock", "quantity"),
        most=2_147_483_647,
        cleared=0,
        when_empty=WhenEmpty.LEAVE_ALONE,
    ),
    _integer("inventory_warning_level", Group.TRACKING),
)
_SHIPPING = (
    _flag("is_free_shipping", Group.SHIPPING, aliases=("free_shipping",)),
    _number("fixed_cost_shipping_price", Group.SHIPPING),
)

# Empty = left alone, 0 = removed (the original's §11).
_SALE_PRICE = Field(
    "sale_price", Type.NUMBER, Group.PRICE, "sale_price", most=HIGHEST, cleared="0", when_empty=WhenEmpty.LEAVE_ALONE
)

PRODUCT = (
    Field("name", Type.TEXT, Group.TEXT, "name", _NAME, longest=250, required=True),
    Field("sku", Type.TEXT, Group.IDENTITY, "sku", ("ref", "reference"), longest=255, required=True),
    _number("price", Group.PRICE, required=True, aliases=("default_price",)),
    _number("weight", Group.SHIPPING, required=True),
    _text("description", longest=1_000_000),
    Field("is_visible", Type.FLAG, Group.VISIBILITY, "is_visible", _VISIBLE, cleared=True),
    _SALE_PRICE,
    _number("cost_price", Group.PRICE, aliases=("cost",)),
    _number("retail_price", Group.PRICE, aliases=("msrp",)),
    _number("map_price", Group.PRICE, aliases=("minimum_advertised_price",)),
    *_SIZES,
    *_CODES,
    *_STOCK,
    *_SHIPPING,
    *_SEO,
    _text("search_keywords", Group.SEO, longest=65535),
    Field("url", Type.TEXT, Group.URL, "custom_url", longest=255, when_empty=WhenEmpty.LEAVE_ALONE),
    Field("brand", Type.TEXT, Group.BRAND, "brand_name", longest=255, blank=0),  # 0 = the id of no brand
    _choice("type", Group.SELLING, "physical", "digital"),
    _integer("tax_class_id", Group.PRICE, most=255, aliases=("tax_class",)),
    _text("product_tax_code", Group.PRICE, longest=255, aliases=("tax_code",)),  # without its table's prefix
    _choice("inventory_tracking", Group.TRACKING, "none", "product", "variant", aliases=("tracking_method",)),
    _choice("availability", Group.SELLING, "available", "disabled", "preorder"),
    _text("availability_description", Group.SELLING, longest=255),
    _flag("is_price_hidden", Group.SELLING, aliases=("hide_price",)),
    _text("price_hidden_label", Group.SELLING, longest=200),
    Field("preorder_release_date", Type.DATE, Group.SELLING, "preorder_release_date", nullable=True),
    _text("preorder_message", Group.SELLING, longest=255),
    _flag("is_preorder_only", Group.SELLING),
    _choice("gift_wrapping_options_type", Group.SELLING, "any", "none", "list", aliases=("gift_wrapping",)),
    Field("gift_wrapping_options_list", Type.IDS, Group.SELLING, "gift_wrapping_options_list", blank=[]),
    _choice("condition", Group.SELLING, "New", "Used", "Refurbished"),
    _flag("is_condition_shown", Group.SELLING),
    _flag("is_featured", Group.SELLING, aliases=("featured", "featured_product")),
    _integer("sort_order", Group.SELLING, aliases=("order",)),
    _integer("order_quantity_minimum", Group.SELLING, most=1_000_000_000),
    _integer("order_quantity_maximum", Group.SELLING, most=1_000_000_000),
    _text("warranty", Group.SELLING, longest=65535),
    _choice(
        "open_graph_type",
        Group.SEO,
        "product",
        "album",
        "book",
        "drink",
        "food",
        "game",
        "movie",
        "song",
        "tv_show",
        aliases=("object_type",),
    ),
    _text("open_graph_title", Group.SEO, longest=255),
    _text("open_graph_description", Group.SEO, longest=65535),
    _flag("open_graph_use_product_name", Group.SEO),
    _flag("open_graph_use_meta_description", Group.SEO),
    _flag("open_graph_use_image", Group.SEO),
    _text("layout_file", Group.SELLING, longest=500),
    Field("images", Type.IMAGES, Group.IMAGES, "images", ("image",)),
    _STOREFRONTS,
    Field("videos", Type.WORDS, Group.VIDEOS, "videos", ("video", "youtube")),
    Field("related_products", Type.WORDS, Group.RELATED, "related_products", ("related",)),
    Field("image_descriptions", Type.TEXTS, Group.IMAGES, "images.description", ("image_description",)),
)

VARIANT = (
    Field("sku", Type.TEXT, Group.IDENTITY, "sku", ("ref", "reference"), longest=255, required=True),
    _inherited("price", Group.PRICE),
    _SALE_PRICE,
    _inherited("cost_price", Group.PRICE, aliases=("cost",)),
    _inherited("retail_price", Group.PRICE, aliases=("msrp",)),
    _inherited("map_price", Group.PRICE, aliases=("minimum_advertised_price",)),
    _inherited("weight", Group.SHIPPING),
    *(_inherited(name, Group.SHIPPING) for name in ("width", "height", "depth")),
    *_CODES,
    *_STOCK,
    _flag("is_free_shipping", Group.SHIPPING, aliases=("free_shipping",)),
    _inherited("fixed_cost_shipping_price", Group.SHIPPING),
    Field(
        "enabled",
        Type.FLAG,
        Group.VISIBILITY,
        "purchasing_disabled",
        ("purchasable", "visible"),
        cleared=True,
        inverted=True,
    ),
    _text("purchasing_disabled_message", Group.VISIBILITY, longest=255),
    Field("images", Type.IMAGES, Group.IMAGES, "image_url", ("image",)),
)

FIELDS: dict[ItemKind, dict[str, Field]] = {
    ItemKind.CATEGORY: {field.name: field for field in CATEGORY},
    ItemKind.PRODUCT: {field.name: field for field in PRODUCT},
    ItemKind.VARIANT: {field.name: field for field in VARIANT},
}
"""Every field that a profile may map, by item kind and name."""

PREFIXES: dict[ItemKind, tuple[str, ...]] = {
    ItemKind.CATEGORY: ("section_", "category_", "catalogue_"),
    ItemKind.PRODUCT: ("product_",),
    ItemKind.VARIANT: ("format_", "variant_"),
}
"""What a column's name may begin with before it is compared with a field's name."""

TABLES: dict[ItemKind, str] = {
    ItemKind.CATEGORY: "catalogue",
    ItemKind.PRODUCT: "products",
    ItemKind.VARIANT: "product_formats",
}
"""The source's standard tables."""
