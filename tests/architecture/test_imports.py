"""Imports go down only (design.md §1), and the house keeps its size and its names.

Read as a picture: a module may import what stands on its own line (of its own room) or on a line below it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("api", "cli", "migrations", "models", "worker")

LAYERS: tuple[tuple[str, ...], ...] = (
    ("api", "cli"),  # the doors for people
    ("worker.tasks",),  # the queue's door; the others publish as it does
    ("worker.process",),  # the composition root of a worker process ...
    ("worker.meet",),  # ... and how it makes a connector's clients
    ("worker.commands",),  # what somebody may ask for, whichever door they come by
    ("worker.app", "worker.flower", "worker.scheduling", "worker.webhooks"),
    ("worker.steps",),
    ("worker.rules", "worker.saleslayer", "worker.bigcommerce", "worker.ledger", "worker.logs"),
    ("worker.catalog", "worker.redaction", "worker.traces"),  # clients open spans, logs redact; neither knows more
    ("worker.metrics",),  # what a process counts of itself, wherever it happens
    ("worker.exporter",),  # with the SDK behind it; loaded by name, where an endpoint is set
    (
        "worker.errors",
        "worker.settings",
        "worker.broker",
        "worker.named_values",
        "worker.http_client",
    ),  # the ground: they know nothing of the product
    ("models",),  # worker may only name models.vocabulary; the tables are for the ledger
)
"""From the roof to the ground; rooms on one line do not know each other."""

FORBIDDEN_ENDINGS = ("Manager", "Service", "Handler", "Helper", "Util", "Processor", "Factory", "Base", "Impl")
MAY_BE_LONGER = {"migrations.versions.20261123_first": "a migration is written once, and read from top to bottom"}
LONGEST_FILE = 350
LONGEST_CAPTION = 100


def modules(*folders: str) -> dict[str, Path]:
    """Dotted name -> file of every module below these folders."""
    found = {}
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[dotted.removesuffix(".__init__")] = path
    return found


EVERY = modules(*PRODUCT, "sandbox", "tests")
OURS = modules(*PRODUCT)
HOUSE = modules(*PRODUCT, "sandbox")
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in EVERY.items()}


def imported(tree: ast.AST) -> Iterator[str]:
    """Every name that the tree imports, `from a import b` as `a.b` where that is a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in EVERY else node.module


IMPORTS = {name: sorted(set(imported(tree)) & set(EVERY)) for name, tree in TREES.items()}


def is_in(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def place(module: str) -> tuple[int, str] | None:
    """The layer and the room of a module; None for what stands in none."""
    return next(((at, room) for at, rooms in enumerate(LAYERS) for room in rooms if is_in(module, room)), None)


def pairs(folder: str) -> Iterator[tuple[str, str]]:
    """Each module of the folder with each module of ours that it imports."""
    return ((name, other) for name in EVERY if is_in(name, folder) for other in IMPORTS[name])


def test_every_module_has_its_place() -> None:
    homeless = {name for name in OURS if place(name) is None and not is_in(name, "migrations")}
    assert homeless == {"worker"}, "the package's caption alone stands in no layer"


def test_imports_go_down_only() -> None:
    climbing = []
    for name, other in (pair for folder in PRODUCT for pair in pairs(folder)):
        mine, theirs = place(name), place(other)
        if mine and theirs and mine != theirs and mine[0] >= theirs[0]:
            climbing.append(f"{name} imports {other}, which is not below it")
    assert climbing == []


def test_only_the_ledger_knows_the_tables() -> None:
    knowing = [
        (name, other)
        for name, other in pairs("worker")
        if is_in(other, "models") and other != "models.vocabulary" and not is_in(name, "worker.ledger")
    ]
    assert knowing == []


def test_the_product_never_imports_the_sandbox_or_the_tests() -> None:
    outside = [
        pair for folder in PRODUCT for pair in pairs(folder) if pair[1].partition(".")[0] in {"sandbox", "tests"}
    ]
    assert outside == []


def test_models_never_name_each_other() -> None:
    shared = {"models.base", "models.vocabulary"}
    assert [pair for pair in pairs("models") if pair[0] != "models" and pair[1] not in shared] == []


def test_migrations_stand_on_their_own() -> None:
    assert list(pairs("migrations.versions")) == [], "what they create must not change when a model does"


def test_no_import_makes_a_circle() -> None:
    TopologicalSorter({name: set(others) - {name} for name, others in IMPORTS.items()}).prepare()


def test_every_import_stands_at_the_top() -> None:
    hidden = [
        f"{name}:{node.lineno}"
        for name in HOUSE
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in TREES[name].body
    ]
    assert hidden == [], "no import inside a function, nor under a condition such as TYPE_CHECKING"


def test_every_module_begins_with_its_caption() -> None:
    captions = {name: (ast.get_docstring(TREES[name]) or "").partition("\n")[0] for name in HOUSE}
    assert [name for name, caption in captions.items() if not 0 < len(caption) <= LONGEST_CAPTION] == []


def test_no_file_grows_too_long() -> None:
    long = {name for name, path in OURS.items() if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE}
    assert long == set(MAY_BE_LONGER), "a file grew too long, or an exception is no longer needed"


def test_classes_are_named_for_what_they_are() -> None:
    named = [(name, node.name) for name in EVERY for node in ast.walk(TREES[name]) if isinstance(node, ast.ClassDef)]
    # SQLAlchemy's own pages call it so, and it is one.
    assert [one for one in named if one[1].endswith(FORBIDDEN_ENDINGS)] == [("models.base", "Base")]
