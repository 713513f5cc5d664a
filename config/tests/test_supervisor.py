"""Programs under one supervisor: started again when they die, stopped with what they began, heard line by line."""

import io
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from config.embedded import places, valkey
from config.supervisor import processes, record
from config.supervisor.output import Terminal
from config.supervisor.processes import Identity
from config.supervisor.programs import KeepsDying, commands, start_on_leash
from config.supervisor.servers import Servers
from config.supervisor.up import PATIENCE
from config.tests import programs
from config.tests.programs import OURS, SLEEP, dying, let_it_die, until

_own_state, terminal = programs._own_state, programs.terminal


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


def test_somebody_who_waits_for_a_line_hears_of_it_while_the_program_goes_on(terminal):
    script = "import time; print('almost there'); print('there', flush=True); time.sleep(60)"
    process, pump = start_on_leash("setup", ["-c", script], dict(os.environ), terminal, awaited=("there", "here"))

    give_up = time.monotonic() + 10
    while not pump.heard and time.monotonic() < give_up:
        time.sleep(0.01)
    assert pump.heard == {"there"}
    assert process.poll() is None
    process.kill()
    process.wait(timeout=10)
    pump.join()


def test_nobody_is_killed_for_taking_the_time_that_they_were_given():
    """Behind their own patience with what they do, as long again to fold up on a busy machine."""
    given = re.findall(r"--(?:graceful-timeout|timeout-graceful-shutdown)', '(\d+)", str(commands(8000)))

    assert len(given) == 2
    assert 2 * max(map(int, given)) <= PATIENCE <= record.STOP_PATIENCE / 2
