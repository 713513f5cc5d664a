"""What an intake makes of records that nobody should send."""

import random
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from config.testing import NOON
from crm.models import Contact, Project, SourceRecord
from crm.services.feeds.records import Doubt, ProjectIn, Record
from crm.tests.factories import ContactFactory, ProjectContactFactory, ProjectFactory
from crm.tests.intaking import OTHER_PHONE, PHONE, somebody, take

pytestmark = pytest.mark.django_db


def test_texts_that_the_database_cannot_keep_are_cleaned_and_nothing_else_is_lost():
    evil = "a\0b \ud800 \\N \t \n \r {\"x\"} 'q'"
    project = ProjectIn("P-1", name="Tower", description=evil, attributes={"note": evil, "\0key": "v"})

    account = take((project, somebody("Ada Example", phone=PHONE, attributes={"raw": evil})))

    assert (account.created, account.refused) == (1, 0)
    kept = evil.replace("\0", "").replace("\ud800", "")
    assert Project.objects.get().description == kept
    assert Project.objects.get().attributes == {"note": kept, "key": "v"}
    assert Contact.objects.get().attributes["raw"] == kept


def test_a_row_that_the_database_refuses_is_refused_alone():
    account = take(
        ("P-1", somebody("Ada Example", phone=PHONE)),
        ("P-2", somebody("Bo Sample", phone=OTHER_PHONE, lead_score=101)),
        ("P-3", somebody("Cid Example", email="cid@example.com")),
    )

    assert (account.created, account.refused) == (2, 1)
    assert set(Project.objects.values_list("project_id", flat=True)) == {"P-1", "P-3"}


def test_a_row_at_which_our_code_stumbles_is_refused_alone():
    account = take(("P-1",), (ProjectIn("P-2", attributes={"x": object()}),), ("P-3",))

    assert (account.created, account.refused) == (2, 1)


def test_a_row_too_large_for_an_index_is_refused_alone():
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX ON crm_project (description)")
    long = "".join(random.Random(1).choices("0123456789abcdef", k=20_000))

    account = take(("P-1",), (ProjectIn("P-2", description=long),), ("P-3",))

    assert (account.created, account.refused) == (2, 1)
    assert set(Project.objects.values_list("project_id", flat=True)) == {"P-1", "P-3"}


def test_keys_of_any_length_are_told_apart():
    long = "x" * 600
    take(("P-1", somebody(long[:200], phone=PHONE, roles=(long, long[:-1] + "y"))))
    take(*(somebody("Ada Example", contact_id="x-1"),))

    assert SourceRecord.objects.count() == 3


def test_warnings_are_counted_whether_or_not_the_row_changes_anything():
    doubt = Doubt(1, 2, "Phone", "too_short", "Too short.", "555")
    record = Record(1, 2, ProjectIn("P-1"), (), (doubt, doubt))

    assert take(record).warnings == 2


def test_what_a_project_says_is_kept_in_its_columns():
    project = ProjectIn(
        "P-1",
        name="Tower",
        value=Decimal("125000.50"),
        country="US",
        bid_on=date(2026, 1, 2),
        starts_on=date(2026, 3, 4),
        source_url="https://example.com/p/1",
        next_call_eligible_at=NOON,
        attributes={"units": "12"},
    )

    take((project,))

    row = Project.objects.get()
    assert (row.value, row.bid_on, row.starts_on, row.event_on) == (
        Decimal("125000.50"),
        date(2026, 1, 2),
        date(2026, 3, 4),
        None,
    )
    assert row.attributes == {"units": "12", "source_url": "https://example.com/p/1"}
    assert (row.next_call_eligible_at, row.source, row.country) == (NOON, "permits", "US")


def test_a_pair_that_was_there_keeps_what_people_said_about_it():
    pair = ProjectContactFactory(
        project=ProjectFactory(project_id="P-1"), contact=ContactFactory(phone=PHONE), roles=[]
    )
    pair.suppress_for_project = True
    pair.save()

    take(("P-1", somebody("Ada Example", phone=PHONE, roles=("owner",))))

    pair.refresh_from_db()
    assert (pair.roles, pair.suppress_for_project) == (["owner"], True)
