"""The Luma story through real Celery workers: a real catalogue, its dirt, and what changes of it.

One fixture plays it once: the first run, a second one without changes, a forced refresh, and one after five edits.
The store is compared with the catalogue file itself, read here by its columns and not by the product's own code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.vocabulary import Outcome
from sandbox.demo import cast, play, watch
from sandbox.demo.house import House, house
from sandbox.demo.order import Order
from sandbox.demo.play import Player
from worker.ledger import item_register, register
from worker.ledger.item_register import Item
from worker.ledger.register import Counters, Entry
from worker.ledger.session import as_tenant

LUMA = Path(__file__).parents[2].parent / "shared" / "catalogues" / "luma.json"
pytestmark = [pytest.mark.skipif(not LUMA.exists(), reason="the Luma catalogue is not there"), pytest.mark.timeout(180)]

MEN, MAIN, SECOND = 12, 1, 2
WATCHES = set(range(1171, 1180))
HOLDERS = {"Sprite Stasis Ball 55 cm": 1180, "Sprite Stasis Ball 65 cm": 1183, "Sprite Stasis Ball 75 cm": 1186}
NAMELESS = {1181: 1180, 1182: 1180, 1184: 1183, 1185: 1183, 1187: 1186, 1188: 1186}
CUSTOM_FIELDS = ("material", "climate", "activity", "pattern", "eco_collection", "performance_fabric", "is_new")
OPTIONS = ("size", "color")
PRICED, RENAMED, PICTURED, HIDDEN, DELETED = 1001, 1002, 1003, 1004, 1005
NEW_PICTURE = ["M", "img-new", "https://media.luma.example/new.jpg", "https://media.luma.example/new-900.jpg", ""]


class View:
    """Nobody looks."""

    def show(self, scenes: object) -> None:
        """Show nothing."""


@dataclass(frozen=True, slots=True)
class Act:
    """What one run came to: its entry, the items in trouble, the store's own log and all that it holds."""

    entry: Entry
    troubled: dict[Outcome, list[Item]]
    log: dict[str, Any]
    store: dict[str, Any]

    @property
    def counters(self) -> Counters:
        """The outcomes alone."""
        return {
            kind: {at: {one: n for one, n in of.items() if one in set(Outcome)} for at, of in by.items()}
            for kind, by in self.entry.counters.items()
        }


@dataclass(slots=True)
class Stage:
    """The house with its one player, and the way to both neighbours."""

    house: House
    player: Player
    http: httpx.Client
    store_hash: str
    code: str

    def play(self, *, refresh: bool = False) -> Act:
        """Run once, from the request to the end."""
        self.http.delete(f"{self._store}/log").raise_for_status()
        player = replace(self.player, run_id=play.request(self.house, self.player, refresh=refresh))
        (scene,) = watch.until_all_have_ended(self.house, [player], View(), seconds=120)
        assert scene.has_ended, watch.stood_still([scene])
        with as_tenant(self.house.engine, player.tenant_id) as session:
            entry = register.run(session, player.run_id)
            assert entry is not None
            troubled = {
                outcome: item_register.items(session, player.connector_id, outcome=outcome, limit=1000)
                for outcome in (Outcome.REJECTED, Outcome.FAILED, Outcome.BLOCKED)
            }
        log = self.http.get(f"{self._store}/log").raise_for_status().json()
        return Act(entry, troubled, log["counters"], self.http.get(self._store).raise_for_status().json())

    def edit(self) -> None:
        """One price, one name, one image, one hidden and one deleted item at the source."""
        items = f"{self.house.settings.saleslayer_url}/_control/connectors/{self.code}/items/products"
        for product, change in (
            (PRICED, {"product_price": "53.5"}),
            (RENAMED, {"product_name_en": "Teton Pullover, renamed"}),
            (PICTURED, {"product_image": [NEW_PICTURE]}),
        ):
            self.http.patch(f"{items}/{product}", json=change).raise_for_status()
        self.http.post(f"{items}/{HIDDEN}/hide").raise_for_status()
        self.http.delete(f"{items}/{DELETED}").raise_for_status()

    @property
    def _store(self) -> str:
        return f"{self.house.settings.bigcommerce_url}/_control/stores/{self.store_hash}"


