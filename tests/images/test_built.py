"""The images, built by the Dockerfile's own steps where there is no engine, and what is in them started.

Takes minutes, most of them for the registry: `make images` runs it, `make test` does not.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import composing
from tests.composing import becomes_healthy, done, started
from tests.imaging import ROOT, Builder, Image, context

pytestmark = pytest.mark.timeout(1200)
PRODUCT = ("api", "cli", "migrations", "models", "worker")
INSTALLED = "import importlib.metadata as held\nfor one in held.distributions(): print(one.name, one.version)"
FOLDER = "import importlib.util as at; print(at.find_spec('models').submodule_search_locations[0])"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
EVERY = (
    "import pkgutil, importlib, {0}\n"
    "for found in pkgutil.walk_packages({0}.__path__, '{0}.'):\n"
    "    if not found.name.startswith(('migrations.env', 'sandbox.')): importlib.import_module(found.name)"
)


@pytest.fixture(scope="module")
def builder() -> Iterator[Builder]:
    """A folder that stands for the builder; short, because programs name it in their first line."""
    folder = Path(tempfile.mkdtemp(prefix="images-"))
    yield Builder(folder)
    shutil.rmtree(folder)


def expected(*parts: str) -> set[str]:
    """Names and versions that the lock has for this machine, and ours."""
    words = [sys.executable, "scripts/locked", *parts]
    said = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603
    pins = [Requirement(line.removesuffix(" \\")) for line in said.splitlines() if line[:1].isalnum()]
    return {f"{canonicalize_name(pin.name)} {str(pin.specifier)[2:]}" for pin in pins
            if pin.marker is None or pin.marker.evaluate()} | {f"saleslayer-bigcommerce {VERSION}"}  # fmt: skip


def held(builder: Builder, image: Image) -> set[str]:
    """Names and versions of what is installed in the image."""
    said = [line.rpartition(" ") for line in builder.run(image, "python", "-c", INSTALLED).splitlines()]
    return {f"{canonicalize_name(name)} {version}" for name, _, version in said}


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize(
    ("stage", "parts"), [("service", ["product"]), ("flower", ["product", "flower"]), ("sandbox", ["product"])]
)
def test_an_image_holds_what_is_locked_for_it_and_no_tool(builder: Builder, stage: str, parts: list[str]) -> None:
    image = builder.show(stage)
    assert held(builder, image) == expected(*parts)
    assert {path.name for path in builder.root.iterdir()} == {"app", "venv"}
    assert not {"pip", "wheel"} & {path.name for path in (builder.root / "venv" / "bin").iterdir()}


def test_the_service_holds_every_file_of_the_product_and_nothing_of_the_neighbours(builder: Builder) -> None:
    image = builder.show("service")
    there = Path(builder.run(image, "python", "-c", FOLDER).strip()).parent
    assert there.is_relative_to(builder.root), "the checkout is seen, not the image"
    sent = {path.as_posix() for path in context() if path.parts[0] in PRODUCT}
    found = {f"{name}/{one}" for name in PRODUCT for one in files(there / name) if not one.endswith(".pyc")}
    assert found == sent
    assert not any((there / name).exists() for name in ("sandbox", "tests"))
    app = {path.as_posix() for path in context() if path.parts[0] in {"migrations", "alembic.ini"}}
    assert files(builder.root / "app") == app


def test_everybody_may_read_an_image_and_only_root_may_write_to_it(builder: Builder) -> None:
    builder.show("service")
    for path in builder.root.rglob("*"):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode):
            assert mode & stat.S_IROTH, path
            assert not mode & (stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID), path


def test_the_programs_of_the_service_start_and_leave_nothing_behind(builder: Builder) -> None:
    image = builder.show("service")
    before = files(builder.root)
    assert "connector [OPTIONS] COMMAND" in builder.run(image, "connector", "--help")
    [migrated] = builder.run(image, "alembic", "heads").splitlines()
    assert migrated.endswith("(head)")
    assert "transport:redis results:disabled" in builder.run(image, "celery", "-A", "worker.app", "report")
    assert builder.run(image, "uvicorn", "--version").startswith("Running uvicorn")
    builder.run(image, "python", "-c", "\n".join(map(EVERY.format, PRODUCT)))
    assert files(builder.root) == before, "a container's files cannot be changed"


def test_flower_and_the_neighbours_start(builder: Builder) -> None:
    image = builder.show("flower")
    # What makes it a window and no more.
    assert "read_only = True" in (builder.root / "app" / "flowerconfig.py").read_text("utf-8")
    assert "Web based tool" in builder.run(image, "celery", "-A", "worker.app", "flower", "--help")
    image = builder.show("sandbox")
    for neighbour in ("saleslayer", "bigcommerce"):
        assert "--port" in builder.run(image, "python", "-m", f"sandbox.{neighbour}", "--help")
    assert "data_schema" in builder.run(image, "python", "-m", "sandbox.generator", "--products", "2")


def test_what_compose_starts_runs_out_of_the_image(builder: Builder, tmp_path: Path) -> None:
    image = builder.show("service")
    path = builder.surroundings(image)["PATH"]
    lent = {"programs": builder.root / "venv" / "bin", "place": builder.root / image.workdir.lstrip("/")}
    with composing.machine(tmp_path, **lent) as machine, ExitStack() as stack:
        for service in ("roles", "migrate"):
            done(machine, service)
        for service in ("worker", "api"):
            becomes_healthy(machine, service, stack.enter_context(started(machine, service)))
        surroundings = machine.surroundings("worker") | {"PATH": path}
        doctor = [str(lent["programs"] / "connector"), "doctor"]
        said = subprocess.run(doctor, env=surroundings, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert said.returncode == 0, said.stdout + said.stderr
    assert os.fspath(ROOT) not in said.stdout
