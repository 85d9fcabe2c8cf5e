"""What goes on after a backup: the stores move on, and the service begins again on what was restored."""

from __future__ import annotations

from typing import Any

from sandbox.chaos import goods
from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.stage.compare import content
from tests.operations.place import DATABASE, NAME, STORE, Place
from worker.ledger.session import engine

CATALOGUE = goods.catalogue(9, products=12)
CODE = f"CN-{STORE}"


def values(table: str, at: int) -> dict[str, Any]:
    names = [one if isinstance(one, str) else next(iter(one)) for one in CATALOGUE["data_schema"][table]]
    row = dict(zip(names, CATALOGUE["data"][table][at], strict=True))
    return {name: value for name, value in row.items() if name not in {"STATUS", "ID"}}


def identity(table: str, at: int) -> int:
    return int(CATALOGUE["data"][table][at][1])


def novelty(here: Place, number: int) -> None:
    """A new product with a variant."""
    fresh = {"ID": number, "REF": f"NEW-{number}", "product_name_en": f"Novelty {number}", "product_url": ""}
    sound = {"product_weight": "1", "product_price": "50"}
    here.ground.neighbours.add(CODE, "products", values("products", 3) | fresh | sound)
    variant = {"ID": number + 1, "ID_products": number, "REF": f"NEW-{number}-S", "size": "S", "format_upc": ""}
    here.ground.neighbours.add(CODE, "product_formats", values("product_formats", 0) | variant | {"format_stock": 5})


def moves_on(here: Place) -> None:
    """What the source says after the backup: prices, pictures, stock, sizes, a new product."""
    edit = here.ground.neighbours.edit
    edit(CODE, "products", identity("products", 1), {"product_price": "99.5", "pattern": "Dots"})
    for at in (0, 1):
        added = ["M", f"added-{at}", f"https://media.test/added-{at}.jpg"]
        pictures = [*values("products", at)["product_image"], added]
        edit(CODE, "products", identity("products", at), {"product_image": pictures})
    fewer = values("products", 4)["product_image"][:-1]
    edit(CODE, "products", identity("products", 4), {"product_image": fewer})
    for at in (20, 40):
        edit(CODE, "product_formats", identity("product_formats", at), {"size": "XXXL", "format_stock": 77})
    edit(CODE, "product_formats", identity("product_formats", 6), {"format_stock": 123})
    novelty(here, 80_100)


def stands_on(here: Place, other: EmbeddedPostgres) -> None:
    """Operator and service have this server from now on."""
    here.given["PGHOST"] = str(other.folder)
    here.moves_to(other.url(DATABASE))
    here.engine.dispose()
    here.engine = engine(other.url(DATABASE))


def begins_again(here: Place, before: dict[str, Any], *, seconds: float = 60.0) -> None:
    """The page's last steps on what was restored: the store is as it was `before`, and nothing is there twice."""
    assert "is cancelled" in here.types("begin again")
    here.works("two")
    assert here.until_over(seconds) == "completed_with_errors"
    here.engine.dispose()
    after = here.snapshot()
    assert after["store"]["created"] == before["store"]["created"], "not a row was made twice"
    assert content(after) == content(before)
    assert "Redis answers" in here.runs(f"connector doctor; connector items {NAME} --status failed")
    assert here.ends("two") == 0
