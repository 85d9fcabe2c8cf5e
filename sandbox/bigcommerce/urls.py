"""URL paths: unique over products, categories and brands."""

import re
import unicodedata

from sandbox.bigcommerce.errors import RefusalError, invalid, refused
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Row

# Letters of the Latin blocks end at U+024F ("Latin letters", API facts §4.1).
LATIN_PATH = re.compile(r"/[^\s?#\"<>\\^`{|}\u0250-\U0010ffff]*")
BRAND_PATH = re.compile(r"(/[A-Za-z0-9\-_.]{1,256})*/?")


def slug(name: str) -> str:
    """The name as part of a path."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "item"


def holding(path: str) -> str:
    """The path as it is compared: without case and without the slash at its end."""
    return path.casefold().rstrip("/") or "/"


def generated(store: Store, kind: str, row_id: int, path: str) -> str:
    """The path, now held, with a number behind it when another one holds it already (API facts §10)."""
    stem = path.rstrip("/")
    attempt, n = f"{stem}/", 1
    while store.urls.holder(holding(attempt)) not in {None, (kind, row_id)}:
        attempt, n = f"{stem}-{n}/", n + 1
    store.urls.take(holding(attempt), (kind, row_id))
    return attempt


def check(path: str, field: str, pattern: re.Pattern[str] = LATIN_PATH) -> None:
    """Refuses a path that cannot be one."""
    if not pattern.fullmatch(path):
        raise invalid({field: "error.pattern"})


def claimed(store: Store, kind: str, row_id: int, path: str, field: str) -> str:
    """The explicit path, now held; 409 when another row holds it."""
    holder = store.urls.holder(holding(path))
    if holder not in {None, (kind, row_id)}:
        raise taken(field)
    store.urls.take(holding(path), (kind, row_id))
    return path


def moved(store: Store, kind: str, row: Row, path: str, field: str) -> str:
    """The new explicit path instead of the one that the row held."""
    old = row[field]["path" if kind == "category" else "url"]
    new = claimed(store, kind, row["category_id" if kind == "category" else "id"], path, field)
    if holding(old) != holding(new):
        store.urls.free(holding(old))
    return new


def taken(field: str) -> RefusalError:
    """Somebody else holds the path (409 since 2025-02, docs PR #837)."""
    return refused(
        f"The product {field} is a duplicate" if field == "custom_url" else f"The {field} is a duplicate",
        field,
        status=409,
    )
