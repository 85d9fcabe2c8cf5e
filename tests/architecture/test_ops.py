"""The dashboard, the alerts and the rule of scaling: whole, and about metrics that docs/metrics.md has.

That the page has those that are served, and no others, is seen by `tests/system/test_worker_metrics.py`.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import ops_files, scraping
from tests.architecture.test_docs import anchors, bare, page, rows

HEADING = "| name | type | labels | from | what it tells |"
TOLD = {
    bare(name): scraping.Family(kind, tells, frozenset(re.findall(r"`(\w+)`", labels)))
    for name, kind, labels, _, tells in rows(page("docs/metrics.md"), HEADING)
}
SERIES = scraping.series(TOLD)
EXPRESSIONS = dict(ops_files.expressions())
SEVERITIES = {"info", "warning", "critical"}


def test_there_are_expressions_to_look_at() -> None:
    assert len(EXPRESSIONS) == len(list(ops_files.expressions())), "two stand at one place"
    assert len(EXPRESSIONS) > 50


@pytest.mark.parametrize("at", EXPRESSIONS)
def test_an_expression_names_metrics_that_there_are_by_labels_that_they_have(at: str) -> None:
    grouped, chosen = frozenset[str](), frozenset[str]()
    possible = set(scraping.FROM_THE_SCRAPE)
    for name, labels in scraping.named(EXPRESSIONS[at]):
        if not name:
            grouped = labels
            continue
        assert name in SERIES, f"{name}: docs/metrics.md has no such series"
        assert labels <= SERIES[name] | scraping.FROM_THE_SCRAPE, name
        chosen, possible = chosen | {name}, possible | SERIES[name]
    assert chosen, "it names no metric"
    assert grouped <= possible


@pytest.mark.parametrize(("expression", "found"), [
    ("max(up)", [("up", set())]),
    ('sum by (le, a) (rate(x_bucket{b="c{d}", e!~"f"}[5m])) / on(g) y', [("x_bucket", {"b", "e"}), ("y", set())]),
    ("histogram_quantile(0.9, x) > 1e3 and absent(y) or z offset 5m", [("x", set()), ("y", set()), ("z", set())]),
])  # fmt: skip
def test_what_an_expression_names_is_found(expression: str, found: list[tuple[str, set[str]]]) -> None:
    assert sorted(one for one in scraping.named(expression) if one[0]) == [(name, frozenset(of)) for name, of in found]


def test_figures_of_the_service_are_never_summed() -> None:
    of_service = [(at, one) for at, one in EXPRESSIONS.items() if "connector_service_" in one]
    assert of_service
    assert [
        at for at, one in of_service if re.search(r"\b(sum|avg|rate|increase)\b[^)]*\bconnector_service_", one)
    ] == []


def test_counters_are_looked_at_by_how_they_grow() -> None:
    growing = {name for name, family in TOLD.items() if family.kind == "counter"} - {
        "connector_slices_begun_total",  # less those ended
        "connector_slices_ended_total",
    }
    bare_ones = [
        (at, name)
        for at, one in EXPRESSIONS.items()
        for name in growing
        if re.search(rf"\b{name}\b", one) and not re.search(rf"\b(rate|increase)\({name}\b", one)
    ]
    assert bare_ones == []


# ---- the dashboard


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    board = ops_files.dashboard()
    assert board["schemaVersion"] >= 39
    assert board["uid"]
    [variable] = board["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers))
    titles = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert len(titles) >= 7


def test_panels_lie_on_the_board_and_none_on_another() -> None:
    places = {panel["id"]: panel["gridPos"] for panel in ops_files.dashboard()["panels"]}
    for at in places.values():
        assert at["x"] >= 0
        assert at["x"] + at["w"] <= 24
        assert min(at["w"], at["h"]) > 0

    def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
        return all(one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in ("xw", "yh"))

    assert [pair for pair in itertools.combinations(places, 2) if overlap(places[pair[0]], places[pair[1]])] == []


def test_every_panel_asks_the_chosen_source_and_says_what_it_shows() -> None:
    for panel in ops_files.dashboard()["panels"]:
        if panel["type"] == "row":
            continue
        assert panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        letters = [target["refId"] for target in panel["targets"]]
        assert letters
        assert len(letters) == len(set(letters))
        assert all(target["expr"] and target["datasource"] == panel["datasource"] for target in panel["targets"])


def test_the_dashboard_shows_every_metric_of_ours_but_those_that_alerts_alone_need() -> None:
    shown = {name for _, target in ops_files.targets() for name, _ in scraping.named(target["expr"])}
    hidden = {
        name
        for name, family in TOLD.items()
        if name.startswith("connector_") and not shown & set(scraping.series({name: family}))
    }
    assert hidden == {"connector_service_recent_slices"}


# ---- the alerts


@pytest.mark.parametrize("rule", ops_files.alerts(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_how_bad_it_is_what_to_do_and_where_more_stands(rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+[mh]", rule["for"])
    assert rule["labels"]["severity"] in SEVERITIES
    told = rule["annotations"]
    assert told["summary"]
    assert told["description"].endswith(".")
    at, _, anchor = told["runbook_url"].partition("#")
    assert anchor in anchors(page(at))


def test_alerts_have_names_of_their_own_and_stand_in_the_manual() -> None:
    names = [rule["alert"] for rule in ops_files.alerts()]
    assert len(names) == len(set(names))
    told = rows(page("docs/operations.md"), "| alert | severity | what it means |")
    assert [(bare(name), severity) for name, severity, _ in told] == [
        (rule["alert"], rule["labels"]["severity"]) for rule in ops_files.alerts()
    ]


def test_workers_are_scaled_by_the_age_of_the_queue() -> None:
    [trigger] = ops_files.scaling()["spec"]["triggers"]
    assert "connector_service_queue_age_seconds" in trigger["metadata"]["query"]


# ---- Prometheus's own tool


def promtool(*words: str, folder: Path = ops_files.OPS) -> None:
    program = shutil.which("promtool") or shutil.which("promtool", path=Path(sys.executable).parent)
    if program is None:
        told = "no promtool was found: `scripts/promtool` takes Debian's"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    done = subprocess.run([program, *words], cwd=folder, capture_output=True, timeout=60, check=False)  # noqa: S603
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def test_prometheus_itself_takes_the_alerts_and_the_configuration() -> None:
    promtool("check", "rules", str(ops_files.ALERTS))
    promtool("check", "config", str(ops_files.SCRAPING))


def test_alerts_fire_when_they_should_and_not_before() -> None:
    promtool("test", "rules", str(ops_files.ALERTS_TEST))


def test_prometheus_itself_takes_every_expression(tmp_path: Path) -> None:
    rules = [{"record": f"x{number}", "expr": one} for number, one in enumerate(EXPRESSIONS.values())]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    promtool("check", "rules", str(path))
