import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

from config import embedded
from config.embedded import places
from config.embedded.postgres import Cluster
from config.embedded.valkey import Valkey
from config.supervisor import record

READY = re.compile(r"ready after [\d.]+ s: (http://\S+)/admin/")
OURS = (
    "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "CACHE_URL", "CHANNELS_URL", "REDIS_PREFIX",
    "SIMULATED_CARRIER_URL",
)  # fmt: skip


@pytest.fixture
def environment(tmp_path, monkeypatch) -> Iterator[dict[str, str]]:
    """What a person has who types ./dev up in a fresh checkout."""
    monkeypatch.setenv("EMBEDDED_STATE_DIR", str(tmp_path))
    for name in (*OURS, "CLEARLINE_TESTS", "DEBUG", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    yield dict(os.environ)
    record.stop_running()
    embedded.stop_all()


@pytest.fixture
def port() -> int:
    """A free port whose two successors are free too."""
    while True:
        with socket.socket() as pages, socket.socket() as live, socket.socket() as carrier:
            pages.bind(("127.0.0.1", 0))
            chosen = pages.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                live.bind(("127.0.0.1", chosen + 1))
                carrier.bind(("127.0.0.1", chosen + 2))
                return chosen


def come_up(environment: dict[str, str], port: int) -> tuple[subprocess.Popen[str], list[str]]:
    command = [sys.executable, "-m", "config.supervisor", "up", "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=places.CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said = []
    for line in process.stdout:
        said.append(line)
        if READY.search(line):
            return process, said
    process.communicate(timeout=30)
    pytest.fail(f"Clearline did not come up:\n{''.join(said)}")


def readiness(port: int) -> dict[str, str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
        return json.load(answer)["checks"]


def kill_servers() -> None:
    pids = [Cluster().data / "postmaster.pid", Valkey().directory / "pid"]
    for pid in [int(path.read_text().split()[0]) for path in pids]:
        os.kill(pid, signal.SIGKILL)


def lines_until_they_run(process: subprocess.Popen[str], missing: set[str]) -> list[str]:
    """Read until each of the servers runs again; they may be told of together or one by one."""
    said = []
    for line in process.stdout:
        said.append(line)
        if "started again" in line:
            missing = {name for name in missing if name not in line}
        if not missing:
            return said
    pytest.fail(f"{missing} did not come back:\n{''.join(said)}")


def until_ok(port: int) -> bool:
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer,
        ):
            if answer.status == 200:
                return True
        time.sleep(0.2)
    return False


def go_down(process: subprocess.Popen[str], how: signal.Signals) -> str:
    process.send_signal(how)
    said, _ = process.communicate(timeout=30)
    return said


def test_clearline_comes_up_survives_a_kill_and_goes_down(environment, port):
    first, said = come_up(environment, port)
    assert set(readiness(port).values()) == {"ok"}  # beat and worker as well
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
        assert answer.status == 200
    assert Cluster().ask("create table kept as select 42 as answer", "clearline").returncode == 0
    kill_servers()
    said += lines_until_they_run(first, {"PostgreSQL", "Valkey"})
    assert "died; starting again" in "".join(said)
    assert until_ok(port)
    assert Cluster().ask("select answer from kept", "clearline").stdout == "42\n"

    orphans = record.read().programs
    assert len(orphans) == 5
    with urllib.request.urlopen(f"http://127.0.0.1:{port + 2}/health", timeout=10) as answer:
        assert json.load(answer)["simulated"] is True
    go_down(first, signal.SIGKILL)

    second, said_again = come_up(environment, port)

    assert set(readiness(port).values()) == {"ok"}
    assert not any(orphan.members() for orphan in orphans)
    assert Cluster().ask("select answer from kept", "clearline").stdout == "42\n"
    # The sample and its users are for an empty database only.
    assert "password" in "".join(said).lower()
    assert "password" not in "".join(said_again).lower()

    programs, began = record.read().programs, time.monotonic()
    go_down(second, signal.SIGTERM)

    assert second.returncode == 0
    assert time.monotonic() - began < 15
    assert not any(program.members() for program in programs)
    assert not places.sockets().exists()
    assert record.read() is None
