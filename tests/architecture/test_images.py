"""The Dockerfile and what is sent to its builder: pinned, without rights, and nothing secret in it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sandbox.bench.works import AS_IN_THE_IMAGE
from tests.imaging import DOCKERFILE, ROOT, context, listed, stages

RECIPE = stages()
SENT = {
    *("README.md", "alembic.ini", "api", "cli", "flowerconfig.py", "migrations", "models", "pyproject.toml"),
    *("requirements.lock", "sandbox", "scripts", "worker"),
}
IMAGES = ("service", "flower", "sandbox")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))


def tracked() -> set[Path]:
    """What is committed, or would be."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    said = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603
    return {Path(name) for name in said.stdout.split("\0") if name and (ROOT / name).is_file()}


def test_the_builder_is_sent_what_is_committed_of_the_product_and_nothing_else() -> None:
    wanted = {path for path in tracked() if path.parts[0] in SENT - {"scripts"}} | {Path("scripts/locked")}
    assert set(context()) == wanted


def test_the_builder_is_sent_no_secret_no_history_and_nothing_that_tools_leave(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    good = {"api/main.py", "worker/catalog/causes.toml", "requirements.lock", "scripts/locked", "migrations/roles.sql"}
    bad = {
        *(".env", ".git/config", ".secrets.baseline", ".venv/bin/python", "docker-compose.yml", "worker/.env"),
        *("tests/test_x.py", "docs/operations.md", "artefacts/shot.png", "dump.sql", "scripts/setup", "README.md.orig"),
        *(
            "api/__pycache__/main.pyc",
            "worker/rules/__pycache__/x.pyc",
            "cli/main.pyc",
            "sandbox/.cache/x",
            "api2/x.py",
        ),
    }
    for name in good | bad:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert {path.as_posix() for path in context(tmp_path)} == good


def test_the_memory_that_is_measured_is_that_of_the_image() -> None:
    told = [word for line in DOCKERFILE.splitlines() if line.startswith("ENV ") for word in line.split()]
    assert {f"{name}={value}" for name, value in AS_IN_THE_IMAGE.items()} == {
        word for word in told if word.startswith("MALLOC_")
    }


def test_the_base_is_one_and_named_by_version_and_release() -> None:
    bases = {stage.begins_with for stage in RECIPE.values()} - set(RECIPE)
    assert len(bases) == 1
    [base] = bases
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", base)
    for service, spec in COMPOSE["services"].items():
        if "build" in spec:
            assert spec["build"]["args"] == {"PYTHON_IMAGE": f"${{PYTHON_IMAGE:-{base}}}"}, service


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_a_foreign_image_is_named_by_its_whole_version(service: str) -> None:
    spec = COMPOSE["services"][service]
    if "build" not in spec:
        assert re.fullmatch(r"[\w/]+:\d+\.\d+(\.\d+)?(-[a-z]+)?(@sha256:[0-9a-f]{64})?", spec["image"])


def test_every_image_runs_as_a_user_without_rights_and_what_is_built_last_is_the_service() -> None:
    assert list(RECIPE)[-1] == "service"
    for name in IMAGES:
        stage = RECIPE[name]
        assert stage.begins_with == "base", f"{name} has the tools of its builder in it"
        assert stage.last("USER") == "10001"
        assert [word for word, _ in stage.lines].index("USER") > max(
            place for place, (word, _) in enumerate(stage.lines) if word == "COPY"
        )
        assert not any(word in {"ADD", "RUN"} for word, _ in stage.lines)
    assert "useradd --system --uid 10001" in (RECIPE["base"].last("RUN") or "")


def test_nothing_is_installed_without_its_hash() -> None:
    installs = re.findall(r"pip (?:--python \S+ )?install ([^&\n]*)", DOCKERFILE.replace("\\\n", " "))
    assert len(installs) >= 5
    for options in installs:
        assert "--require-hashes" in options or (
            "--no-index --no-deps" in options and options.strip().endswith("/*.whl")
        )


def test_the_images_say_what_compose_says() -> None:
    for name, service in (("service", "worker"), ("sandbox", "bigcommerce")):
        said, composed = listed(RECIPE[name].last("CMD")), COMPOSE["services"][service]["command"]
        assert composed[: len(said)] == said
    assert " ".join(listed(RECIPE["flower"].last("CMD"))) in COMPOSE["services"]["flower"]["command"][-1]
    check = COMPOSE["services"]["worker"]["healthcheck"]["test"][1].replace("$$", "$")
    assert check.replace('"', '\\"') in (RECIPE["service"].last("HEALTHCHECK") or "")


def test_a_linter_finds_nothing_in_the_dockerfile() -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if program is None:
        pytest.skip("there is no hadolint for this kind of machine")
    said = subprocess.run([program, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert (said.returncode, said.stdout) == (0, "")
