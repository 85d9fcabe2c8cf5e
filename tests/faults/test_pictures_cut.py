"""Wherever a worker dies while pictures are brought forward, they end up as the source says, none of them twice."""

from __future__ import annotations

from itertools import count
from typing import Any

from sandbox.stage.compare import content
from sandbox.stage.dying import Fate
from sandbox.stage.stage import Stage
from tests.playing import a_catalogue, photo
from worker.settings import Settings

_names = count()


def catalogue() -> dict[str, Any]:
    """A category, two products and a variant, all with pictures."""
    told = {"ID_catalogue": [1], "price": 1, "weight": 1}
    return a_catalogue(
        [{"ID": 1, "ID_PARENT": 0, "name": "Cups", "image": [photo("c")]}],
        [
            {"ID": 301, "name": "Cup", "sku": "A", "product_image": [photo(one) for one in "abc"], **told},
            {"ID": 302, "name": "Mug", "sku": "B", "product_image": [photo("d")], **told},
        ],
        [{"ID": 9001, "ID_products": 301, "sku": "V", "Size": "S", "image": [photo("v")]}],
    )


def played(config: Settings, dies_after: int | None) -> tuple[dict[str, Any], dict[str, int], int]:
    """Content, rows made and moments passed, where the worker that sends the edits dies after so many of them."""
    fate = Fate()
    stage = Stage(config, wrap=fate.wrap, haste=50)
    fate.watch(stage.engine)
    try:
        switches = {"refused_images": ["re:/bad"]}
        cast = stage.connect(f"pictures-{next(_names)}", catalogue(), store={"switches": switches})
        stage.request(cast)
        stage.play()
        new = [photo("n"), photo("c"), photo("bad"), photo("a2", source_id="img-a")]
        stage.sources.edit(cast.code, "products", 301, {"product_image": new, "price": 2})
        stage.sources.edit(cast.code, "products", 302, {"product_image": [photo("bad2"), photo("d"), photo("e")]})
        stage.sources.edit(cast.code, "catalogue", 1, {"image": []})
        stage.sources.edit(cast.code, "product_formats", 9001, {"image": []})
        passed = fate.passed
        stage.request(cast)
        fate.new_worker(dies_after)
        stage.play_one()
        fate.new_worker()
        moments = fate.passed - passed
        stage.play()
        snapshot = stage.stores.snapshot(cast.store_hash)
        return content(snapshot), stage.stores.store(cast.store_hash).created(), moments
    finally:
        stage.close()


def test_pictures_end_up_the_same_wherever_the_worker_dies(config: Settings) -> None:
    store, made, moments = played(config, None)
    (category,) = store["categories"].values()
    assert category["image_url"] == ""
    assert [one[0].rpartition("/")[2] for one in store["products"]["Cup"]["images"]] == ["n.jpg", "c.jpg", "a2.jpg"]
    assert [one[0].rpartition("/")[2] for one in store["products"]["Mug"]["images"]] == ["d.jpg", "e.jpg"]
    assert moments > 40
    for dies_after in range(moments - 36, moments, 2):
        end = played(config, dies_after)
        assert end[:2] == (store, made), f"died after {dies_after} moments"
