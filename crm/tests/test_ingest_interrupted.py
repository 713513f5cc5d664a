"""The command as a process of its own: killed, left alone by its reader, cut off from PostgreSQL, and started again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from config import embedded
from config.embedded import places
from config.embedded.postgres import DATABASE, Cluster
from crm.models import Contact, IntakeRun
from crm.services.bulk import ahead
from crm.tests.dumps import dump
from crm.tests.ingesting import rows, write

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 2_400
PATIENCE = 120  # seconds; other work may share the machine


def process(*arguments: object, **environment: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-W", "ignore", "manage.py", "ingest", "--json", *map(str, arguments)]
    database = {"DATABASE_URL": _address()} if "EMBEDDED_STATE_DIR" not in environment else {}
    return subprocess.Popen(
        command,
        cwd=places.CHECKOUT,
        env={**os.environ, **database, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _address() -> str:
    """The test database, as another process reaches it."""
    there = connection.settings_dict
    return os.environ["DATABASE_URL"].replace(f"/{DATABASE}?", f"/{there['NAME']}?")


def until(condition: Callable[[], Any], running: "subprocess.Popen[str]") -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert running.poll() is None, f"it ended too early: {running.communicate()}"
        assert time.monotonic() < give_up, "it never came so far"
        time.sleep(0.02)


def rows_done() -> int:
    return IntakeRun.objects.values_list("rows_done", flat=True).first() or 0


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_killed_in_the_middle_it_goes_on_to_the_same_end(tmp_path):
    file = write(tmp_path / "many.csv", rows(ROWS))
    straight = write(tmp_path / "straight.csv", rows(ROWS))
    done, _ = process(straight, "--chunk", "300").communicate(timeout=PATIENCE)
    expected, account = dump(), json.loads(done)
    _empty()

    for stop in (300, 1_200):
        running = process(file, "--chunk", "300")
        until(lambda at=stop: rows_done() >= at, running)
        child = children(running.pid)
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=PATIENCE)
        assert rows_done() < ROWS
        until_gone(child)
    done, told = process(file, "--chunk", "300").communicate(timeout=PATIENCE)

    assert "going on behind row" in told
    resumed = json.loads(done)
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
    for model in ("Company", "Project", "IntakeRun"):
        Contact._meta.apps.get_model("crm", model).objects.all().delete()


def test_a_reader_that_dies_is_a_clear_error_and_the_run_goes_on_later(tmp_path):
    file = write(tmp_path / "many.csv", rows(ROWS))
    running = process(file, "--chunk", "100")
    until(lambda: rows_done() >= 100, running)
    for child in children(running.pid):
        os.kill(child, signal.SIGSTOP)  # so that it cannot have finished
    for child in children(running.pid):
        os.kill(child, signal.SIGKILL)

    _, told = running.communicate(timeout=PATIENCE)

    if running.returncode == 0:
        pytest.skip("the reader had read everything before it could be killed")
    assert running.returncode == 1
    assert "The process that reads many.csv ended early (exit code -9)" in told
    assert IntakeRun.objects.get().state == "failed"
    done, _ = process(file).communicate(timeout=PATIENCE)
    assert json.loads(done)["rows"] == ROWS


def test_leaving_a_file_early_leaves_the_reader_ready_for_the_next(tmp_path):
    long, short = write(tmp_path / "long.csv", rows(ROWS)), write(tmp_path / "short.csv", rows(5))

    with ahead.Reader() as reader:
        with reader.open(str(long), name="long.csv") as first:
            assert next(first.rows()).row == 1
        with reader.open(str(short), name="short.csv") as untouched:
            assert untouched.opened.feed == "clearline"
        with reader.open(str(short), name="short.csv") as last:
            assert [row.row for row in last.rows(after=2)] == [3, 4, 5]


@pytest.fixture
def own_servers(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Servers that nobody else uses, migrated, and the environment in which they are found.

    The database is a copy of the test database, which is there and as the migrations left it.
    """
    programs = Cluster().found.directory
    dumped = [programs / "pg_dump", "--exclude-schema=seed", "--file", tmp_path / "migrated.sql", _address()]
    subprocess.run(dumped, check=True, capture_output=True)
    names = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "CACHE_URL", "CHANNELS_URL", "CLEARLINE_TESTS")
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.delenv(name, raising=False)
        patch.setenv("EMBEDDED_STATE_DIR", str(tmp_path / "state"))
        try:
            embedded.ensure()
            load = ["-XqvON_ERROR_STOP=1", "--single-transaction", "--file", tmp_path / "migrated.sql", Cluster().url()]
            subprocess.run([programs / "psql", *load], check=True, capture_output=True)
            yield {"EMBEDDED_STATE_DIR": str(tmp_path / "state")}
        finally:
            embedded.stop()


@pytest.mark.timeout(600)
def test_a_postgresql_that_is_restarted_in_the_middle_is_waited_for(own_servers, tmp_path):
    file, cluster = write(tmp_path / "many.csv", rows(ROWS)), Cluster()
    counts = "SELECT (SELECT count(*) FROM crm_contact), (SELECT count(*) FROM crm_projectcontact)"

    running = process(file, "--chunk", "200", **own_servers)
    for at in (400, 1_200):
        until(lambda: int(cluster.ask("SELECT rows_done FROM crm_intakerun", DATABASE).stdout or 0) >= at, running)  # noqa: B023
        cluster._server("pg_ctl", "-D", str(cluster.data), "-m", "immediate", "-w", "restart")
    done, told = running.communicate(timeout=PATIENCE)

    assert running.returncode == 0, told
    assert json.loads(done)["rows"] == ROWS
    restarted = cluster.ask(counts, DATABASE).stdout
    cluster.ask("DELETE FROM crm_intakerun", DATABASE)
    again = json.loads(process(file, **own_servers).communicate(timeout=PATIENCE)[0])
    assert cluster.ask(counts, DATABASE).stdout == restarted
    assert again["created"] == 0


def test_the_second_process_reads_without_models():
    """Setting Django up there would take longer than reading a small file."""
    reading = (
        "import sys; from crm.services.bulk import ahead, preparing; from crm.services.feeds import choosing, reading; "
        "sys.exit('crm.models' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", reading], cwd=places.CHECKOUT, check=False).returncode == 0
