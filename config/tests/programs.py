"""Programs and a place for them, for tests of the supervisor."""

import io
import os
import socket
import time

import pytest

from config.supervisor.output import Terminal
from config.supervisor.programs import Program

OURS = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "CACHE_URL", "CHANNELS_URL", "CLEARLINE_TESTS")
SLEEP = ["-c", "import time; time.sleep(60)"]


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("EMBEDDED_STATE_DIR", str(tmp_path))


@pytest.fixture
def terminal():
    return Terminal(io.StringIO())


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(come_true) -> bool:
    give_up = time.monotonic() + 10
    while not come_true() and time.monotonic() < give_up:
        time.sleep(0.02)
    return bool(come_true())


def dying(terminal) -> Program:
    return Program("worker", ["-c", "print('out of ink'); raise SystemExit(3)"], dict(os.environ), terminal)


def let_it_die(program: Program, at: float) -> None:
    program.look_after(at)
    program.process.wait(timeout=10)