@dataclass(frozen=True, slots=True)
class Story:
    """The four runs, one after the other."""

    first: Act
    unchanged: Act
    refreshed: Act
    edited: Act


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """All four runs, played by two Celery workers."""
    with pytest.MonkeyPatch.context() as patch, httpx.Client(trust_env=False, timeout=60) as http:
        for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "SALESLAYER_URL", "BIGCOMMERCE_URL"):
            patch.delenv(name, raising=False)
        patch.setenv("SLICE_SECONDS", "1")
        (role,) = cast.of(Order(catalogue=LUMA, root="Men"))
        with house() as opened:
            # The quota's pace is shown elsewhere: here it would cost half a minute.
            player = play.seat(opened, replace(role, plan="Enterprise", latency={"median": 0.01, "sigma": 0}))
            stage = Stage(opened, player, http, role.store_hash, role.code)
            first, unchanged, refreshed = stage.play(), stage.play(), stage.play(refresh=True)
            stage.edit()
            yield Story(first, unchanged, refreshed, stage.play())


@pytest.fixture(scope="module")
def catalogue() -> dict[str, dict[int, dict[str, Any]]]:
    """Table -> id -> column -> cell, as the file says."""
    whole = json.loads(LUMA.read_text("utf-8"))
    names = {
        table: [column if isinstance(column, str) else next(iter(column)) for column in columns]
        for table, columns in whole["data_schema"].items()
    }
    return {
        table: {row[1]: dict(zip(names[table], row, strict=True)) for row in rows}
        for table, rows in whole["data"].items()
    }


Tables = dict[str, dict[int, dict[str, Any]]]


def sent(catalogue: Tables) -> dict[int, dict[str, Any]]:
    """The products that are to be in the store."""
    return {one: row for one, row in catalogue["products"].items() if one not in WATCHES | set(NAMELESS)}


def by_sku(store: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["sku"]: row for row in store["products"]}


def descendants(catalogue: Tables, root: int) -> set[int]:
    found = {root}
    while more := {one for one, row in catalogue["catalogue"].items() if row["ID_PARENT"] in found} - found:
        found |= more
    return found


def source_paths(catalogue: Tables, tops: set[int]) -> dict[int, tuple[str, ...]]:
    """Category -> the names from its tree's top down to it."""
    rows = catalogue["catalogue"]

    def path(one: int) -> tuple[str, ...]:
        above = () if one in tops else path(rows[one]["ID_PARENT"])
        return (*above, rows[one]["section_name_en"])

    return {one: path(one) for top in tops for one in descendants(catalogue, top)}


def store_paths(store: dict[str, Any], channel: int) -> dict[tuple[str, ...], dict[str, Any]]:
    """The names from the top down -> the category, in the tree of this channel."""
    (tree,) = (tree["id"] for tree in store["trees"] if channel in tree["channels"])
    rows = {row["category_id"]: row for row in store["categories"] if row["tree_id"] == tree}

    def path(row: dict[str, Any]) -> tuple[str, ...]:
        return (*(path(rows[row["parent_id"]]) if row["parent_id"] else ()), row["name"])

    return {path(row): row for row in rows.values()}


def test_the_first_run_comes_to_what_the_catalogue_holds(story: Story) -> None:
    assert story.first.entry.state == "completed_with_errors"
    assert story.first.counters == {
        "category": {"Main store": {"created": 39}, "Men store": {"created": 9}},
        "product": {"-": {"created": 175, "rejected": 9, "failed": 6}},
        "variant": {"-": {"created": 1832, "rejected": 15}},
    }


