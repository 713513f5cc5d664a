"""One private PostgreSQL cluster of this checkout, reached by a unix socket only."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import cached_property
from pathlib import Path

from config.embedded import accounts, binaries, leftovers, places
from config.embedded.places import CannotServe

ROLE = "app"
DATABASE = "clearline"
PATIENCE = 10.0  # seconds for a killed server to be reaped
LOG_LIMIT = 10 * 1024**2

SETTINGS = """\
# Written by config/embedded/postgres.py at every start.
listen_addresses = ''
port = 5432
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 200
max_locks_per_transaction = 256
shared_buffers = '256MB'
work_mem = '16MB'
maintenance_work_mem = '128MB'
max_wal_size = '2GB'
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""
# Nothing in a test database outlives a crash, and vacuum would only compete with the tests for two cores.
TEST_SETTINGS = """\
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
"""


class Cluster:
    """A data directory and the server on it; naming one touches nothing on disk."""

    def __init__(self, *, test: bool = False) -> None:
        self.test = test

    @cached_property
    def found(self) -> binaries.Postgres:
        return binaries.postgres()

    @cached_property
    def account(self) -> accounts.Account:
        return accounts.choose(self.found)

    @property
    def name(self) -> str:
        """Another major version cannot read the data, so each has a directory, and a socket, of its own."""
        return f"pg{self.found.major}{'-test' if self.test else ''}"

    @property
    def socket(self) -> Path:
        return places.sockets() / self.name

    @cached_property
    def data(self) -> Path:
        on_disk, in_memory = self.account.home / self.name, places.memory() / self.name
        if not self.test or on_disk.exists():
            return on_disk
        return in_memory if in_memory.exists() or places.memory_has_room() else on_disk

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    def url(self, database: str = DATABASE) -> str:
        return f"postgres://{ROLE}@/{database}?host={self.socket}"

    def lives(self) -> bool:
        """Whether a server listens, ready or not; cheap enough to be asked all the time."""
        return places.is_heard(self.socket / ".s.PGSQL.5432")

    def ready(self, database: str = DATABASE) -> bool:
        return self.ask("select 1", database).returncode == 0

    def ask(self, statement: str, database: str = "postgres") -> subprocess.CompletedProcess[str]:
        """Run one statement; the answer is unaligned and without headings."""
        return self._client("psql", "-XAtc", statement, database)

    def start(self) -> bool:
        """Make and start what is missing, the database included; False if all of it was there.

        Call it in one's `places.turn`. :raises CannotServe: with the end of the server's log.
        """
        if self.ready():
            return False
        self._dismiss_homeless()
        if self.data.parent == places.memory():
            with leftovers.spared():
                self._run()
            leftovers.clear()
        else:
            self._run()
        if not self.ready():
            self._check(self._client("createdb", DATABASE), "createdb")
        return True

    def _run(self) -> None:
        self._make()
        if not self._accepts():
            self._launch()

    def recreate(self) -> None:
        """Replace the database by an empty one, breaking off whoever uses it. :raises CannotServe: it failed."""
        self._check(self._client("dropdb", "--force", "--if-exists", DATABASE), "dropdb")
        self._check(self._client("createdb", DATABASE), "createdb")

    def _make(self) -> None:
        """Run initdb beside the final place, so that a half-made directory is never taken for a cluster."""
        if not (self.data / "PG_VERSION").exists():
            unfinished = self.data.with_name(f"{self.name}.new")
            shutil.rmtree(unfinished, ignore_errors=True)
            self.account.own(unfinished)
            options = ["-U", ROLE, "-A", "trust", "-E", "UTF8", "--no-sync", *self._locale()]
            self._check(self._server("initdb", "-D", str(unfinished), *options), "initdb")
            with (unfinished / "postgresql.conf").open("a") as file:
                file.write("\ninclude = 'clearline.conf'\n")
            unfinished.rename(self.data)
        settings = SETTINGS.format(socket=self.socket) + (TEST_SETTINGS if self.test else "")
        (self.data / "clearline.conf").write_text(settings)
        (self.data / "clearline.conf").chmod(0o644)

    def _locale(self) -> list[str]:
        """Unicode rules that are the same on every machine: PostgreSQL's own since 17, before that the system's."""
        if self.found.major >= 17:
            return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        return ["--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C"]

    def _launch(self) -> None:
        places.private(places.sockets())
        self.account.own(self.socket)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.unlink()
        give_up = time.monotonic() + PATIENCE
        while True:
            self._clear_leftovers()
            attempt = self._server("pg_ctl", "-D", str(self.data), "-l", str(self.log), "-w", "-t", "120", "start")
            if self._accepts():
                return
            if time.monotonic() > give_up:
                self._check(attempt, "pg_ctl start")
                raise CannotServe(f"PostgreSQL started and does not answer on {self.socket}.{self._last_words()}")
            time.sleep(0.25)

    def _accepts(self) -> bool:
        return self._client("pg_isready", "-q", "-t", "3").returncode == 0

    def _dismiss_homeless(self) -> None:
        """End a server whose data directory was deleted under it: it still answers, and fails at everything."""
        lock = self._socket_lock
        if self.data.exists() or not lock.exists():
            return
        pid = int(lock.read_text().split()[0])
        if places.working_directory(pid) == f"{self.data} (deleted)":
            os.kill(pid, signal.SIGQUIT)
            give_up = time.monotonic() + PATIENCE
            while self._accepts() and time.monotonic() < give_up:
                time.sleep(0.05)

    def _clear_leftovers(self) -> None:
        """Remove the lock files of a dead server.

        PostgreSQL waits for the pid in them, for as long as a killed server is not reaped, and for ever where the pid
        belongs to somebody else by now. Only if nobody at all works in the data directory: a killed server's children
        may still be at it, and the lock file is what keeps the next server off until they are gone.
        """
        if Path("/proc/self/cwd").exists() and not _anybody_in(self.data):
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            self._socket_lock.unlink(missing_ok=True)

    @property
    def _socket_lock(self) -> Path:
        return self.socket / ".s.PGSQL.5432.lock"

    def _client(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        where = ["-h", str(self.socket), "-U", ROLE]
        command = [str(self.found.directory / program), *where, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment())

    def _server(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_as(self.account, program, *arguments)

    def _check(self, done: subprocess.CompletedProcess[str], what: str) -> None:
        if done.returncode:
            said = f"{done.stdout or ''}{done.stderr or ''}"
            raise CannotServe(f"PostgreSQL: {what} failed with {done.returncode}.\n{said}{self._last_words()}")

    def _last_words(self) -> str:
        return f"\n{self.log}:\n{self.log.read_text(errors='replace')[-2000:]}" if self.log.exists() else ""


def stop_all() -> list[str]:
    """Stop every cluster of this checkout, whichever version and account it was started with; return their names.

    Call it in one's `places.turn`. The test clusters' data, which nobody misses, goes with them.
    """
    stopped = []
    for home in (places.state(), places.memory(), places.shelter()):
        for data in sorted(home.glob("pg[0-9]*")):
            if (data / "postmaster.pid").exists() and stop(data):
                stopped.append(data.name)
            if data.name.endswith("-test"):
                shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(places.memory(), ignore_errors=True)
    return stopped


def stop(data: Path) -> bool:
    """Stop the server on ``data``, breaking off what its clients are doing; False if it was not running."""
    account = accounts.choose(binaries.postgres())
    return run_as(account, "pg_ctl", "-D", str(data), "-m", "fast", "-w", "-t", "30", "stop").returncode == 0


def run_as(account: accounts.Account, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program that must not be root. Its output goes to a file: a started server would keep a pipe open."""
    command = [*account.prefix, str(account.programs / program), *arguments]
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            check=False,
            env=clean_environment(),
            **account.identity,
        )
        output.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, output.read(), "")


def clean_environment() -> dict[str, str]:
    """The environment without what steers libpq, or names a locale that this machine does not have."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def _anybody_in(directory: Path) -> bool:
    return any(places.working_directory(pid) == str(directory) for pid in places.processes())
