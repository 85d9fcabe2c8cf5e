"""The endpoints of the store that we call, as metrics name them: a path without its numbers."""

from __future__ import annotations

import re

_PRODUCT = "/v3/catalog/products/{id}"
_PARTS = ("bulk-pricing-rules", "custom-fields", "images", "metafields", "options", "variants", "videos")
ENDPOINTS = frozenset(
    {
        "/v2/store",
        "/v3/catalog/brands",
        "/v3/catalog/categories/{id}/image",
        "/v3/catalog/products",
        "/v3/catalog/products/channel-assignments",
        "/v3/catalog/products/metafields",
        _PRODUCT,
        *(f"{_PRODUCT}/{part}" for part in _PARTS),
        *(f"{_PRODUCT}/{part}/{{id}}" for part in _PARTS),
        f"{_PRODUCT}/options/{{id}}/values",
        f"{_PRODUCT}/options/{{id}}/values/{{id}}",
        f"{_PRODUCT}/variants/{{id}}/metafields",
        f"{_PRODUCT}/variants/{{id}}/metafields/{{id}}",
        "/v3/catalog/summary",
        "/v3/catalog/trees",
        "/v3/catalog/trees/categories",
        "/v3/catalog/variants",
        "/v3/catalog/variants/metafields",
        "/v3/channels",
        "/v3/inventory/adjustments/absolute",
        "/v3/inventory/items",
        "/v3/inventory/locations",
        "/v3/inventory/locations/{id}/items",
        "/v3/pricelists",
        "/v3/pricelists/{id}/records",
    }
)
OTHER = "other"
_NUMBER = re.compile(r"(?<=/)\d+(?=/|$)")


def endpoint(path: str) -> str:
    """The endpoint of the path; one word for what is none of ours, so that no label ever holds what a store made up."""
    found = _NUMBER.sub("{id}", path)
    return found if found in ENDPOINTS else OTHER