def test_what_is_rejected_says_why(story: Story) -> None:
    rejected = story.first.troubled[Outcome.REJECTED]
    products = [one for one in rejected if one.kind == "product"]
    variants = [one for one in rejected if one.kind == "variant"]
    assert {(one.source_id, one.code) for one in products} == {(watch, "no_valid_weight") for watch in WATCHES}
    assert len(variants) == 15
    assert {one.code for one in variants} == {"no_product"}
    assert not story.first.troubled[Outcome.BLOCKED]


def test_of_products_with_one_name_the_lowest_id_is_created_and_the_others_name_it(
    story: Story, catalogue: Tables
) -> None:
    failed = {one.source_id: one for one in story.first.troubled[Outcome.FAILED]}
    assert {one: item.code for one, item in failed.items()} == dict.fromkeys(NAMELESS, "name_taken")
    assert all(str(holder) in str(failed[one].message) for one, holder in NAMELESS.items())
    held = {row["name"]: row["sku"] for row in story.first.store["products"] if row["name"] in HOLDERS}
    assert held == {name: catalogue["products"][holder]["REF"] for name, holder in HOLDERS.items()}


@pytest.mark.parametrize(("channel", "root", "count"), [(MAIN, 11, 39), (SECOND, MEN, 9)])
def test_each_storefront_has_its_part_of_the_tree(
    story: Story, catalogue: Tables, channel: int, root: int, count: int
) -> None:
    here = store_paths(story.first.store, channel)
    wanted = {path: catalogue["catalogue"][one] for one, path in source_paths(catalogue, {root}).items()}
    assert set(here) == set(wanted)
    assert len(here) == count
    for path, row in wanted.items():
        assert here[path]["is_visible"] is bool(row["section_visible"]), path
        assert here[path]["sort_order"] == row["section_order"], path
        assert here[path]["description"] == row["section_description_en"], path
        assert here[path]["image_url"] == "", path


def test_an_address_is_held_once_in_the_store_and_by_every_category_that_alone_asks_for_it(
    story: Story, catalogue: Tables
) -> None:
    trees = {channel: store_paths(story.first.store, channel) for channel in (MAIN, SECOND)}
    below_men = source_paths(catalogue, {MEN})
    for one, path in source_paths(catalogue, {11}).items():
        wanted = f"/{catalogue['catalogue'][one]['section_url']}/"
        there = [trees[MAIN][path]["url"]]
        if one in below_men:
            there.append(trees[SECOND][below_men[one]]["url"])
        assert [url["path"] for url in there].count(wanted) == 1, path
    assert len({row["url"]["path"] for tree in trees.values() for row in tree.values()}) == 48


def test_every_product_is_in_the_store_field_by_field(story: Story, catalogue: Tables) -> None:
    store = story.first.store
    brands = {row["id"]: row["name"] for row in store["brands"]}
    here = by_sku(store)
    assert set(here) == {row["REF"] for row in sent(catalogue).values()}
    for row in sent(catalogue).values():
        product = here[row["REF"]]
        said = {
            "name": row["product_name_en"].strip(),
            "description": row["product_description_en"].strip(),
            "price": float(row["product_price"]),
            "sale_price": float(row["product_sale_price"] or 0),
            "weight": float(row["product_weight"]),
            "is_visible": bool(row["product_visible"]),
            "page_title": row["meta_title_en"],
            "meta_keywords": row["meta_keywords_en"],
            "meta_description": row["meta_description_en"],
            "type": "physical",
        }
        assert {name: product[name] for name in said} == said, row["REF"]
        assert brands.get(product["brand_id"], "") == row["product_brand"], row["REF"]


