import os
import socket
import subprocess
import sys

import pytest
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from config.embedded import places
from config.testing import database, network, slots
from crm.models import AuditEvent, Contact, ContactPoint, Endpoint
from crm.tests.factories import ContactFactory, UserFactory


@pytest.mark.parametrize("host", ["example.com", "192.0.2.1", "2001:db8::1"])
def test_nothing_leaves_the_machine(host):
    with pytest.raises(network.OutsideRefused, match="fake"):
        socket.create_connection((host, 80), timeout=1)


def test_not_even_a_datagram_leaves():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, pytest.raises(network.OutsideRefused):
        sender.sendto(b"hello", ("192.0.2.1", 53))


def test_neighbors_on_the_same_machine_may_talk():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_a_server_that_the_environment_gave_may_be_reached():
    network.refuse_outside("cache.example.com", {"cache.example.com"})


@pytest.mark.django_db(transaction=True)
def test_a_flush_brings_back_what_the_migrations_put_in():
    before = set(ContentType.objects.values_list("pk", "app_label", "model"))
    ContentType.objects.filter(app_label="crm").delete()
    ContentType.objects.create(app_label="made", model="up")

    call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=True)

    assert set(ContentType.objects.values_list("pk", "app_label", "model")) == before
    assert before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("much", [0, database.MUCH])
def test_a_flush_leaves_nothing_of_a_test_whatever_lets_nobody_delete(monkeypatch, much):
    monkeypatch.setattr(database, "MUCH", much)
    person = ContactFactory(phone="+15125550142")
    assert AuditEvent.objects.filter(entity_id=person.pk).exists()  # append-only, and a table for every month

    call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=True)

    assert [model.objects.count() for model in (Contact, ContactPoint, Endpoint)] == [0, 0, 0]
    assert not AuditEvent.objects.filter(entity_id=person.pk).exists()


@pytest.mark.django_db
def test_whoever_is_signed_in_for_a_test_has_the_session_that_signing_in_makes():
    user, quick, full = UserFactory(bdr=True), Client(), Client()
    quick.force_login(user)
    full._login(user, "crm.services.signing_in.Backend")

    kept = [Session.objects.get(pk=client.cookies["sessionid"].value).get_decoded() for client in (quick, full)]

    assert kept[0] == kept[1]
    assert quick.get("/admin/").wsgi_request.user == user


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_is_taken_away_where_it_is_much():
    def size() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_relation_size('crm_contact')")
            return cursor.fetchone()[0]

    before = set(ContentType.objects.values_list("pk", flat=True))
    for rows in (10, 20_000):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO crm_contact (name) SELECT 'Ada Example' FROM generate_series(1, %s)", [rows])
            transaction.set_rollback(True)
        left = size()
        database.empty_if_bloated()
        assert size() == (left if rows == 10 else 0)

    assert set(ContentType.objects.values_list("pk", flat=True)) == before


@pytest.mark.django_db
def test_only_a_database_whose_rows_were_copied_aside_is_ever_emptied(monkeypatch):
    monkeypatch.setattr(database, "BLOATED", -1)
    asked = []
    monkeypatch.setattr("django.core.management.call_command", lambda *command, **how: asked.append(command))

    database.empty_if_bloated()
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA seed CASCADE")
    database.empty_if_bloated()

    assert asked == [("flush",)]


@pytest.mark.django_db(transaction=True)
def test_works_on_threads_run_at_the_same_time_on_connections_of_their_own(threads):
    def backend() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid(), pg_sleep(0.1)")
            return cursor.fetchone()[0]

    assert len(set(threads(*[backend] * 5))) == 5


def test_what_a_thread_raises_is_raised_here(threads):
    def fail():
        raise LookupError("not here")

    with pytest.raises(LookupError, match="not here"):
        threads(fail, lambda: None)


def test_two_test_processes_never_hold_the_same_slot(monkeypatch, tmp_path):
    monkeypatch.setenv("EMBEDDED_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(slots, "_held", [])

    taken = [slots.take() for _ in range(3)]

    assert taken == [0, 1, 2]
    assert slots.mine_is_the_last()
    for handle in slots._held:
        handle.close()


def test_a_slot_is_let_go_without_a_warning_when_its_process_ends(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "from config.testing import slots; slots.take()"],
        cwd=places.CHECKOUT, env=os.environ | {"EMBEDDED_STATE_DIR": str(tmp_path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


def test_running_out_of_slots_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("EMBEDDED_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(slots, "_held", [])
    monkeypatch.setattr(slots, "SLOTS", 0)

    with pytest.raises(places.CannotServe, match="test processes"):
        slots.take()


def test_the_test_database_is_told_apart_from_every_other(db):
    assert connection.settings_dict["NAME"].startswith("test_")
