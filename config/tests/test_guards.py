"""A server that is set up wrongly is refused before work begins, and a migration does not make everybody wait."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from kombu import Connection

from config import guards
from config.celery import app
from config.testing import in_own_connection
from crm.tests.factories import ContactFactory


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


@pytest.mark.parametrize("name", ["allkeys-lru", "volatile-ttl"])
def test_no_worker_starts_at_a_broker_that_forgets(broker, policy, name):
    guards.refuse_evicting(broker)
    policy(name)
    with pytest.raises(ImproperlyConfigured, match=f"maxmemory-policy is {name}"):
        guards.refuse_evicting(broker)


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