def test_every_picture_and_custom_field_is_in_the_store(story: Story, catalogue: Tables) -> None:
    here = by_sku(story.first.store)
    for row in sent(catalogue).values():
        product = here[row["REF"]]
        pictures = sorted(product["images"], key=lambda one: int(one["sort_order"]))
        assert [(one["source_url"], one["sort_order"], one["is_thumbnail"]) for one in pictures] == [
            (url, place, place == 0) for place, (_, _, url, *_) in enumerate(row["product_image"])
        ], row["REF"]
        said = {
            (name, value)
            for name in CUSTOM_FIELDS
            for value in (row[name] if isinstance(row[name], list) else [row[name]])
            if value
        }
        pairs = [(one["name"], one["value"]) for one in product["custom_fields"]]
        assert set(pairs) == said, row["REF"]
        assert len(pairs) == len(said), row["REF"]


def test_products_stand_in_their_categories_and_on_the_storefronts_that_show_them(
    story: Story, catalogue: Tables
) -> None:
    paths = {
        row["category_id"]: (channel, path)
        for channel in (MAIN, SECOND)
        for path, row in store_paths(story.first.store, channel).items()
    }
    main, men = source_paths(catalogue, {11}), source_paths(catalogue, {MEN})
    here = by_sku(story.first.store)
    for row in sent(catalogue).values():
        said = {(MAIN, main[one]) for one in row["ID_catalogue"]}
        said |= {(SECOND, men[one]) for one in row["ID_catalogue"] if one in men}
        assert {paths[one] for one in here[row["REF"]]["categories"]} == said, row["REF"]
        assert here[row["REF"]]["channels"] == sorted({channel for channel, _ in said}), row["REF"]
    assert {tuple(one["channels"]) for one in here.values()} == {(MAIN,), (MAIN, SECOND)}


def test_options_are_shown_as_swatches_where_every_value_has_a_colour(story: Story, catalogue: Tables) -> None:
    here = by_sku(story.first.store)
    variants = variants_of(catalogue)
    count = 0
    for one, row in sent(catalogue).items():
        shown = {option["display_name"]: option for option in here[row["REF"]]["options"]}
        wanted = {name: values for name in OPTIONS if (values := option_values(variants.get(one, []), name))}
        assert set(shown) == set(wanted), row["REF"]
        for name, values in wanted.items():
            count += 1
            held = shown[name]["option_values"]
            colours = {value["label"]: (value["value_data"] or {}).get("colors") for value in held}
            is_swatch = all(values.values())
            assert shown[name]["type"] == ("swatch" if is_swatch else "dropdown"), (row["REF"], name)
            assert colours == (values if is_swatch else dict.fromkeys(values)), (row["REF"], name)
    assert count == 292


def test_every_variant_is_in_the_store_field_by_field(story: Story, catalogue: Tables) -> None:
    here = by_sku(story.first.store)
    variants = variants_of(catalogue)
    count = 0
    for one, row in sent(catalogue).items():
        product = here[row["REF"]]
        if one not in variants:
            assert [variant["option_values"] for variant in product["variants"]] == [[]], row["REF"]
            continue
        found = {variant["sku"]: variant for variant in product["variants"]}
        assert set(found) == {variant["REF"] for variant in variants[one]}, row["REF"]
        for variant in variants[one]:
            count += 1
            held = found[variant["REF"]]
            said = {
                "price": float(variant["format_price"]),
                "weight": float(variant["format_weight"]),
                "inventory_level": int(variant["format_stock"]),
                "purchasing_disabled": variant["format_enabled"] != "Yes",
            }
            assert {name: held[name] for name in said} == said, variant["REF"]
            assert {v["option_display_name"]: v["label"] for v in held["option_values"]} == {
                name: variant[name].partition("#")[0] for name in OPTIONS if variant[name]
            }, variant["REF"]
            assert re.search(r"[^/]+$", held["image_url"]), variant["REF"]
            assert held["image_url"].rpartition("/")[2] == variant["format_image"][0][2].rpartition("/")[2]
    assert count == 1832


