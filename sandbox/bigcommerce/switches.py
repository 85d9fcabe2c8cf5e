"""Where the real store's behaviour is not known, or is a known bug."""

from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Switches:
    """The open points of API facts §10 and §11; each default is the assumption made there."""

    # A created product is assigned to channel 1 by itself.
    auto_assign: bool = True
    # More than 10 categories in a call, and those without `url` are refused (bigcommerce/docs#904).
    bulk_category_url_bug: bool = True
    # The answer of a product POST leaves its variants out, as the published schema does.
    bare_product_answer: bool = False
    # The type of options that come from labels: radio_buttons or rectangles.
    inline_option_type: str = "rectangles"
    # PUT option: values left out of the list and used by no variant are removed.
    omitted_values_removed: bool = True
    # PUT product: custom fields, videos and bulk pricing rules that are left out of a list that is sent are removed.
    omitted_parts_removed: bool = False
    # Deleting a value or an option in use deletes its variants; otherwise it is refused.
    value_delete_removes_variants: bool = True
    # Image addresses that cannot be downloaded: exact, or a regular expression after `re:`.
    refused_images: tuple[str, ...] = ()
    # An empty `image_url` takes a variant's picture away; otherwise it is refused.
    blank_image_removes: bool = True
    # Seconds until an inventory adjustment can be read.
    inventory_lag: float = 0.0
    # Seconds until a deleted category is gone.
    category_delete_lag: float = 0.0
    # Seconds until a new product is found by its name or SKU.
    filter_lag: float = 0.0
    # 429 without the headers of the rate limit and without a time to wait.
    bare_429: bool = False
    # The errors of a refused variant batch say the index of the guilty item.
    indexed_batch_errors: bool = False
    # A change of a variant or an option moves the product's date_modified; that of an image never does.
    variants_touch_product: bool = True
    # A category that still holds products is not deleted (the old endpoint's rule).
    keep_filled_categories: bool = False
    # Most categories, and most pairs of an assignment, that a call may hold; 0 = as many as one likes.
    most_categories: int = 0
    most_assignments: int = 0
    # Channels to which no product can be assigned; whether an inactive one is such is not known.
    closed_channels: tuple[int, ...] = ()
    # What /v2/store says about several storefronts.
    multi_storefront: bool = True

    def changed(self, values: dict[str, Any]) -> "Switches":
        """The switches with some of them set; an unknown name is a ValueError."""
        known = {field.name for field in fields(self)}
        if strange := set(values) - known:
            raise ValueError(f"unknown switches: {', '.join(sorted(strange))}; known: {', '.join(sorted(known))}")
        if "refused_images" in values:
            values = {**values, "refused_images": tuple(values["refused_images"])}
        if "closed_channels" in values:
            values = {**values, "closed_channels": tuple(values["closed_channels"])}
        return replace(self, **values)
