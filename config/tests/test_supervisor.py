import io
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from django.core.cache import cache

from calls.tasks import HEARTBEAT, beat_heart
from config.embedded import places, valkey
from config.supervisor import prepare, processes, record
from config.supervisor.output import Terminal
from config.supervisor.processes import Identity
from config.supervisor.programs import KeepsDying, Program, commands, needs_carrier, start_on_leash
from config.supervisor.reset import Refused, reset
from config.supervisor.servers import Servers
from config.supervisor.up import PATIENCE, CannotStart, up
from crm.tests.factories import CompanyFactory

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


def test_a_program_that_dies_is_started_again_after_a_longer_and_longer_pause(terminal):
    program = dying(terminal)
    let_it_die(program, 0)

    assert program.look_after(10) is False
    assert program.look_after(10.4) is False
    assert program.look_after(10.5) is True
    program.process.wait(timeout=10)
    assert program.look_after(11) is False
    assert program.again_at == 12
    assert "worker died (exit code 3); starting it again in 0.5 s" in terminal.stream.getvalue()


def test_five_deaths_within_a_minute_are_enough(terminal):
    program = dying(terminal)
    for moment in (0, 10, 20, 30):
        let_it_die(program, moment)
        program.look_after(moment + 0.1)
    let_it_die(program, 40)

    with pytest.raises(KeepsDying, match=r"worker died 5 times .*\(exit code 3\)[\s\S]*out of ink"):
        program.look_after(40.1)


def test_five_deaths_in_an_hour_are_not(terminal):
    program = dying(terminal)
    for moment in range(0, 3600, 600):
        let_it_die(program, moment)
        program.look_after(moment + 0.1)

    assert len(program.deaths) == 5


def test_every_line_says_whose_it_is_and_is_plain_where_nobody_looks_on(terminal):
    process, pump = start_on_leash("web", ["-c", "print('a\\nb')"], dict(os.environ), terminal)
    process.wait(timeout=10)
    pump.join()

    assert terminal.stream.getvalue() == "web       | a\nweb       | b\n"


def test_a_terminal_that_went_away_stops_nothing():
    stream = io.StringIO()
    terminal = Terminal(stream)
    stream.close()

    terminal.say("nobody hears this")


@pytest.mark.skipif(sys.platform != "linux", reason="the leash is Linux's")
def test_a_killed_supervisor_takes_its_programs_along():
    script = (
        "import os, time; from config.supervisor.programs import start_on_leash; "
        "from config.supervisor.output import Terminal; "
        "awake = 'import time; print(\"awake\", flush=True); time.sleep(60)'; "
        "process, _ = start_on_leash('web', ['-c', awake], dict(os.environ), Terminal()); "
        "print(process.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=places.CHECKOUT, stdout=subprocess.PIPE, text=True) as supervisor:
        said = [supervisor.stdout.readline(), supervisor.stdout.readline()]
        assert "web       | awake\n" in said
        program = Identity.of(int(next(line for line in said if line.strip().isdigit())))
        assert program.lives()
        supervisor.kill()

    assert until(lambda: not program.lives())


@pytest.mark.parametrize("module", ["config.supervisor.up", "crm.services.bulk.ahead"])
def test_what_starts_first_waits_for_nothing_that_it_does_not_need(module):
    script = f"import sys, {module}; print('celery.app' in sys.modules, 'django.db.models' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=places.CHECKOUT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "False False\n"


def test_every_process_that_knows_django_rings_at_our_app():
    script = "import django; django.setup(); from crm import tasks; print(tasks.look_after_partitions.app.main)"
    settings = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=places.CHECKOUT, env=settings, capture_output=True, text=True, check=True
    )

    assert done.stdout == "clearline\n"


def test_what_a_killed_run_left_behind_is_cleared_by_the_next(terminal):
    process, _ = start_on_leash("web", SLEEP, dict(os.environ), terminal)
    left_behind = Identity.of(process.pid)
    record.write(record.Running("http://127.0.0.1:8000", Identity.of(os.getpid()), [left_behind]))

    record.clear_leftovers()

    assert process.wait(timeout=10) == -signal.SIGTERM
    assert record.read() is None


def test_a_program_that_does_not_listen_is_killed_with_its_children(terminal):
    script = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print('deaf', flush=True); "
        "time.sleep(60)"
    )
    process, _ = start_on_leash("web", ["-c", script], dict(os.environ), terminal)
    assert until(lambda: "deaf" in terminal.stream.getvalue())
    deaf = Identity.of(process.pid)

    killed = processes.end([deaf], patience=0.2)

    assert process.wait(timeout=10) == -signal.SIGKILL
    assert len(killed) == 2
    assert until(lambda: deaf.members() == [])


def test_a_stranger_who_got_the_pid_is_left_alone():
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        assert processes.end([Identity(stranger.pid, "long ago")], patience=0.1) == {}

        assert stranger.poll() is None
        stranger.kill()


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
def only_valkey(monkeypatch) -> None:
    """Somebody else's database, and a Valkey of ours that never comes up."""
    for name in OURS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgres://clearline@db.example.com/clearline")
    monkeypatch.setenv("REDIS_BIN", "/bin/false")
    monkeypatch.setattr(valkey, "PATIENCE", 0.1)


def test_a_server_that_cannot_be_started_again_is_tried_twice_and_then_said(terminal, only_valkey):
    servers = Servers(terminal)

    servers.look_after(0)
    servers.look_after(0.5)  # too early to look again
    with pytest.raises(KeepsDying, match=r"Valkey died and cannot be started again\. Valkey does not answer"):
        servers.look_after(20)

    assert terminal.stream.getvalue().count("Valkey died; starting again") == 2
    assert "Valkey did not start; trying once more" in terminal.stream.getvalue()


def test_two_failures_in_an_hour_are_not_the_end(terminal, only_valkey):
    servers = Servers(terminal)

    for moment in (0, 600, 1200):
        servers.look_after(moment)

    assert terminal.stream.getvalue().count("trying once more") == 3


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


def test_somebody_who_waits_for_a_line_hears_of_it_while_the_program_goes_on(terminal):
    script = "import time; print('almost there'); print('there', flush=True); time.sleep(60)"
    process, pump = start_on_leash("setup", ["-c", script], dict(os.environ), terminal, awaited="there")

    assert pump.heard.wait(timeout=10)
    assert process.poll() is None
    process.kill()
    process.wait(timeout=10)
    pump.join()


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


def test_nobody_is_killed_for_taking_the_time_that_they_were_given():
    """Behind their own patience with what they do, as long again to fold up on a busy machine."""
    given = re.findall(r"--(?:graceful-timeout|timeout-graceful-shutdown)', '(\d+)", str(commands(8000)))

    assert len(given) == 2
    assert 2 * max(map(int, given)) <= PATIENCE <= record.STOP_PATIENCE / 2