def variants_of(catalogue: Tables) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in catalogue["product_formats"].values():
        found.setdefault(row["ID_products"], []).append(row)
    return found


def option_values(variants: list[dict[str, Any]], name: str) -> dict[str, list[str] | None]:
    """Label -> its colours, None where it has none."""
    found: dict[str, list[str] | None] = {}
    for variant in variants:
        if variant[name]:
            label, *codes = variant[name].split("#")
            found[label] = [f"#{code}" for code in codes] or found.get(label)
    return found


def test_the_first_run_keeps_within_its_calls(story: Story) -> None:
    assert story.first.log["requests"] == story.first.entry.calls
    assert story.first.entry.calls <= 1.15 * 175 + 292, story.first.log["by_route"]
    assert story.first.log["too_many_requests"] == 0
    assert story.first.log["unknown_fields"] == []


def test_a_second_run_finds_nothing_and_asks_the_store_nothing(story: Story) -> None:
    assert story.unchanged.entry.state == "unchanged"
    assert story.unchanged.entry.calls == 0
    assert story.unchanged.log["requests"] == 0


def test_a_forced_refresh_reads_and_writes_nothing(story: Story) -> None:
    assert story.refreshed.entry.state == "completed_with_errors"
    assert story.refreshed.log["writes"] == 0, story.refreshed.log["by_route"]
    assert story.refreshed.log["requests"] == story.refreshed.entry.calls > 0
    assert story.refreshed.counters["product"] == {"-": {"unchanged": 175, "rejected": 9, "failed": 6}}
    assert story.refreshed.store["products"] == story.first.store["products"]


def test_after_five_edits_those_alone_are_written(story: Story, catalogue: Tables) -> None:
    before, after = by_sku(story.refreshed.store), by_sku(story.edited.store)
    refs = {one: catalogue["products"][one]["REF"] for one in (PRICED, RENAMED, PICTURED, HIDDEN, DELETED)}
    assert set(before) == set(after)
    assert {sku for sku in after if without_dates(after[sku]) != without_dates(before[sku])} == set(refs.values())
    assert story.edited.counters["product"]["-"] == {
        "updated": 3,
        "disabled": 2,
        "unchanged": 170,
        "rejected": 9,
        "failed": 6,
    }
    assert story.edited.store["categories"] == story.refreshed.store["categories"]
    assert changes(before, after, refs[PRICED]) == {"price": (52, 53.5), "calculated_price": (52, 53.5)}
    assert changes(before, after, refs[RENAMED])["name"] == ("Teton Pullover Hoodie", "Teton Pullover, renamed")
    assert [one["source_url"] for one in after[refs[PICTURED]]["images"]] == [NEW_PICTURE[2]]
    assert story.edited.log["requests"] == story.edited.entry.calls
    assert story.edited.log["writes"] <= 6, story.edited.log["by_route"]  # two batches, one picture for three


@pytest.mark.parametrize("gone", [HIDDEN, DELETED])
def test_what_is_gone_at_the_source_is_disabled_and_not_deleted(story: Story, catalogue: Tables, gone: int) -> None:
    sku = catalogue["products"][gone]["REF"]
    before, after = by_sku(story.refreshed.store)[sku], by_sku(story.edited.store)[sku]
    assert (before["is_visible"], after["is_visible"]) == (True, False)
    assert [one["sku"] for one in after["variants"]] == [one["sku"] for one in before["variants"]]


def without_dates(product: dict[str, Any]) -> str:
    return re.sub(r'"date_modified": "[^"]*"', "", json.dumps(product, sort_keys=True))


def changes(before: dict[str, Any], after: dict[str, Any], sku: str) -> dict[str, tuple[Any, Any]]:
    """Field -> (before, after), of the product's own plain fields."""
    return {
        name: (before[sku][name], value)
        for name, value in after[sku].items()
        if value != before[sku][name] and name != "date_modified" and not isinstance(value, list)
    }
