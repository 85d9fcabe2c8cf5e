"""A page of metrics, read as Prometheus does; and the metrics that an expression of PromQL names."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx
from prometheus_client import Counter
from prometheus_client.parser import text_string_to_metric_families

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_RANGE = re.compile(r"\[[^]]*\]")
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
_WORD = re.compile(r"(?<![\w.$])[a-zA-Z_:][\w:]*")
_OPERATORS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "inf", "nan"}
FROM_THE_SCRAPE = {"job", "instance", "namespace", "pod", "up"}
"""What Prometheus itself puts to each series, and the metric of its own about each scrape."""


@dataclass(frozen=True, slots=True)
class Family:
    """What a page tells under one name."""

    kind: str
    help: str
    labels: frozenset[str]


def a_free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def count(counter: Counter, label: str) -> float:
    """What this process has counted under its one label."""
    return float(counter.labels(label)._value.get())


def page(port: int) -> str:
    """The page as it is served."""
    return httpx.get(f"http://127.0.0.1:{port}/metrics").raise_for_status().text


def samples(text: str) -> dict[tuple[str, ...], float]:
    """(name, labels' values...) -> value."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def families(text: str) -> dict[str, Family]:
    """Name as one asks for it -> what it is; `le` of a histogram is not told."""
    found = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = frozenset(label for sample in family.samples for label in sample.labels) - {"le"}
        found[name] = Family(family.type, family.documentation, labels)
    return found


def series(known: Mapping[str, Family]) -> dict[str, frozenset[str]]:
    """Name of a series -> its labels: a histogram has three."""
    told = {}
    for name, family in known.items():
        if family.kind == "histogram":
            told[f"{name}_bucket"] = family.labels | {"le"}
            told[f"{name}_sum"] = told[f"{name}_count"] = family.labels
        else:
            told[name] = family.labels
    return told


def named(expression: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each series that the expression names, with the labels by which it chooses; and '' with those of groupings."""
    bare = _RANGE.sub("", _STRING.sub('""', expression))
    grouped = {label.strip() for _, labels in _GROUPING.findall(bare) for label in labels.split(",") if label.strip()}
    yield "", frozenset(grouped)
    bare = _GROUPING.sub("", bare)
    for name, chosen in _SELECTOR.findall(bare):
        yield name, frozenset(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", chosen))
    bare = _SELECTOR.sub("", bare)
    for found in _WORD.finditer(bare):
        is_function = bare[found.end() :].lstrip().startswith("(")
        if found[0].lower() not in _OPERATORS and not is_function:
            yield found[0], frozenset()
