"""What a product may be: names, references, addresses."""

from datetime import datetime

from sandbox.bigcommerce import brands, urls
from sandbox.bigcommerce.call import Call
from sandbox.bigcommerce.errors import RefusalError, refused
from sandbox.bigcommerce.lookups import sku_owner
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row

REQUIRED = ("name", "price", "type", "weight")
KEYWORDS_LENGTH = 65_535


def demand_required(body: object) -> None:
    """The four fields without which there is no product (API facts §4.1)."""
    held = body if isinstance(body, dict) else {}
    if missing := [name for name in REQUIRED if name not in held]:
        raise RefusalError(422, "Missing Required Fields", {name: f"Please provide a {name}." for name in missing})


def demand_possible(store: Store, fields: Row, own: Row | None) -> None:
    """Refuses what clashes with other rows or speaks of rows that do not exist."""
    name, sku = fields.get("name"), fields.get("sku")
    # Case-insensitive, store-wide (API facts §10; the case rule is an assumption).
    if name is not None and (store.products.find("name", name.casefold()) or own) is not own:
        raise refused("The product name is a duplicate", "name", status=409)
    if sku and (sku_owner(store, sku) or own) is not own:
        raise refused("The product sku is a duplicate", "sku", status=409)
    if strange := [c for c in fields.get("categories", ()) if not store.categories.get(c)]:
        raise refused(f"The category {strange[0]} does not exist", "categories", status=409)
    if fields.get("brand_id") and not store.brands.get(fields["brand_id"]):
        raise refused(f"The brand {fields['brand_id']} does not exist", "brand_id", status=409)
    if fields.get("tax_class_id", 0) not in TAX_CLASSES:
        raise refused(f"The tax class {fields['tax_class_id']} does not exist", "tax_class_id", status=409)
    related = fields.get("related_products", [-1])
    # [-1] means "automatic by category" (API facts §3.3).
    if related != [-1] and (strange := [p for p in related if not store.products.get(p)]):
        raise refused(f"The related product {strange[0]} does not exist", "related_products")
    _demand_consistent(fields, own or {})


TAX_CLASSES = {0: "Default Tax Class", 1: "Non-Taxable Products", 2: "Shipping", 3: "Gift Wrapping"}


def _demand_consistent(fields: Row, own: Row) -> None:
    whole = {**own, **fields}
    hidden_price = bool(fields.get("is_price_hidden")) or bool(fields.get("price_hidden_label"))
    if hidden_price and whole.get("availability") != "disabled":
        raise refused("The price can be hidden only when availability is disabled.", "is_price_hidden")
    low, high = whole.get("order_quantity_minimum") or 0, whole.get("order_quantity_maximum") or 0
    if high and low > high:
        raise refused("The order_quantity_maximum is below the minimum.", "order_quantity_maximum")
    if sum(len(word) for word in fields.get("meta_keywords", ())) > KEYWORDS_LENGTH:
        raise refused("The meta_keywords are too long.", "meta_keywords")
    if fields.get("preorder_release_date") is not None:
        try:
            datetime.fromisoformat(fields["preorder_release_date"])
        except ValueError as error:
            raise refused("The preorder_release_date is no date.", "preorder_release_date") from error


def with_brand(store: Store, fields: Row) -> Row:
    """The fields with a brand's id instead of its name; an unknown name becomes a brand (API facts §3.2)."""
    if "brand_name" not in fields:
        return fields
    plain = {name: value for name, value in fields.items() if name != "brand_name"}
    name = fields["brand_name"]
    return {**plain, "brand_id": brands.named(store, name)["id"] if name else 0}


def created_url(call: Call, row_id: int, fields: Row) -> Row:
    """The address of a new product: explicit and free, or made of its name."""
    wanted = fields.get("custom_url") or {}
    if "url" in wanted and "url" not in call.unsaved:
        urls.check(wanted["url"], "custom_url.url")
        path = urls.claimed(call.store, "product", row_id, wanted["url"], "custom_url")
        return {"url": path, "is_customized": wanted.get("is_customized", True)}
    path = urls.generated(call.store, "product", row_id, f"/{urls.slug(fields['name'])}/")
    return {"url": path, "is_customized": False}


def changed_url(call: Call, row: Row, wanted: Row) -> tuple[Row, str | None]:
    """The address of a changed product, and what to say if the wanted one could not be saved (207)."""
    old: Row = row["custom_url"]
    path: str = {**old, **wanted}["url"]
    urls.check(path, "custom_url.url")
    if "url" in call.unsaved:
        return old, f"The URL {path} could not be saved."
    try:
        path = urls.moved(call.store, "product", row, path, "custom_url")
    except RefusalError:
        return old, f"The URL {path} is already in use."
    if wanted.get("create_redirect") and path != old["url"]:
        call.store.redirects[old["url"]] = row["id"]
    return {"url": path, "is_customized": wanted.get("is_customized", path != old["url"] or old["is_customized"])}, None
