"""The Dockerfile read, and its steps done in a folder: stands for a builder where there is none.

A stage's `/` is `root` below a folder of its own, so nothing of this machine is touched. Before a stage it holds what
the stage before has left, and afterwards it is put away under the stage's name; so an absolute path in an installed
program stays right.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
_OURS = re.compile(r"(?<![\w./$-])/(?=(?:venv|tools|app|build)\b)")
"""Absolute paths that the Dockerfile itself makes."""
_ALTERS_THE_MACHINE = re.compile(r"(useradd|groupadd|apt-get) ")
_KEPT = re.compile(r"HOME|LANG|LC_\w+|PIP_(?!NO_CACHE|REQUIRE)\w+|SSL_\w+|\w*_(?:proxy|PROXY)|REQUESTS_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: what it begins with, and its instructions."""

    name: str
    begins_with: str
    lines: tuple[tuple[str, str], ...]

    def last(self, word: str) -> str | None:
        """What the last such instruction says."""
        return next((rest for said, rest in reversed(self.lines) if said == word), None)


def stages(text: str = DOCKERFILE) -> dict[str, Stage]:
    """The stages in their order."""
    found: dict[str, Stage] = {}
    arguments: dict[str, str] = {}
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    for line in filter(str.strip, bare.splitlines()):
        word, _, rest = line.strip().partition(" ")
        if word == "ARG":
            name, _, value = rest.partition("=")
            arguments[name] = value
        elif word == "FROM":
            begins_with, _, name = rest.partition(" AS ")
            begins_with = re.sub(r"\$\{(\w+)\}", lambda said: arguments[said[1]], begins_with)
            found[name] = Stage(name, begins_with, ())
        else:
            last = next(reversed(found.values()))
            found[last.name] = Stage(last.name, last.begins_with, (*last.lines, (word, rest.strip())))
    return found


def context(root: Path = ROOT) -> Iterator[Path]:
    """The files below the root that .dockerignore lets through to the builder; the last rule counts, as in Docker."""
    rules = []
    for line in (root / ".dockerignore").read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            lets_through = line.startswith("!")
            rules.append((lets_through, _pattern(line.removeprefix("!").strip("/"))))
    for folder, _, names in os.walk(root):
        for name in names:
            path = (Path(folder) / name).relative_to(root)
            above = [path.as_posix(), *(one.as_posix() for one in list(path.parents)[:-1])]
            said = [lets_through for lets_through, pattern in rules if any(map(pattern.fullmatch, above))]
            if not said or said[-1]:
                yield path


def _pattern(rule: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", rule)
    meant = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meant.get(part) or re.escape(part) for part in parts))


@dataclass(slots=True)
class Image:
    """What a stage has left: files, variables, and where its commands start."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"


@dataclass(slots=True)
class Builder:
    """Does the steps of stages, each stage once."""

    folder: Path
    recipe: Mapping[str, Stage] = field(default_factory=stages)
    built: dict[str, Image] = field(default_factory=dict)
    shown: str = ""

    def __post_init__(self) -> None:
        python = self.folder / "programs" / "python"
        python.parent.mkdir(parents=True)
        # The base's Python is this machine's.
        python.write_text(f'#!/bin/sh\nexec "{sys.base_prefix}/bin/python3" "$@"\n')
        python.chmod(0o755)

    @property
    def root(self) -> Path:
        """The `/` of the stage that is at work."""
        return self.folder / "root"

    def build(self, name: str) -> Image:
        """The stage, built."""
        if name in self.built:
            return self.built[name]
        stage, self.shown = self.recipe[name], ""
        before = self.build(stage.begins_with) if stage.begins_with in self.recipe else None
        for source in re.findall(r"--from=(\S+)", "\n".join(rest for _, rest in stage.lines)):
            self.build(source)
        image = Image(self.folder / "stages" / name)
        shutil.rmtree(self.root, ignore_errors=True)
        if before is None:
            self.root.mkdir()
        else:
            shutil.copytree(before.folder, self.root, symlinks=True)
            image.variables, image.workdir = dict(before.variables), before.workdir
        for word, rest in stage.lines:
            self._do(word, rest, image)
        image.folder.parent.mkdir(exist_ok=True)
        self.root.rename(image.folder)
        self.built[name] = image
        return image

    def show(self, name: str) -> Image:
        """The stage, built and put where its programs believe that they are."""
        image = self.build(name)
        if self.shown != name:
            shutil.rmtree(self.root, ignore_errors=True)
            shutil.copytree(image.folder, self.root, symlinks=True)
            self.shown = name
        return image

    def here(self, text: str) -> str:
        """The text with the paths of the image as they are found on this machine."""
        return _OURS.sub(f"{self.root}/", text)

    def surroundings(self, image: Image) -> dict[str, str]:
        """The variables of a process in the image."""
        kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
        kept["PATH"] = f"{self.folder / 'programs'}:/usr/bin:/bin"
        for name, value in image.variables.items():
            kept[name] = self.here(value).replace("$PATH", kept["PATH"])
        return kept

    def run(self, image: Image, *words: str, code: int = 0) -> str:
        """What a command of the image prints, once it is sure how it ended."""
        done = subprocess.run(  # noqa: S603 what the Dockerfile or a test says
            words, cwd=self._at(image.workdir), env=self.surroundings(image), capture_output=True, text=True,
            timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{shlex.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def _do(self, word: str, rest: str, image: Image) -> None:
        match word:
            case "ENV":
                image.variables |= dict(one.split("=", 1) for one in shlex.split(rest))
            case "WORKDIR":
                image.workdir = rest
                self._at(rest).mkdir(parents=True, exist_ok=True)
            case "COPY":
                self._copy(rest, image)
            case "RUN" if not _ALTERS_THE_MACHINE.match(rest):
                self.run(image, "sh", "-ec", self.here(rest))
            case "RUN" | "USER" | "EXPOSE" | "CMD" | "HEALTHCHECK":
                pass
            case _:
                raise AssertionError(f"{word} is not known here")

    def _copy(self, rest: str, image: Image) -> None:
        *sources, target = rest.split()
        if sources[0].startswith("--from="):
            built = self.built[sources.pop(0).removeprefix("--from=")]
            [whole] = sources
            shutil.copytree(built.folder / whole.lstrip("/"), self._at(target), symlinks=True)
            return
        into = self.root / image.workdir.lstrip("/") / target
        found = set[Path]()
        for path in context():
            for source in map(Path, sources):
                if path == source or source in path.parents:
                    found.add(source)
                    there = into / (path.name if path == source else path.relative_to(source))
                    there.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / path, there)
        assert found == set(map(Path, sources)), f"the builder is not sent all of {rest}"


def listed(value: str | None) -> list[str]:
    """The words of a CMD."""
    found: list[str] = json.loads(value or "[]")
    return found
