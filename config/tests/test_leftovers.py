"""What is left in memory of checkouts that are gone."""

import subprocess
from contextlib import contextmanager

import pytest

from config.embedded import leftovers, places
from config.embedded.postgres import Cluster
from config.tests.test_embedded import _checkout


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """Memory of our own: ``memory(name, checkout)`` makes a cluster there, noted as that checkout's."""
    monkeypatch.setattr(places, "MEMORY", tmp_path / "memory")

    def made(name, checkout=None):
        home = tmp_path / "memory" / f"{leftovers._ours()}-{name}"
        (home / "pg18-test").mkdir(parents=True)
        if checkout:
            (home / leftovers.NOTE).write_text(str(checkout))
        return home

    return made


@contextmanager
def a_server_in(directory):
    with subprocess.Popen(["sleep", "60"], cwd=directory) as process:
        yield
        process.kill()


def test_only_what_belongs_to_a_checkout_that_is_gone_is_removed(memory, tmp_path):
    gone, there, old = memory("gone", tmp_path / "gone"), memory("there", tmp_path), memory("old")

    assert leftovers.clear() == [gone.name]

    assert not gone.exists()
    assert there.exists()
    assert old.exists(), "whose it is was never noted"


def test_a_server_that_still_runs_keeps_its_data(memory, tmp_path):
    gone = memory("gone", tmp_path / "gone")

    with a_server_in(gone / "pg18-test"):
        assert leftovers.clear() == []

    assert leftovers.clear() == [gone.name]


def test_nothing_is_removed_while_somebody_starts(memory, tmp_path):
    """The one who starts may be a checkout that was made anew where the other one had been."""
    gone = memory("gone", tmp_path / "gone")

    with leftovers.spared():
        assert leftovers.clear() == []

    assert leftovers.clear() == [gone.name]


def test_what_somebody_else_put_there_is_left_alone(memory, tmp_path, monkeypatch):
    gone = memory("gone", tmp_path / "gone")
    monkeypatch.setattr(leftovers.os, "geteuid", lambda: 54321)

    assert not leftovers._is_left(gone)


def test_whoever_starts_a_test_cluster_notes_whose_it_is_and_clears(tmp_path):
    left = places.MEMORY / f"{leftovers._ours()}-a-test-of-leftovers"
    (left / "pg18-test").mkdir(parents=True)
    (left / leftovers.NOTE).write_text(str(tmp_path / "gone"))

    with _checkout(tmp_path), places.turn():
        cluster = Cluster(test=True)
        cluster.start()
        if cluster.data.parent != places.memory():
            pytest.skip("there is no room in memory here")
        assert (places.memory() / leftovers.NOTE).read_text() == str(tmp_path)

    assert not left.exists()
