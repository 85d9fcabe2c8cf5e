"""The disk of Postgres, and of the worker's log, is full in the midst of a run: it waits, and goes on with room."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.operations.place import Place, place

pytestmark = pytest.mark.timeout(280)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small disk on which all servers and workers that are started keep what they have."""
    folder = Path(tempfile.mkdtemp(prefix="slbc-disk-"))
    mount, umount = shutil.which("mount"), shutil.which("umount")
    options = ["-t", "tmpfs", "-o", "size=300m,mode=0755", "tmpfs", str(folder)]
    if os.geteuid() != 0 or not mount or not umount or subprocess.run([mount, *options], check=False).returncode:  # noqa: S603
        folder.rmdir()
        pytest.skip("a small disk cannot be mounted here: it takes root, and a kernel that lets it")
    try:
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        yield folder
    finally:
        subprocess.run([umount, "--lazy", str(folder)], check=True)  # noqa: S603
        folder.rmdir()


def fill(disk: Path) -> Path:
    """What takes all the room, to the last byte."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    file.write(b"x" * size)
    return ballast


def waits(here: Place) -> bool:
    return "No space left on device" in here.log(here.platform.workers["one"])


def test_a_run_waits_while_the_disk_is_full_and_goes_on_where_it_was(disk: Path, tmp_path: Path) -> None:
    with place(tmp_path, durable=True, LEASE_SECONDS="3") as here:
        here.works("one")
        here.until(lambda: here.is_there("one"))
        here.latency(0.2)
        here.request()
        here.until(lambda: here.run_state() == "preparing")
        ballast = fill(disk)
        here.until(lambda: waits(here))
        assert "item" in here.types("what is large")
        here.until(lambda: here.turn() == "parked")
        before = len(here.calls())
        here.platform.wait(5)
        assert (here.turn(), here.turn("attempts")) == ("parked", 0), "it waits, and that is no attempt"
        assert len(here.calls()) == before, "and asks nobody meanwhile"
        ballast.unlink()
        here.until_sending(2)
        ballast = fill(disk)
        here.platform.wait(5)
        ballast.unlink()
        here.latency(0.0)
        assert here.until_over() in ("completed", "completed_with_errors")
        assert here.ask("SELECT bugs FROM run") == 0
        assert here.ask("SELECT count(*) FROM run") == 1
        assert here.ask("SELECT count(*) FROM pending_change") == 0
        held = here.snapshot()
        for table in ("products", "categories"):
            assert held["store"]["created"][table] == len(held[table]) > 0
        assert here.ends("one") == 0
