"""A server that is set up wrongly is refused before work begins, and a migration does not make everybody wait."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from kombu import Connection

from config import guards
from config.celery import app
from config.embedded import places
from config.testing import in_own_connection
from crm.tests.factories import ContactFactory

PATIENCE = 60  # seconds; other work may share the machine


@pytest.fixture
def broker(settings):
    return settings.CELERY_BROKER_URL


@pytest.fixture
def policy(broker):
    """Set the policy of the broker for a test."""
    with Connection(broker) as server:
        client = server.default_channel.client
        before = client.config_get("maxmemory-policy")["maxmemory-policy"]
        yield lambda name: client.config_set("maxmemory-policy", name)
        client.config_set("maxmemory-policy", before)


@contextmanager
def worker(name: str) -> Iterator[subprocess.Popen[str]]:
    """A real worker that nothing is rung to."""
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "config", "worker", "--pool", "solo", "-Q", name]
    with subprocess.Popen(
        [*command, "-n", f"{name}@here", "-l", "warning", "--without-gossip", "--without-mingle"],
        cwd=places.CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)


def until_it_answers(process: subprocess.Popen[str], name: str) -> None:
    give_up = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < give_up:
        if app.control.ping(destination=[f"{name}@here"], timeout=0.5):
            return
    pytest.fail("It does not answer.")


def test_no_worker_starts_at_a_broker_that_forgets(policy):
    """Both in one test: there is one server, and who runs beside this one may not find another policy there."""
    policy("noeviction")
    with worker("keeps") as process:
        until_it_answers(process, "keeps")

    policy("allkeys-lru")
    with worker("forgets") as process:
        said, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1, said
    (sentence,) = [line for line in said.splitlines() if "clearline.E016" in line]
    assert "maxmemory-policy is allkeys-lru. Set maxmemory-policy to noeviction" in sentence
    assert "Traceback" not in said


def test_a_broker_that_is_away_is_not_judged():
    guards.refuse_evicting("redis://127.0.0.1:1/0")


@pytest.mark.django_db(transaction=True)
def test_a_migration_gives_up_where_somebody_holds_what_it_wants(threads):
    """B11: it says so after two seconds, and whoever works goes on."""
    person = ContactFactory()

    def alter() -> str:
        guards.limit_waits("default")
        try:
            with connection.cursor() as cursor, pytest.raises(OperationalError, match="lock timeout"):
                cursor.execute("ALTER TABLE crm_contact ADD COLUMN nobody int")
        finally:
            guards.wait_as_before("default")
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            return str(cursor.fetchone()[0])

    with transaction.atomic():
        type(person).objects.select_for_update().get(pk=person.pk)
        (waits,) = threads(in_own_connection(alter))

    assert waits == "0"


@pytest.mark.django_db(transaction=True)
def test_migrate_limits_its_waits_and_nobody_elses(monkeypatch):
    limited = []
    monkeypatch.setattr("config.apps.limit_waits", limited.append)
    monkeypatch.setattr("config.apps.wait_as_before", lambda using: limited.append(f"{using}, over"))
    call_command("migrate", verbosity=0)
    assert limited[0] == "default"
    assert limited[-1] == "default, over"


def test_what_a_killed_worker_had_is_done_by_another_one():
    """B4, B18, trust 3.6: a task is acknowledged when it is over, one at a time, and ends before it is handed out."""
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.worker_soft_shutdown_timeout > 20
