"""What `up`, `stop` and `reset` do around the programs: what they load, what they refuse, and what they say."""

import os
import socket
import subprocess
import sys

import pytest
from django.core.cache import cache

from calls.tasks import HEARTBEAT, beat_heart
from config.embedded import places
from config.supervisor import prepare, record
from config.supervisor.processes import Identity
from config.supervisor.programs import needs_carrier
from config.supervisor.reset import Refused, reset
from config.supervisor.up import CannotStart, up
from config.tests import programs
from config.tests.programs import OURS
from crm.tests.factories import CompanyFactory

_own_state, free_port = programs._own_state, programs.free_port


def test_a_taken_port_is_named_with_the_way_out(free_port):
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", free_port))
        somebody.listen()

        with pytest.raises(CannotStart, match=rf"port {free_port} .*--port {free_port + 10}"):
            up(free_port)


def test_the_second_up_says_where_the_first_one_is(free_port):
    with record.only_one():
        record.write(record.Running("http://127.0.0.1:8765", Identity.of(os.getpid())))

        with pytest.raises(record.AlreadyRuns, match=r"http://127\.0\.0\.1:8765"):
            up(free_port)


def test_the_second_up_says_what_is_broken_of_the_first(free_port, monkeypatch):
    with record.only_one():
        record.write(record.Running(f"http://127.0.0.1:{free_port}", Identity.of(os.getpid())))

        with pytest.raises(record.AlreadyRuns, match=r"but its pages do not answer"):
            up(free_port)
        for name in OURS:
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(record.AlreadyRuns, match=r"but PostgreSQL and Valkey died\. .*\./dev stop"):
            up(free_port)


@pytest.fixture
def loaded(monkeypatch) -> list[str]:
    """The management commands that the setup would have run."""
    ran: list[str] = []
    monkeypatch.setattr(prepare, "_run", lambda command, *arguments: bool(ran.append(command)))
    return ran


@pytest.mark.django_db
def test_a_sample_that_was_interrupted_is_finished_in_its_own_database_and_in_no_other(loaded, monkeypatch, settings):
    prepare._load_sample()
    assert loaded == ["ingest"]  # into an empty database, and it did not end well
    CompanyFactory()
    prepare._load_sample()
    assert loaded == ["ingest"] * 2

    for part, other in (("HOST", "db.example.com"), ("NAME", "real"), ("PORT", "6432")):
        with monkeypatch.context() as patch:
            patch.setitem(settings.DATABASES["default"], part, other)
            prepare._load_sample()
    assert loaded == ["ingest"] * 2

    prepare.forget()
    prepare._load_sample()
    assert loaded == ["ingest"] * 2


@pytest.mark.django_db
def test_the_setup_ends_when_it_hears_a_worker_of_this_run(monkeypatch):
    cache.set(HEARTBEAT, "of an earlier run")
    prepare._forget_heartbeat()
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            beat_heart()

    monkeypatch.setattr(prepare.time, "sleep", nap)
    prepare.wait_for_worker()

    assert len(naps) == 3


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        ({}, True),
        ({"SMS_BACKEND": "integrations.real.Sms"}, True),  # e-mail and voicemail are simulated still
        ({"SIMULATED_CARRIER_URL": "http://127.0.0.1:9000"}, False),
        ({f"{name}_BACKEND": "integrations.real.All" for name in ("SMS", "EMAIL", "VOICEMAIL")}, False),
        ({f"{name}_BACKEND": "integrations.simulated.messages.All" for name in ("SMS", "EMAIL", "VOICEMAIL")}, True),
    ],
)
def test_a_carrier_is_simulated_where_no_real_one_is_named(monkeypatch, given, needed):
    for name in ("SMS_BACKEND", "EMAIL_BACKEND", "VOICEMAIL_BACKEND", "SIMULATED_CARRIER_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    assert needs_carrier() is needed


def test_reset_refuses_a_database_that_somebody_gave(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://clearline@db.example.com/clearline")

    with pytest.raises(Refused, match="DATABASE_URL"):
        reset()


def test_reset_refuses_outside_development(monkeypatch, settings):
    monkeypatch.delenv("DATABASE_URL")
    settings.DEBUG = False

    with pytest.raises(Refused, match="DEBUG"):
        reset()


def test_reset_refuses_while_clearline_runs(monkeypatch, settings):
    monkeypatch.delenv("DATABASE_URL")
    settings.DEBUG = True

    with record.only_one(), pytest.raises(record.AlreadyRuns):
        reset()


def test_a_half_written_record_is_no_record():
    (places.state() / "up.json").write_text('{"url": "http')

    assert record.read() is None


def test_stopping_what_does_not_run_is_no_error():
    assert record.stop_running() is False


def test_stop_ends_a_running_up_and_waits_for_it(tmp_path):
    script = (
        "import os, signal, sys, time\nfrom config.supervisor import record\n"
        "from config.supervisor.processes import Identity\n"
        "signal.signal(signal.SIGTERM, lambda *ignored: (time.sleep(0.5), sys.exit()))\n"
        "with record.only_one():\n"
        "    record.write(record.Running('http://127.0.0.1:1', Identity.of(os.getpid())))\n"
        "    print('up', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=places.CHECKOUT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "up\n"

        assert record.stop_running() is True

        with record.only_one():
            pass
