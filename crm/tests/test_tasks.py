import logging
from datetime import UTC, date, datetime

import pytest
from django.conf import settings
from django.db import connection

from config.celery import app
from config.kernel import clock, partitions
from config.kernel.ids import first_uuid7_at
from config.testing.hearing import hearing
from crm import tasks
from crm.models import AuditEvent, Contact, Endpoint
from crm.services import consistency
from crm.services.consistency import Repaired
from crm.signals import reachability_changed
from crm.tests.factories import ContactFactory, SuppressionFactory

pytestmark = pytest.mark.django_db


def months(table):
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(t)::text FROM unnest(%s::text[]) t", [table])
        return [name for (name,) in cursor.fetchall()]


def test_this_month_and_the_next_three_exist_for_every_table_that_only_grows(at):
    with clock.standing_at(datetime(2031, 11, 20, tzinfo=UTC)):
        tasks.look_after_partitions()

    wanted = [
        f"{table}_{month}"
        for table in ("crm_auditevent", "crm_gatedecision")
        for month in ("2031_11", "2031_12", "2032_01", "2032_02")
    ]
    assert months(wanted) == wanted
    assert partitions.add_months(today=date(2031, 11, 20)) == 0


def test_rows_that_no_month_was_made_for_are_an_alarm(caplog, at):
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    AuditEvent.objects.create(
        id=first_uuid7_at(long_ago), at=long_ago, entity="crm.contact", entity_id=first_uuid7_at(long_ago),
        operation="update", service="", user_agent="", request_id="",
    )  # fmt: skip

    with caplog.at_level(logging.INFO):
        tasks.look_after_partitions()

    (alarm,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "crm_auditevent" in alarm.getMessage()
    assert "crm_gatedecision" not in alarm.getMessage()


def spoil(at):
    """Write around the services, as nobody should."""
    person = ContactFactory(phone="+15125550134")
    blocked = SuppressionFactory().endpoint
    Contact.objects.update(primary_phone="", data_quality=1)
    Endpoint.objects.filter(pk=blocked.pk).update(suppressed_at=None)
    Endpoint.objects.filter(value="+15125550134").update(hours_profile=None, suppressed_at=at)
    return person, blocked


def test_copies_that_somebody_wrote_around_are_put_right_and_counted(at, caplog):
    person, blocked = spoil(at)

    with caplog.at_level(logging.INFO):
        tasks.refresh_consistency()
        tasks.refresh_consistency()

    fresh = Contact.objects.get(pk=person.pk)
    assert (fresh.primary_phone, fresh.data_quality) == ("+15125550134", 40)
    assert Endpoint.objects.get(pk=blocked.pk).suppressed_at
    assert Endpoint.objects.get(value="+15125550134").suppressed_at is None
    first, second = [record for record in caplog.records if record.name == "crm.tasks"]
    assert (first.levelname, second.levelname) == ("WARNING", "INFO")
    assert "'primaries': 1, 'suppressed': 2, 'profiles': 1, 'qualities': 1" in first.getMessage()


def test_a_batch_of_one_finds_what_a_batch_of_all_finds(at):
    for _ in range(3):
        person = ContactFactory()
        ContactFactory(phone=f"+1512555013{person.last_name[-1]}")
    Contact.objects.update(primary_phone="x", data_quality=0)

    repaired = consistency.check_copies(batch=1)

    assert repaired == Repaired(primaries=6, qualities=6)
    assert not consistency.check_copies(batch=1)


def test_whoever_is_callable_differently_after_a_repair_is_told_of(at):
    person, blocked = spoil(at)
    line = Endpoint.objects.get(value="+15125550134")
    with hearing(reachability_changed) as told:
        consistency.check_copies()
        consistency.check_copies()

    assert [event.contact_ids for event in told] == [(person.pk,), ()]
    assert told[1].endpoint_ids == tuple(sorted([blocked.pk, line.pk]))
    assert AuditEvent.objects.filter(service="check_copies", entity="crm.contact").count() == 1


def test_both_are_on_the_timetable_and_take_no_arguments():
    app.loader.import_default_modules()
    timetable = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    assert {"crm.tasks.look_after_partitions", "crm.tasks.refresh_consistency"} <= timetable & set(app.tasks)
