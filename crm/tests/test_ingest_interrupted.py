"""The command as a process of its own: killed, left alone by its reader, cut off from PostgreSQL, and started again."""

import io
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from config.embedded import places, postgres
from config.embedded.postgres import DATABASE, Cluster
from crm.management.progress import Progress
from crm.models import Contact, IntakeRun, ProjectContact
from crm.services.bulk import ahead
from crm.tests import ingesting
from crm.tests.dumps import dump
from crm.tests.ingesting import rows, write

pytestmark = pytest.mark.django_db(transaction=True)
quick_reader = ingesting.quick_reader

ROWS = 1_800
PATIENCE = 120  # seconds; other work may share the machine


def process(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-W", "ignore", "manage.py", "ingest", "--json", *map(str, arguments)]
    return subprocess.Popen(
        command,
        cwd=places.CHECKOUT,
        env={**os.environ, "DATABASE_URL": _address()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ingest(*arguments: object) -> tuple[dict[str, Any], str]:
    """The same in our own process, for what nobody interrupts from outside: the account, and what was told."""
    done, told = io.StringIO(), io.StringIO()
    call_command("ingest", "--json", *map(str, arguments), stdout=done, stderr=told)
    return json.loads(done.getvalue()), told.getvalue()


@contextmanager
def after_rows(monkeypatch: pytest.MonkeyPatch, strikes: dict[int, Callable[[], Any]]) -> Iterator[None]:
    """Let each strike fall once, when so many rows are in the database."""
    left = sorted(strikes)

    def show(self: Progress, *, rows: int, done: int) -> None:
        if left and rows >= left[0]:
            strikes[left.pop(0)]()

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "show", show)
        yield
    assert not left


def _address() -> str:
    """The test database, as another process reaches it."""
    there = connection.settings_dict
    return os.environ["DATABASE_URL"].replace(f"/{DATABASE}?", f"/{there['NAME']}?")


def until(condition: Callable[[], Any], running: "subprocess.Popen[str]") -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert running.poll() is None, f"it ended too early: {running.communicate()}"
        assert time.monotonic() < give_up, "it never came so far"
        time.sleep(0.1)


def rows_done() -> int:
    return IntakeRun.objects.values_list("rows_done", flat=True).first() or 0


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_killed_in_the_middle_it_goes_on_to_the_same_end(quick_reader, tmp_path):
    file = write(tmp_path / "many.csv", rows(ROWS))
    straight = write(tmp_path / "straight.csv", rows(ROWS))
    account, _ = ingest(straight, "--chunk", "300")
    expected = dump()
    _empty()

    for stop in (150, 750):
        running = process(file, "--chunk", "150")
        until(lambda at=stop: rows_done() >= at, running)
        child = children(running.pid)
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=PATIENCE)
        assert rows_done() < ROWS
        until_gone(child)
    resumed, told = ingest(file, "--chunk", "150")

    assert "going on behind row" in told
    assert {name: resumed[name] for name in ("rows", "created", "updated", "unchanged", "refused", "warnings")} == {
        name: account[name] for name in ("rows", "created", "updated", "unchanged", "refused", "warnings")
    }
    assert resumed["entities"] == account["entities"]
    assert dump() == expected
    for side in ("refused", "warnings"):
        whole = (tmp_path / f"straight.csv.{side}.csv").read_bytes()
        assert (tmp_path / f"many.csv.{side}.csv").read_bytes() == whole
        assert whole


def until_gone(pids: list[int]) -> None:
    """Whoever read the file for a process that was killed ends by itself."""
    give_up = time.monotonic() + PATIENCE
    while any(Path(f"/proc/{pid}/cmdline").exists() and _alive(pid) for pid in pids):
        assert time.monotonic() < give_up, "the reader stayed behind"
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _empty() -> None:
    for model in ("ReviewItem", "OtherName", "ProjectContact", "ContactPoint", "SourceRecord", "Endpoint", "Contact"):
        Contact._meta.apps.get_model("crm", model).objects.all().delete()
    for model in ("Company", "Project", "IntakePerson", "IntakeRun"):
        Contact._meta.apps.get_model("crm", model).objects.all().delete()


def test_a_reader_that_dies_is_a_clear_error_and_the_run_goes_on_later(quick_reader, monkeypatch, tmp_path):
    file = write(tmp_path / "many.csv", rows(ROWS))
    monkeypatch.setattr(ahead, "AHEAD", 1)  # so that it cannot have read everything

    def kill() -> None:
        [reader] = multiprocessing.active_children()
        reader.kill()

    with (
        after_rows(monkeypatch, {100: kill}),
        pytest.raises(CommandError, match=r"The process that reads many.csv ended early \(exit code -9\)"),
    ):
        ingest(file, "--chunk", "100")

    assert IntakeRun.objects.get().state == "failed"
    assert 100 <= rows_done() < ROWS
    assert ingest(file)[0]["rows"] == ROWS


def test_leaving_a_file_early_leaves_the_reader_ready_for_the_next(quick_reader, tmp_path):
    long, short = write(tmp_path / "long.csv", rows(ROWS)), write(tmp_path / "short.csv", rows(5))

    with ahead.Reader() as reader:
        with reader.open(str(long), name="long.csv") as first:
            assert next(first.rows()).row == 1
        with reader.open(str(short), name="short.csv") as untouched:
            assert untouched.opened.feed == "clearline"
        with reader.open(str(short), name="short.csv") as last:
            assert [row.row for row in last.rows(after=2)] == [3, 4, 5]


@pytest.fixture
def own_server(tmp_path: Path, quick_reader: None) -> Iterator[Cluster]:
    """A PostgreSQL that nobody else uses, migrated; it is ours until the test ends.

    The database is a copy of the test database, which is there and as the migrations left it.
    """
    programs = Cluster().found.directory
    dumped = [programs / "pg_dump", "--exclude-schema=seed", "--file", tmp_path / "migrated.sql", _address()]
    subprocess.run(dumped, check=True, capture_output=True)
    ours = connection.settings_dict.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDDED_STATE_DIR", str(tmp_path / "state"))
        patch.delenv("CLEARLINE_TESTS")
        cluster = Cluster()
        try:
            cluster.start()
            load = ["-XqvON_ERROR_STOP=1", "--single-transaction", "--file", tmp_path / "migrated.sql", cluster.url()]
            subprocess.run([programs / "psql", *load], check=True, capture_output=True)
            connection.close()
            connection.settings_dict.update(HOST=str(cluster.socket), NAME=DATABASE)
            yield cluster
        finally:
            connection.close()
            connection.settings_dict.update(ours)
            postgres.stop(cluster.data)


@pytest.mark.timeout(600)
def test_a_postgresql_that_is_restarted_in_the_middle_is_waited_for(own_server, monkeypatch, tmp_path):
    file = write(tmp_path / "many.csv", rows(ROWS))
    restarts: list[threading.Thread] = []

    def restart() -> None:
        """While the intake goes on."""
        how = ("pg_ctl", "-D", str(own_server.data), "-m", "immediate", "-w", "restart")
        restarts.append(threading.Thread(target=own_server._server, args=how))
        restarts[-1].start()

    def counts() -> tuple[int, int]:
        return Contact.objects.count(), ProjectContact.objects.count()

    with after_rows(monkeypatch, {200: restart, 800: restart}):
        account, _ = ingest(file, "--chunk", "100")
    for thread in restarts:
        thread.join()

    assert account["rows"] == ROWS
    restarted = counts()
    IntakeRun.objects.all().delete()
    assert ingest(file)[0]["created"] == 0
    assert counts() == restarted


def test_the_second_process_reads_without_models():
    """Setting Django up there would take longer than reading a small file."""
    reading = (
        "import sys; from crm.services.bulk import ahead, preparing; from crm.services.feeds import choosing, reading; "
        "sys.exit('crm.models' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", reading], cwd=places.CHECKOUT, check=False).returncode == 0
