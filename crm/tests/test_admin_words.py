"""Pages say things as people do: no ids, no JSON, no code names, and nobody's name to who may not see them."""

import re
from typing import Any

import pytest
from django.test import Client

from config.testing import NOON
from crm.models import AuditEvent
from crm.services import editing
from crm.tests.backoffice import list_url, page_url, signed_in
from crm.tests.factories import (
    ContactFactory,
    HoursProfileFactory,
    ReviewItemFactory,
    SourceRecordFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
ID = re.compile(r">[^<]*[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture
def boss() -> Client:
    return signed_in(UserFactory(admin=True, name="Ada Admin"))


def read(client: Client, row: Any) -> str:
    return client.get(page_url(row), follow=True).content.decode()


def test_what_a_source_said_is_read_in_words(boss):
    raw = {
        "phones": [["(512) 555-0111", "+15125550111", "", "mobile_or_landline", "work"]],
        "company": {"name": "Applehurst Plumbing"},
        "emails": [],
        "listed_key": "ada marsh",
    }
    said = read(boss, SourceRecordFactory(key="A|1", contact=ContactFactory(name="Ada Marsh"), raw=raw))

    assert "(512) 555-0111, +15125550111, mobile or landline, work" in said
    assert "Company name" in said
    assert "Listed key" in said
    assert "{&quot;" not in said
    assert "[&#x27;" not in said


def test_a_change_names_the_row_that_was_changed(boss):
    person = ContactFactory(name="Ada Marsh")
    editing.edit(row=person, changes={"title": "Owner"}, by=UserFactory(admin=True), at=NOON)
    said = read(boss, AuditEvent.objects.filter(entity_id=person.pk).latest("pk"))

    assert "Ada Marsh" in said
    assert not ID.search(said)


def test_what_an_account_may_do_is_grouped_by_what_it_is_about(boss):
    said = read(boss, UserFactory(bdr=True))

    assert ">Contacts<" in said
    assert "add, change, view" in said
    assert "crm.view" not in said


def test_places_are_cities_with_their_law(boss):
    profile = HoursProfileFactory(key="America/Boise US-ID|America/New_York US")

    listed = boss.get(list_url("crm.hoursprofile")).content.decode()

    assert "Boise (US-ID), New York (US)" in listed
    assert "Boise (US-ID)" in read(boss, profile)
    assert "data-toolbar" not in listed  # there is nothing to ask of this list


def test_a_review_names_only_those_whom_one_may_see():
    rep, other = UserFactory(bdr=True), UserFactory(bdr=True)
    mine, theirs = ContactFactory(name="Mine Marsh", owner=rep), ContactFactory(name="Theirs Marsh", owner=other)
    ReviewItemFactory(contact=mine, other=theirs)

    seen = [signed_in(user).get(list_url("crm.reviewitem")).content.decode() for user in (rep, UserFactory(admin=True))]

    assert ["Theirs Marsh" in text for text in seen] == [False, True]
