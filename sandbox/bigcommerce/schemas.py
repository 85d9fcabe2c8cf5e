"""The fields of everything in the store (API facts §4)."""

from sandbox.bigcommerce.fields import Field, Schema, flag, many, number, record, text, whole, word

LONG = 65_535
HUGE = 9_999_999_999
BILLION = 1_000_000_000

CUSTOM_URL: Schema = {"url": text(1, 255), "is_customized": flag(), "create_redirect": flag()}
BRAND_URL: Schema = {"url": text(1, 1024), "is_customized": flag()}
TREE_URL: Schema = {"path": text(1, 255), "is_customized": flag()}

CUSTOM_FIELD: Schema = {"name": text(1, 250, required=True), "value": text(1, 250, required=True)}
VIDEO: Schema = {
    "title": text(0, 255),
    "description": text(),
    "sort_order": whole(),
    "type": word("youtube"),
    "video_id": text(1, 25, required=True),
}
BULK_RULE: Schema = {
    "quantity_min": whole(0, required=True),
    "quantity_max": whole(0, required=True),
    "type": word("price", "percent", "fixed", required=True),
    "amount": number(required=True),
}
# The address itself is judged by `images.py`, in the words of the store.
IMAGE: Schema = {
    "image_url": text(),
    "image_file": text(),
    "is_thumbnail": flag(),
    "sort_order": whole(),
    "description": text(),
}

SWATCH: Schema = {
    "colors": many(text(), 3, 1),
    "image_url": text(0, 255),
    "product_id": whole(1),
    "checked_value": flag(),
}
VALUE: Schema = {
    "label": text(1, 255, required=True),
    "sort_order": whole(required=True),
    "is_default": flag(),
    "value_data": record(SWATCH, null=True),
}
OPTION_TYPES = ("radio_buttons", "rectangles", "dropdown", "product_list", "product_list_with_images", "swatch")
OPTION: Schema = {
    "display_name": text(1, 255, required=True),
    "type": word(*OPTION_TYPES, required=True),
    "sort_order": whole(),
    "config": record({}),
    "option_values": many(record(VALUE), 250, 1, required=True),
}
# On PUT a value that is already there needs its id only.
VALUE_PUT: Schema = {
    "id": whole(1),
    "label": text(1, 255),
    "sort_order": whole(),
    "is_default": flag(),
    "value_data": record(SWATCH, null=True),
}
OPTION_PUT: Schema = {**OPTION, "option_values": many(record(VALUE_PUT), 250, 1)}

MONEY = ("price", "cost_price", "retail_price", "sale_price", "map_price")
SIZES = ("weight", "width", "depth", "height")

VARIANT: Schema = {
    # An empty SKU is refused by `variants.py` with its own code.
    "sku": text(0, 255),
    **{name: number(null=True) for name in (*MONEY, *SIZES, "fixed_cost_shipping_price")},
    "is_free_shipping": flag(),
    "purchasing_disabled": flag(),
    "purchasing_disabled_message": text(0, 255),
    "bin_picking_number": text(0, 255),
    "image_url": text(),
    "upc": text(0, 14),
    "gtin": text(0, 14),
    "mpn": text(),
    "inventory_level": whole(0, null=True),
    "inventory_warning_level": whole(0, null=True),
}
CHOSEN: Schema = {"option_id": whole(1, required=True), "id": whole(1, required=True)}
LABELLED: Schema = {"option_display_name": text(1, 255, required=True), "label": text(1, 255, required=True)}
VARIANT_POST: Schema = {**VARIANT, "option_values": many(record(CHOSEN))}
VARIANT_INLINE: Schema = {**VARIANT, "option_values": many(record(LABELLED))}
# The batch schema knows no null: leave out or send a number (API facts §4.2).
VARIANT_BATCH: Schema = {
    **{name: Field(f.kind, f.low, f.high, f.choices) for name, f in VARIANT.items()},
    "id": whole(1),
    "product_id": whole(1),
    "option_values": many(record(CHOSEN)),
}

