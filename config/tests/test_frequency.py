"""A search asks the index for rare words, and looks for the frequent ones in the rows found."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.kernel import frequency
from config.kernel.admin import search
from config.kernel.frequency import told_apart
from crm.models import Contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(monkeypatch):
    monkeypatch.setattr(frequency, "_samples", {})
    Contact.objects.bulk_create(
        Contact(name=f"Person {number} {'Rare' if number % 50 == 0 else 'Usual'}", primary_email=f"p{number}@acme.test")
        for number in range(300)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_contact")


def test_words_of_most_rows_are_told_apart_from_rare_ones(people):
    assert told_apart(Contact, "search", ["acme.test", "rare", "usual"]) == (["rare"], ["acme.test", "usual"])


def test_where_every_word_is_frequent_and_where_there_is_but_one_the_index_is_asked_for_all(people):
    assert told_apart(Contact, "search", ["acme.test", "person"]) == (["acme.test", "person"], [])
    assert told_apart(Contact, "search", ["person"]) == (["person"], [])


def test_without_statistics_the_index_is_asked_for_all(monkeypatch):
    monkeypatch.setattr(frequency, "_samples", {})

    assert told_apart(Contact, "name", ["one", "two"]) == (["one", "two"], [])


TEXTS = ["acme.test rare", "rare 100% person", "person_1 rare", "usual rare", "p150@acme person"]


@pytest.mark.parametrize("text", TEXTS)
def test_the_same_rows_are_found_as_by_the_index_alone(people, text):
    plain, clever = search.containing(text), search.containing(text, model=Contact)

    assert set(Contact.objects.filter(clever)) == set(Contact.objects.filter(plain))


def test_only_rare_words_are_conditions_of_the_index(people):
    found = Contact.objects.filter(search.containing("acme.test rare", model=Contact))

    assert found.count() == 6
    assert "LIKE %rare%" in str(found.query)
    assert "LIKE %acme" not in str(found.query)


def test_the_sample_is_read_once_in_ten_minutes(people, monkeypatch):
    now = frequency.clock.monotonic()
    with CaptureQueriesContext(connection) as asked:
        told_apart(Contact, "search", ["one", "two"]), told_apart(Contact, "search", ["three", "four"])
        assert len(asked) == 1

        monkeypatch.setattr(frequency.clock, "monotonic", lambda: now + frequency.KEPT + 60)
        told_apart(Contact, "search", ["one", "two"])
        assert len(asked) == 2
