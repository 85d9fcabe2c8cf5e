"""What is made of a profiler's samples: shares that add up, and boxes that fit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.bench import icicle
from sandbox.bench.studies import profile
from sandbox.bench.works import NotAsMeant

RAW = """process 7:"celery worker";slice_ (worker/tasks.py:20);record (worker/steps/settle.py:88);\
execute (sqlalchemy/engine/base.py:1450) 6
process 7:"celery worker";slice_ (worker/tasks.py:20);record (worker/steps/settle.py:91) 2
process 7:"celery worker";_apply (worker/steps/send.py:260);\
request (/srv/lib/python3.11/site-packages/httpx/_client.py:9) 3
process 7:"celery worker";run (/usr/lib/python3.11/threading.py:982) 1
"""


def test_the_profiler_ends_with_a_run_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in for it looks on until it is told to stop, as it does."""
    begun: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def looks_on(_command: object, **given: Any) -> subprocess.Popen[bytes]:
        begun.append(popen(["sleep", "3600"], **given))
        return begun[-1]

    monkeypatch.setattr(subprocess, "Popen", looks_on)
    monkeypatch.setattr(profile, "SECONDS_TO_ATTACH", 0)
    with pytest.raises(NotAsMeant), profile._watched(1, tmp_path / "raw"):
        raise NotAsMeant
    assert begun[0].poll() is not None


def test_a_function_is_one_whatever_its_line_and_no_folder_of_a_machine_is_named() -> None:
    found = profile.stacks(RAW)
    assert found == {
        ("slice_ (worker/tasks.py)", "record (worker/steps/settle.py)", "execute (sqlalchemy/engine/base.py)"): 6,
        ("slice_ (worker/tasks.py)", "record (worker/steps/settle.py)"): 2,
        ("_apply (worker/steps/send.py)", "request (httpx/_client.py)"): 3,
        ("run (threading.py)",): 1,
    }


def test_each_sample_counts_once_for_the_innermost_part() -> None:
    shares = profile.shares(profile.stacks(RAW))
    assert sum(shares.values()) == pytest.approx(1)
    told = {name: share for name, share in shares.items() if share}
    assert told == {
        "Postgres: psycopg2, SQLAlchemy": 0.5,
        "the books: outcomes, relations, pending changes": pytest.approx(2 / 12),
        "HTTP: httpx, httpcore, h11": 0.25,
        profile.ELSE: pytest.approx(1 / 12),
    }


def test_functions_of_ours_count_with_what_they_call() -> None:
    assert profile.ours(profile.stacks(RAW)) == [
        ("slice_ (worker/tasks.py)", pytest.approx(8 / 12)),
        ("record (worker/steps/settle.py)", pytest.approx(8 / 12)),
        ("_apply (worker/steps/send.py)", 0.25),
    ]


def test_callees_stand_within_their_callers() -> None:
    assert list(icicle.boxes(profile.stacks(RAW))) == [
        (0, 0.0, pytest.approx(8 / 12), "slice_ (worker/tasks.py)"),
        (1, 0.0, pytest.approx(8 / 12), "record (worker/steps/settle.py)"),
        (2, 0.0, 0.5, "execute (sqlalchemy/engine/base.py)"),
        (0, pytest.approx(8 / 12), 0.25, "_apply (worker/steps/send.py)"),
        (1, pytest.approx(8 / 12), 0.25, "request (httpx/_client.py)"),
        (0, pytest.approx(11 / 12), pytest.approx(1 / 12), "run (threading.py)"),
    ]


def test_the_same_stacks_give_the_same_drawing(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        icicle.draw([("a run", profile.stacks(RAW))], tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert "record" in (tmp_path / "one.svg").read_text("utf-8")