# The sub-resources of a product carry their id when they are to be changed (API facts §3.3).
WITH_ID: Schema = {"id": whole(1)}
PRODUCT: Schema = {
    "name": text(1, 250),
    "type": word("physical", "digital"),
    "sku": text(0, 255),
    "description": text(),
    **{name: number(0, HUGE) for name in SIZES},
    **{name: number() for name in MONEY},
    "tax_class_id": whole(0, 255),
    "product_tax_code": text(0, 255),
    "categories": many(whole(), 1000),
    "brand_id": whole(0, BILLION),
    "brand_name": text(0, 255),
    "inventory_level": whole(0),
    "inventory_warning_level": whole(0),
    "inventory_tracking": word("none", "product", "variant"),
    "fixed_cost_shipping_price": number(),
    "is_free_shipping": flag(),
    "is_visible": flag(),
    "is_featured": flag(),
    "is_condition_shown": flag(),
    "is_preorder_only": flag(),
    "is_price_hidden": flag(),
    "price_hidden_label": text(0, 200),
    "related_products": many(whole(), 50),
    "warranty": text(0, LONG),
    "search_keywords": text(0, LONG),
    "meta_description": text(0, LONG),
    "meta_keywords": many(text(0, LONG)),
    "page_title": text(0, 255),
    "availability": word("available", "disabled", "preorder"),
    "availability_description": text(0, 255),
    "preorder_message": text(0, 255),
    "preorder_release_date": text(null=True),
    "bin_picking_number": text(0, 255),
    "layout_file": text(0, 500),
    "upc": text(0, 14),
    "gtin": text(0, 14),
    "mpn": text(),
    "gift_wrapping_options_type": word("any", "none", "list"),
    "gift_wrapping_options_list": many(whole()),
    "sort_order": whole(),
    "condition": word("New", "Used", "Refurbished"),
    "order_quantity_minimum": whole(0, BILLION),
    "order_quantity_maximum": whole(0, BILLION),
    "custom_url": record(CUSTOM_URL),
    "open_graph_type": word("product", "album", "book", "drink", "food", "game", "movie", "song", "tv_show"),
    "open_graph_title": text(),
    "open_graph_description": text(),
    "open_graph_use_meta_description": flag(),
    "open_graph_use_product_name": flag(),
    "open_graph_use_image": flag(),
    "custom_fields": many(record({**WITH_ID, **CUSTOM_FIELD}), 200),
    "images": many(record({**WITH_ID, **IMAGE}), 1000),
    "videos": many(record({**WITH_ID, **VIDEO})),
    "bulk_pricing_rules": many(record({**WITH_ID, **BULK_RULE}), 50),
}
PRODUCT_POST: Schema = {**PRODUCT, "variants": many(record(VARIANT_INLINE), 600)}
PRODUCT_BATCH: Schema = {**PRODUCT, "id": whole(1)}

CATEGORY: Schema = {
    "name": text(1, 50),
    "tree_id": whole(1),
    "parent_id": whole(0),
    "description": text(0, LONG),
    "url": record(TREE_URL),
    "page_title": text(0, 255),
    "meta_keywords": many(text()),
    "meta_description": text(0, LONG),
    "search_keywords": text(0, 255),
    "layout_file": text(0, 50),
    "image_url": text(),
    "is_visible": flag(),
    "sort_order": whole(),
    "default_product_sort": word(
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
    "views": whole(0),
}
CATEGORY_PUT: Schema = {**CATEGORY, "category_id": whole(1, required=True)}
TREE: Schema = {"id": whole(1), "name": text(1, 255), "channels": many(whole(1))}

BRAND: Schema = {
    "name": text(1, 255, required=True),
    "page_title": text(0, 255),
    "meta_keywords": many(text()),
    "meta_description": text(0, LONG),
    "search_keywords": text(0, LONG),
    "image_url": text(),
    "custom_url": record(BRAND_URL),
}

METAFIELD: Schema = {
    "permission_set": word("app_only", "read", "write", "read_and_sf_access", "write_and_sf_access", required=True),
    "namespace": text(1, 64, required=True),
    "key": text(1, 64, required=True),
    "value": text(1, LONG, required=True),
    "description": text(0, 255),
}

ADJUSTMENT: Schema = {
    "location_id": whole(1, required=True),
    "sku": text(1, 255),
    "variant_id": whole(1),
    "product_id": whole(1),
    "quantity": whole(required=True),
}
ADJUSTMENTS: Schema = {"reason": text(), "items": many(record(ADJUSTMENT), 2000, 1, required=True)}
