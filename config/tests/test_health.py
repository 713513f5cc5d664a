"""What load balancers hear."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from calls.tasks import HEARTBEAT, beat_heart
from config.kernel.ids import uuid7
from config.tests.environments import settings_in
from crm.tests.factories import UserFactory


@contextmanager
def database_at(host: str, port: int) -> Iterator[None]:
    wrapper = connections["default"]
    wrapper.close()
    before = dict(wrapper.settings_dict)
    wrapper.settings_dict.update(HOST=host, PORT=str(port))
    yield
    wrapper.close()
    wrapper.settings_dict.update(before)


@pytest.fixture
def no_database():
    """The server is away: nobody listens on this socket."""
    with database_at("/nonexistent", 1):
        yield


@pytest.fixture
def silent_database():
    """A server, or a wall in front of it, that takes the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent, database_at(*silent.getsockname()):
        yield


@pytest.mark.django_db
def test_health_says_that_all_is_well_and_for_how_long(client):
    answer = client.get("/health")

    said = answer.json()
    assert answer.status_code == 200
    assert said["ok"] is True
    assert said["uptime"] > 0
    assert set(said) == {"ok", "timestamp", "uptime"}
    assert abs(datetime.fromisoformat(said["timestamp"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db(transaction=True)
def test_health_is_500_with_the_reason_while_the_database_is_away(no_database):
    answer = Client().get("/health")

    assert answer.status_code == 500
    assert answer.json() == {"ok": False, "error": "The database is unreachable (OperationalError)."}


@pytest.mark.django_db(transaction=True)
def test_health_is_500_within_seconds_when_the_database_takes_the_call_and_says_nothing(silent_database):
    began = time.monotonic()

    assert Client().get("/health").status_code == 500
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(("asked", "waits"), [("", 3), ("?connect_timeout=9", 9), ("?sslmode=require", 3)])
def test_whoever_names_a_patience_in_the_address_gets_it(asked, waits):
    address = f"postgres://clearline@db.example.com/clearline{asked}"

    databases = settings_in(DATABASE_URL=address, REPLICA_URL=address)["DATABASES"]

    found = {name: int(database["OPTIONS"]["connect_timeout"]) for name, database in databases.items()}
    assert found == {"default": waits, "replica": waits}


@pytest.mark.django_db
def test_whoever_is_frozen_in_a_transaction_keeps_nobody_waiting_for_ever():
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("5min",)


@pytest.mark.django_db
@pytest.mark.parametrize("probe", ["/health", "/readyz"])
def test_a_probe_is_only_read(client, probe):
    refused = client.post(probe)

    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD")
    assert client.head(probe).status_code in {200, 503}


@pytest.mark.django_db
def test_health_asks_the_database_once_and_reads_no_session(client, django_assert_num_queries):
    client.force_login(UserFactory(bdr=True))

    with django_assert_num_queries(1):
        client.get("/health")


@pytest.mark.django_db
def test_health_answers_whatever_name_the_balancer_calls_us_by(client, settings):
    settings.ALLOWED_HOSTS = ["clearline.example.com"]

    assert client.get("/health", headers={"host": "10.0.0.7"}).status_code == 200


@pytest.mark.django_db
def test_ready_means_that_everything_that_work_needs_is_there(client):
    beat_heart()

    answer = client.get("/readyz")

    assert answer.status_code == 200, answer.json()
    assert answer.json() == {
        "ok": True,
        "checks": dict.fromkeys(["database", "migrations", "broker", "cache", "worker", "partitions"], "ok"),
    }


@pytest.mark.django_db
def test_without_a_worker_nobody_is_ready(client):
    cache.delete(HEARTBEAT)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert "No worker has been heard" in answer.json()["checks"]["worker"]


@pytest.mark.django_db
def test_a_release_that_is_not_migrated_is_not_ready(client):
    MigrationRecorder(connection).record_unapplied("crm", "0001_who_is_who")

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == "Not applied: crm.0001_who_is_who. Run migrate."


@pytest.mark.django_db
def test_a_broker_that_is_away_is_named(client, settings):
    from config.celery import app

    before, app.conf.broker_write_url = app.conf.broker_write_url, "redis://127.0.0.1:1/0"
    try:
        answer = client.get("/readyz")
    finally:
        app.conf.broker_write_url = before

    assert answer.status_code == 503
    assert answer.json()["checks"]["broker"].startswith("The broker is unreachable")


@pytest.mark.django_db
def test_a_month_without_a_partition_is_an_alarm(client):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_gatedecision (id, at, action, channel, allowed, codes, contact_id, facts, ruleset, zones) "
            "VALUES ('00000000-0000-7000-8000-000000000000', now(), 'dial', 'call', true, '{}', %s, '{}', 'x', 'x')",
            [uuid7()],
        )

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert "crm_gatedecision" in answer.json()["checks"]["partitions"]


@pytest.mark.django_db(transaction=True)
def test_without_a_database_each_other_part_still_speaks_for_itself(no_database):
    from config.celery import app

    beat_heart()
    away = "not asked: there is no database"
    well = Client().get("/readyz")
    before, app.conf.broker_write_url = app.conf.broker_write_url, "redis://127.0.0.1:1/0"
    try:
        ill = Client().get("/readyz")
    finally:
        app.conf.broker_write_url = before

    assert (well.status_code, ill.status_code) == (503, 503)
    said = {name: found for name, found in well.json()["checks"].items() if name != "database"}
    assert said == {"migrations": away, "broker": "ok", "cache": "ok", "worker": "ok", "partitions": away}
    assert ill.json()["checks"]["broker"].startswith("The broker is unreachable")


@pytest.mark.django_db
def test_the_front_door_leads_to_the_back_office(client):
    answer = client.get("/")

    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


@pytest.mark.django_db
def test_a_probe_may_only_ask(client):
    assert client.post("/health", json.dumps({}), content_type="application/json").status_code in {403, 404, 405}
