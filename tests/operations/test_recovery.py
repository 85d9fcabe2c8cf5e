"""A cluster that is lost is recovered to a moment, from a base backup and the archived log: nothing is made twice."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from sandbox.servers.kept import ServerDidNotStart, unprivileged_user
from sandbox.servers.postgres import EmbeddedPostgres
from tests.operations.afterwards import CATALOGUE, begins_again, moves_on, novelty, stands_on
from tests.operations.place import Place, place
from worker.app import QUEUE

SECONDS = 150.0

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def archive() -> Iterator[Path]:
    """A folder that outlasts the servers, for their user alone."""
    folder = Path(tempfile.mkdtemp(prefix="slbc-archive-"))
    if user := unprivileged_user():
        shutil.chown(folder, *user)
    yield folder
    shutil.rmtree(folder)


def asked(here: Place, sql: str) -> list[str]:
    """What the superuser is told, line by line."""
    return here.runs(f'psql --no-align --tuples-only --dbname connector --command "{sql}"').splitlines()


def tenants(here: Place) -> list[str]:
    return asked(here, "SELECT name FROM tenant ORDER BY id")


def archives(here: Place, archive: Path) -> str:
    """The segment that is under way is in the archive now, and nothing was refused; its name."""
    segment, *told = here.types("is it archived").splitlines()
    here.until((archive / segment).exists, SECONDS)
    assert "last_failed_wal" in told[0]
    assert asked(here, "SELECT failed_count FROM pg_stat_archiver") == ["0"]
    return segment


def names(archive: Path) -> set[str]:
    return {path.name for path in archive.iterdir()}


def set_up(here: Place, archive: Path) -> None:
    """The settings, and a restart."""
    here.given["ARCHIVE"] = str(archive)
    here.types("archive")
    here.engine.dispose()
    here.ground.postgres.crash(0)
    here.ground.postgres.wait()
    shown = [asked(here, f"SHOW {name}") for name in ("wal_level", "archive_mode", "archive_timeout")]
    assert shown == [["replica"], ["on"], ["1min"]]


def base_backup(here: Place) -> None:
    """By its own role; the database's owner may not."""
    here.types("backup role")
    as_owner = here.page["base backup"].replace("--username backup", "--username owner")
    assert "permission denied" in here.runs(as_owner, code=1)
    here.types("base backup")


def unpacked(here: Place, name: str, *, moment: str, timeline: str = "") -> Path:
    """What the page's commands make ready to be served, with the archive as it is."""
    folder = here.folder / name
    here.types("recover", PGDATA=str(folder), TIME=moment, TIMELINE=timeline)
    return folder


def serves(folder: Path) -> None:
    """A server that is looked at until it is gone, be it before or after its first answer, or for long enough."""
    give_up_at = time.monotonic() + SECONDS
    with EmbeddedPostgres(data=folder) as server:
        while time.monotonic() < give_up_at:
            server.wait()
            time.sleep(0.1)


def is_never_overwritten(here: Place, archive: Path) -> None:
    """What the page has the server do with a segment: the same again is done, another one is refused."""
    command = asked(here, "SHOW archive_command")[0].replace("%p", "segment").replace("%f", "kept")
    segment, kept = here.folder / "segment", archive / "kept"
    segment.write_text("first")
    for _ in range(2):
        here.runs(command)
        assert kept.read_text() == "first"
    segment.write_text("other")
    here.runs(command, code=1)
    assert kept.read_text() == "first"
    kept.unlink()
    assert not list(archive.glob("*.part"))


def test_a_lost_cluster_is_recovered_to_a_moment_and_its_runs_double_nothing(tmp_path: Path, archive: Path) -> None:
    with place(tmp_path, durable=True, catalogue=CATALOGUE, LEASE_SECONDS="3") as here:
        set_up(here, archive)
        is_never_overwritten(here, archive)
        archives(here, archive)
        here.works("one")
        here.request()
        here.until_over(SECONDS)
        here.runs("vacuumdb --quiet --analyze-only connector")
        for number in (80_000, 80_010, 80_020, 80_030):
            novelty(here, number)
        here.latency(0.4)
        here.request()
        here.until_sending(2)
        here.latency(10.0)  # so long that the run is under way until the moment has passed
        base_backup(here)
        here.runs("connector tenant add earlier")
        [moment] = asked(here, "SELECT clock_timestamp()")
        assert here.run_state() == "synchronizing"
        here.runs("connector tenant add later")
        here.latency(0.0)
        here.until_over(SECONDS)
        moves_on(here)
        here.request()
        here.until_over(SECONDS)
        before = here.snapshot()
        assert here.ends("one") == 0
        here.request()
        broker = redis.Redis.from_url(here.ground.redis.url)
        assert broker.llen(QUEUE) > 0, "a message of a run that will not have been"
        archives(here, archive)
        here.engine.dispose()
        here.ground.postgres.stop()

        beyond = unpacked(here, "beyond", moment="2100-01-01 00:00:00+00")
        with pytest.raises(ServerDidNotStart, match="recovery ended before configured recovery target was reached"):
            serves(beyond)
        with EmbeddedPostgres(data=unpacked(here, "recovered", moment=moment)) as other:
            stands_on(here, other)
            here.types("recovered")
            assert tenants(here) == ["acme", "earlier"], "as at that moment"
            assert here.ask("SELECT count(*) FROM run") == 2
            assert here.run_state() == "synchronizing"
            assert here.ask("SELECT reltuples > 0 FROM pg_class WHERE relname = 'source_item'"), (
                "statistics have come along"
            )
            begins_again(here, before, seconds=SECONDS)
            assert here.ask("SELECT count(*) FROM run") == 3
            assert archives(here, archive).startswith("00000002"), "on a timeline of its own"
            here.engine.dispose()
        goes_further(here, archive)
        begins_from_the_next_base_backup(here)


def goes_further(here: Place, archive: Path) -> None:
    """All that the lost cluster has archived is there still; after a base backup of that, the rest may go."""
    with EmbeddedPostgres(data=unpacked(here, "further", moment="", timeline="1")) as server:
        stands_on(here, server)
        here.types("recovered")
        assert tenants(here) == ["acme", "earlier", "later"]
        assert here.ask("SELECT count(*) FROM run") == 4
        here.types("base backup")
        here.runs("connector tenant add last")
        archives(here, archive)
        before = names(archive)
        here.types("trim")
        began_in = max(name for name in before if name.endswith(".backup"))[8:24]
        assert (
            before - names(archive) == {name for name in before if len(name) == 24 and name[8:24] < began_in} != set()
        )
        here.engine.dispose()


def begins_from_the_next_base_backup(here: Place) -> None:
    """What was left of the archive is enough."""
    with EmbeddedPostgres(data=unpacked(here, "next", moment="")) as server:
        stands_on(here, server)
        here.types("recovered")
        assert tenants(here) == ["acme", "earlier", "later", "last"]
        here.engine.dispose()
