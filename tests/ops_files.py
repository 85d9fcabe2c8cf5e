"""The files in ops/: what they hold, and each expression of PromQL in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

OPS = Path(__file__).parents[1] / "ops"
ALERTS = OPS / "prometheus" / "alerts.yml"
ALERTS_TEST = OPS / "prometheus" / "alerts_test.yml"
SCRAPING = OPS / "prometheus" / "prometheus.yml"


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    return dict(json.loads((OPS / "grafana" / "dashboard.json").read_text("utf-8")))


def alerts() -> list[dict[str, Any]]:
    """The rules of alerts."""
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def scaling() -> dict[str, Any]:
    """The rule by which workers are scaled."""
    return dict(yaml.safe_load((OPS / "kubernetes" / "autoscaling.yml").read_text("utf-8")))


def targets() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each panel of the dashboard with each of its queries."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield panel, target


def expressions() -> Iterator[tuple[str, str]]:
    """(where it stands, expression); what Grafana puts in for its variables is put in."""
    for panel, target in targets():
        yield f"panel {panel['id']}{target['refId']}", target["expr"].replace("$__rate_interval", "1m")
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for number, trigger in enumerate(scaling()["spec"]["triggers"]):
        yield f"trigger {number}", trigger["metadata"]["query"]
