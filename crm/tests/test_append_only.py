from datetime import timedelta

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from config.kernel.ids import uuid7
from crm.models import AuditEvent, Consent, GateDecision, Suppression, Touch
from crm.tests.factories import (
    ConsentFactory,
    ContactFactory,
    EndpointFactory,
    SuppressionFactory,
    TouchFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def audit_event(at):
    ContactFactory()
    return AuditEvent.objects.latest("id")


def decision(at):
    return GateDecision.objects.create(
        id=uuid7(), at=at, action="dial", channel="call", allowed=True, contact=ContactFactory(), ruleset="r", zones="z"
    )


ROWS = {
    Consent: lambda at: ConsentFactory(),
    Touch: lambda at: TouchFactory(at=at),
    GateDecision: decision,
    AuditEvent: audit_event,
}
ERRORS = (DatabaseError, connection.Database.DatabaseError)  # psycopg's own, where Django is left out of it
CHANGE = {Consent: "source", Touch: "source", GateDecision: "ruleset", AuditEvent: "service"}


def by_orm_save(row, column):
    setattr(row, column, "forged")
    row.save()


def by_orm_update(row, column):
    type(row).objects.filter(pk=row.pk).update(**{column: "forged"})


def by_sql(row, column):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {row._meta.db_table} SET {column} = 'forged'")


def by_psycopg(row, column):
    with connection.connection.cursor() as cursor:
        cursor.execute(f"UPDATE {row._meta.db_table} SET {column} = 'forged' WHERE id = %s", [row.pk])


def by_orm_delete(row, column):
    type(row).objects.filter(pk=row.pk).delete()


def by_sql_delete(row, column):
    with connection.connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {row._meta.db_table}")


def by_truncate(row, column):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # references that were not checked yet would stand in the way
        cursor.execute(f"TRUNCATE {row._meta.db_table} CASCADE")


WAYS = [by_orm_save, by_orm_update, by_sql, by_psycopg, by_orm_delete, by_sql_delete, by_truncate]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)
def test_history_is_neither_changed_nor_removed_whichever_way_is_tried(model, way, at):
    row = ROWS[model](at)
    before = type(row).objects.filter(pk=row.pk).values().get()

    with pytest.raises(ERRORS, match="append-only"), transaction.atomic():
        way(row, CHANGE[model])

    assert type(row).objects.filter(pk=row.pk).values().get() == before


def test_the_tables_of_history_are_known_and_complete():
    found = {
        model
        for model in apps.get_app_config("crm").get_models()
        if {"keep_update", "keep_delete", "keep_truncate"}
        <= {each.name for each in getattr(model._meta, "triggers", [])}
    }

    assert found == set(ROWS)


def test_a_touch_may_stop_counting_and_nothing_else(at):
    touch = TouchFactory(at=at, user=UserFactory(), endpoint=EndpointFactory())

    Touch.objects.update(counts=False)
    assert Touch.objects.get().counts is False

    for forged in (
        {"at": at + timedelta(days=1)},
        {"contact": ContactFactory()},
        {"endpoint": None},
        {"channel": "sms"},
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            Touch.objects.update(counts=True, **forged)
    assert Touch.objects.get().counts is False
    assert Touch.objects.get() == touch


def test_a_touch_outlives_the_user_who_made_it(at):
    rep = UserFactory()
    TouchFactory(at=at, user=rep)

    rep.delete()

    assert Touch.objects.get().user is None


def erasing(value="yes"):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('clearline.erasing', %s, true)", [value])


@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)
def test_erasure_alone_passes_and_only_while_it_says_so(model, at):
    row = ROWS[model](at)

    erasing()
    by_orm_update(row, CHANGE[model])
    erasing("")

    assert getattr(model.objects.get(pk=row.pk), CHANGE[model]) == "forged"
    for way in (by_orm_update, by_orm_delete):
        row = ROWS[model](at)
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            way(row, CHANGE[model])


def test_not_even_erasure_empties_a_table(at):
    ConsentFactory()
    erasing()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        by_truncate(Consent.objects.get(), "")
    erasing("")


def parts():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.inhrelid::regclass::text FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent "
            "WHERE p.relkind = 'p' AND p.relnamespace = current_schema()::regnamespace"
        )
        return [name for (name,) in cursor.fetchall()]


def test_no_month_of_history_can_be_emptied_also_one_that_is_added_later(at):
    with connection.cursor() as cursor:
        cursor.execute("SELECT clearline_add_months('crm_auditevent', '2031-05-01', 1)")
    found = parts()

    assert {"crm_auditevent_2031_05", "crm_auditevent_stray", "crm_gatedecision_stray"} <= set(found)
    for part in found:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {part} CASCADE")


@pytest.mark.parametrize("table", ["crm_suppression", "crm_contact", "calls_callinghours", "calls_callingpolicy"])
def test_what_is_audited_is_not_emptied_without_a_trace(table):
    with pytest.raises(DatabaseError, match="leaves no trace"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table} CASCADE")


def test_a_suppression_is_lifted_and_never_deleted():
    suppression = SuppressionFactory()

    for way in (by_orm_delete, by_sql_delete):
        with pytest.raises(ERRORS, match="never deleted"), transaction.atomic():
            way(suppression, "")

    erasing()
    by_orm_delete(suppression, "")
    assert not Suppression.objects.exists()
