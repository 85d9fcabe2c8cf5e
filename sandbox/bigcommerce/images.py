"""Product images, and which picture addresses are refused."""

import re
from urllib.parse import urlsplit

from sandbox.bigcommerce import defaults, schemas
from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.errors import RefusalError, invalid, refused
from sandbox.bigcommerce.fields import checked
from sandbox.bigcommerce.listing import PAGING, listed
from sandbox.bigcommerce.lookups import child, product_of
from sandbox.bigcommerce.messages import Reply, single
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.switches import Switches
from sandbox.bigcommerce.tables import Row

MOST_IMAGES = 1000
LONGEST_ADDRESS = 255
EXTENSIONS = frozenset({"bmp", "gif", "jpeg", "jpg", "png", "wbmp", "xbm", "webp", "ico", "svg", "avif", "tif", "tiff"})
SIZES = ("url_zoom", "url_standard", "url_thumbnail", "url_tiny")


def is_address(address: str) -> bool:
    """Whether this can be the public address of a picture: http(s), a host, an image's extension or none."""
    if not 0 < len(address) <= LONGEST_ADDRESS or re.search(r"\s", address):
        return False
    parts = urlsplit(address)
    name = parts.path.rpartition("/")[2]
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and (not extension or extension in EXTENSIONS)


def can_be_downloaded(address: str, switches: Switches) -> bool:
    """Nobody fetches pictures here: only those that the switch names cannot be had."""
    return not any(
        re.search(rule[3:], address) if rule.startswith("re:") else rule == address for rule in switches.refused_images
    )


def demand_inline(store: Store, address: str) -> None:
    """A bad address inside another body fails the whole of it (API facts §3.7)."""
    if not is_address(address) or not can_be_downloaded(address, store.switches):
        raise refused("The field 'image_url' is invalid.", "image_url")


def add(store: Store, product: Row, fields: Row) -> Row:
    """The image, under its product; the first one is the thumbnail."""
    if store.images.count_of(product["id"]) >= MOST_IMAGES:
        raise refused(f"A product can have at most {MOST_IMAGES} images.", "images")
    address = fields.get("image_url") or fields.get("image_file") or ""
    now = store.timestamp()
    row = store.images.add(
        {**defaults.IMAGE, **_of_address(address), "product_id": product["id"], "date_modified": now, **_plain(fields)}
    )
    siblings = store.images.of(product["id"])
    if len(siblings) == 1 or row["is_thumbnail"]:
        _make_thumbnail(store, row)
    return row


def change(store: Store, row: Row, fields: Row) -> None:
    """The image with other fields; a new address is downloaded again under the same id."""
    address = fields.get("image_url") or fields.get("image_file")
    wanted = {**_plain(fields), **(_of_address(address) if address else {})}
    if store.images.change(row, wanted):
        store.images.change(row, {"date_modified": store.timestamp()})
    if row["is_thumbnail"]:
        _make_thumbnail(store, row)


def shown(row: Row) -> Row:
    """The image as the store shows it: never with the address that it came from (API facts §3.7)."""
    stem = (
        f"https://cdn11.bigcommerce.com/s-sandbox/products/{row['product_id']}/images/{row['id']}/{row['image_file']}"
    )
    seen = {name: value for name, value in row.items() if name != "source_url"}
    return {**seen, **{size: f"{stem}?size={size.removeprefix('url_')}" for size in SIZES}}


def _plain(fields: Row) -> Row:
    return {name: value for name, value in fields.items() if name in defaults.IMAGE}


def _of_address(address: str) -> Row:
    return {"image_file": urlsplit(address).path.rpartition("/")[2], "source_url": address}


def _make_thumbnail(store: Store, row: Row) -> None:
    for sibling in store.images.of(row["product_id"]):
        store.images.change(sibling, {"is_thumbnail": sibling is row})


def _body(call: Call) -> Row:
    if call.is_multipart():
        return {"image_file": "upload.jpg"}
    body = checked(call.json(), schemas.IMAGE, call.unknown)
    address = body.get("image_url")
    if address is not None and not is_address(address):
        raise refused("The field 'image_url' is invalid.", "image_url")
    if address is not None and not can_be_downloaded(address, call.store.switches):
        # The endpoint answers 400 with a body of no fixed form (API facts §5).
        raise RefusalError(400, f"The image could not be downloaded from {address}")
    return body


def _list(call: Call) -> Reply:
    product = product_of(call)
    if not call.store.images.count_of(product["id"]):
        return Reply(204)
    return listed(call, call.store.images.of(product["id"]), PAGING, show=shown)


def _read(call: Call) -> Reply:
    return single(shown(child(call, call.store.images, "Image")))


def _create(call: Call) -> Reply:
    product, body = product_of(call), _body(call)
    if "image_url" not in body and "image_file" not in body:
        raise invalid({"image_url": "required field is missing"})
    return single(shown(add(call.store, product, body)))


def _update(call: Call) -> Reply:
    row = child(call, call.store.images, "Image")
    change(call.store, row, _body(call))
    return single(shown(row))


def _delete(call: Call) -> Reply:
    row = child(call, call.store.images, "Image")
    call.store.images.remove(row)
    left = call.store.images.of(row["product_id"])
    if left and row["is_thumbnail"]:
        _make_thumbnail(call.store, left[0])
    return Reply(204)


ONE = "/v3/catalog/products/{id}/images/{id}"
ALL = "/v3/catalog/products/{id}/images"
ROUTES = (
    Route("GET", ALL, _list),
    Route("POST", ALL, _create, takes_files=True),
    Route("GET", ONE, _read),
    Route("PUT", ONE, _update, takes_files=True),
    Route("DELETE", ONE, _delete),
)
