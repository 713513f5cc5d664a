import os
import pwd
import runpy
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from config import embedded
from config.embedded import accounts, binaries, dotenv, places
from config.embedded.postgres import Cluster
from config.embedded.valkey import Valkey

SERVERS = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "CACHE_URL", "CHANNELS_URL", "CLEARLINE_TESTS")


@pytest.fixture
def checkout(tmp_path):
    """A checkout in which nothing has been started yet; whatever is started in it is stopped."""
    with _checkout(tmp_path):
        yield tmp_path


@pytest.fixture(scope="module")
def running_checkout(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkout")
    with _checkout(path):
        embedded.ensure()
        yield path


@pytest.fixture
def servers(running_checkout):
    """A checkout whose servers run; tests may do with them what they want."""
    with _environment(running_checkout):
        embedded.ensure()
        yield running_checkout


@contextmanager
def _environment(path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "CHECKOUT", path)
        patch.setenv("EMBEDDED_STATE_DIR", str(path / "state"))
        for name in SERVERS:
            patch.delenv(name, raising=False)
        yield


@contextmanager
def _checkout(path):
    with _environment(path):
        yield
    with _environment(path):
        embedded.stop_all()
        for leftover in (places.sockets(), places.memory(), places.shelter()):
            shutil.rmtree(leftover, ignore_errors=True)


def ask(statement: str) -> str:
    done = Cluster().ask(statement, "clearline")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def postmaster() -> int:
    return int((Cluster().data / "postmaster.pid").read_text().split()[0])


def at_work_in(directory: Path) -> list[str]:
    return [str(entry) for entry in Path("/proc").glob("[0-9]*/cwd") if _target(entry).startswith(str(directory))]


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def test_saying_where_the_servers_would_be_makes_nothing(checkout):
    embedded.set_default_env()

    assert os.environ["DATABASE_URL"] == Cluster().url()
    assert os.environ["CACHE_URL"] == Valkey().url("cache")
    assert embedded.is_embedded()
    assert list(checkout.iterdir()) == []
    assert not places.sockets().exists()


def test_whoever_brings_servers_gets_none_of_ours(checkout):
    os.environ["DATABASE_URL"] = "postgres://clearline@db.example.com/clearline"  # the checkout puts it back
    os.environ["REDIS_URL"] = "redis://cache.example.com:6379/0"

    assert embedded.ensure() is False
    assert not embedded.is_embedded()
    assert os.environ["CELERY_BROKER_URL"] == "redis://cache.example.com:6379/0"
    assert list(checkout.iterdir()) == []


def test_what_was_written_survives_kill_nine(servers):
    ask("create table kept as select 42 as answer")
    Valkey().ask("SET kept 42")
    for pid in (postmaster(), int((Valkey().directory / "pid").read_text())):
        os.kill(pid, signal.SIGKILL)

    assert embedded.ensure() is True

    assert ask("select answer from kept") == "42"
    assert Valkey().ask("EXISTS kept") == ":1"


def test_a_leftover_lock_naming_a_stranger_does_not_keep_the_server_off(servers):
    lock = Cluster().data / "postmaster.pid"
    embedded.stop()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        lock.write_text(f"{stranger.pid}\n{Cluster().data}\n0\n5432\n\n\n\n")

        assert embedded.ensure() is True
        assert stranger.poll() is None
        stranger.kill()


def test_a_server_whose_data_was_deleted_makes_room_for_a_new_one(servers):
    homeless = postmaster()
    shutil.rmtree(Cluster().data)

    assert embedded.ensure() is True

    assert postmaster() != homeless
    assert ask("select 1") == "1"


def test_stopping_leaves_the_data_and_nothing_else(servers):
    assert embedded.stop() == ["valkey", Cluster().name]

    assert at_work_in(servers) == []
    assert not places.sockets().exists()
    assert (Cluster().data / "PG_VERSION").exists()
    assert embedded.stop() == []


def test_stopping_what_up_started_leaves_the_servers_of_tests_that_run_in_another_terminal(servers):
    for_tests = [Cluster(test=True), Valkey(test=True)]
    with places.turn():
        assert all(server.start() for server in for_tests)

    assert embedded.stop() == ["valkey", Cluster().name]

    assert all(server.ready() for server in for_tests)
    assert embedded.stop_all() == ["valkey-test", Cluster(test=True).name]
    assert not places.sockets().exists()
    assert not for_tests[0].data.exists()


def test_servers_that_somebody_gave_are_not_ours_to_stop(servers):
    os.environ["DATABASE_URL"] = "postgres://clearline@db.example.com/clearline"
    os.environ["REDIS_URL"] = "redis://cache.example.com:6379/0"

    assert embedded.stop() == []
    assert Cluster().ready()


def test_processes_that_start_at_once_share_one_server(checkout):
    script = "from config import embedded; print(embedded.ensure())"
    command = [sys.executable, "-c", script]
    environment = {name: value for name, value in os.environ.items() if name not in SERVERS}
    root = Path(embedded.__file__).parents[2]

    starting = [
        subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]

    assert {process.communicate(timeout=60)[0].strip() for process in starting} <= {"True", "False"}
    assert [process.returncode for process in starting] == [0] * 3
    assert Cluster().ready()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_without_namespaces_is_served_by_another_account(checkout, monkeypatch):
    monkeypatch.setenv("EMBEDDED_NO_USERNS", "1")

    embedded.ensure()

    assert Cluster().data.parent == places.shelter()
    assert Path(f"/proc/{postmaster()}").stat().st_uid != 0
    assert ask("select 1") == "1"


@pytest.fixture
def nameless(monkeypatch):
    """A uid without an account, as containers often have."""

    def unknown(uid):
        raise KeyError(uid)

    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


def test_a_uid_without_an_account_runs_postgresql_in_a_namespace(nameless, monkeypatch):
    monkeypatch.setattr(accounts, "_namespace_works", lambda found: True)

    assert accounts.choose(binaries.postgres()).prefix == accounts.IN_OWN_NAMESPACE


def test_a_uid_without_an_account_hears_what_to_do_where_there_are_no_namespaces(nameless, monkeypatch):
    monkeypatch.setattr(accounts, "_namespace_works", lambda found: False)

    with pytest.raises(embedded.CannotServe, match=r"uid 54321, which has no account.*DATABASE_URL"):
        accounts.choose(binaries.postgres())


def test_the_environment_is_made_without_a_home_too(nameless, monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    dev = runpy.run_path(str(Path(embedded.__file__).parents[2] / "dev"))

    caches = dev["uv_settings"]()

    assert caches["UV_CACHE_DIR"] == str(dev["LOCAL"] / "cache" / "uv")
    assert caches["PIP_CACHE_DIR"] == str(dev["LOCAL"] / "cache" / "pip")


def test_bytecode_that_is_unwanted_beside_the_modules_is_kept_all_the_same(monkeypatch):
    dev = runpy.run_path(str(Path(embedded.__file__).parents[2] / "dev"))
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    assert "PYTHONPYCACHEPREFIX" not in dev["environment"]()

    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    assert dev["environment"]()["PYTHONPYCACHEPREFIX"] == str(dev["LOCAL"] / "bytecode")
    assert "PYTHONDONTWRITEBYTECODE" not in dev["environment"]()


def test_programs_that_the_environment_names_must_be_there(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    monkeypatch.setenv("REDIS_BIN", str(tmp_path / "valkey-server"))
    binaries.postgres.cache_clear()

    with pytest.raises(embedded.CannotServe, match="PG_BIN"):
        binaries.postgres()
    with pytest.raises(embedded.CannotServe, match="REDIS_BIN"):
        binaries.valkey()
    binaries.postgres.cache_clear()


def test_a_directory_that_others_may_write_to_is_refused(tmp_path):
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)

    with pytest.raises(embedded.CannotServe, match="not a private directory"):
        places.private(open_to_all)


def test_the_socket_path_is_short_however_deep_the_checkout_lies(checkout, monkeypatch):
    monkeypatch.setenv("EMBEDDED_STATE_DIR", str(checkout / ("deep/" * 60)))

    assert len(str(Cluster().socket / ".s.PGSQL.5432")) < 100


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("GIVEN", "environment")
    for name in ("PLAIN", "QUOTED", "NOTED", "EXPORTED"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    file = tmp_path / ".env"
    file.write_text(
        "# a comment\nGIVEN=file\nPLAIN=a b\nQUOTED='x # y'\nNOTED=value # why\nexport EXPORTED=\"yes\"\nno line\n"
    )

    dotenv.load(file)

    assert [os.environ.get(name) for name in ("GIVEN", "PLAIN", "QUOTED", "NOTED", "EXPORTED")] == [
        "environment",
        "a b",
        "x # y",
        "value",
        "yes",
    ]


def test_a_second_start_is_quick(servers):
    began = time.process_time()

    assert embedded.ensure() is False

    assert time.process_time() - began < 0.5
