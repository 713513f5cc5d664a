"""Lists of the back office cost the same at a million rows, and find what is meant."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection

from config.kernel.admin import filters
from config.kernel.admin.patience import patient
from config.kernel.ids import first_uuid7_at
from config.testing import NOON
from crm.choices import Lifecycle
from crm.models import Contact
from crm.tests import backoffice
from crm.tests.backoffice import signed_in
from crm.tests.factories import CompanyFactory, ContactFactory, UserFactory, give_point

LABELS = sorted(model._meta.label_lower for model in admin.site._registry if model._meta.app_label == "crm")
SERVICE_OWNED = [
    "crm.auditevent", "crm.consent", "crm.contactpoint", "crm.endpoint", "crm.gatedecision", "crm.hoursprofile",
    "crm.intakerun", "crm.reviewitem", "crm.sourcerecord", "crm.suppression", "crm.touch",
]  # fmt: skip
CONTACTS = "/admin/crm/contact/"

boss, rep = backoffice.boss, backoffice.rep


def test_counting_stops_at_ten_thousand(boss):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO crm_company (name, name_key) SELECT g, g FROM generate_series(1, 10002) g")

    assert "1–50 of 10,000+" in boss.get("/admin/crm/company/").content.decode()  # noqa: RUF001 - as it is shown


def test_whoever_pages_beyond_ten_thousand_rows_is_asked_to_narrow_their_search(boss, django_assert_max_num_queries):
    with django_assert_max_num_queries(25) as queries:
        response = boss.get(CONTACTS, {"p": 202})

    assert not any("OFFSET" in query["sql"] for query in queries)
    assert "Narrow your search" in response.content.decode()


def test_the_last_page_says_so(boss):
    CompanyFactory.create_batch(51)

    first, second = (boss.get("/admin/crm/company/", {"p": page}).content.decode() for page in (1, 2))

    assert 'rel="next"' in first
    assert 'rel="next"' not in second
    assert 'rel="prev"' in second


def test_a_list_that_would_take_too_long_says_so_in_words(boss, monkeypatch):
    monkeypatch.setattr("config.kernel.admin.base.patient", hurried)
    ContactFactory.create_batch(3)

    response = boss.get(CONTACTS)

    assert response.status_code == 400
    assert "Narrow your search" in response.content.decode()


@contextmanager
def hurried():
    """Five seconds are too long for a test: PostgreSQL itself gives up, after a millisecond."""
    with patient(0.001), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
        yield


def test_every_word_of_a_search_must_occur(boss):
    for name in ("Alma Barford", "Alma Norton", "Otto Barford"):
        ContactFactory(name=name)

    listed = boss.get(CONTACTS, {"q": "barf  ALMA"}).content.decode()

    assert "Alma Barford" in listed
    assert "Alma Norton" not in listed
    assert "Otto Barford" not in listed


def test_beginnings_of_words_are_not_counted_because_too_many_have_them(boss):
    Contact.objects.bulk_create(Contact(name=f"Jo Number{n}") for n in range(51))

    vague, clear = (boss.get(CONTACTS, {"q": words}).content.decode() for words in ("jo", "numb"))

    assert "of more" in vague
    assert "of 51" in clear


def test_two_letters_mean_the_beginning_of_a_word_and_one_letter_nothing(boss):
    ContactFactory(name="Jo Barford")
    ContactFactory(name="Major Norton")

    assert "Major Norton" not in boss.get(CONTACTS, {"q": "jo"}).content.decode()
    assert "Jo Barford" in boss.get(CONTACTS, {"q": "jo"}).content.decode()
    assert "Type two letters or more" in boss.get(CONTACTS, {"q": "j"}).content.decode()


@pytest.mark.parametrize("typed", ["512-555-0142", "(512) 555 0142", "+15125550142", "OTHER@Example.com"])
def test_a_person_is_found_by_any_number_or_address_of_theirs(boss, typed):
    person = ContactFactory(name="Reachable Person", phone="+15125550133")
    give_point(person, "phone", "+15125550142")
    give_point(person, "email", "other@example.com")

    assert "Reachable Person" in boss.get(CONTACTS, {"q": typed}).content.decode()


@pytest.mark.parametrize("query", ["name__contains=a", "owner__password__startswith=x", "o=99", "p=-3", "p=x",
                                   "owner=nonsense", "id_from=2026-99-99", "company=nonsense", "q=%00"])  # fmt: skip
def test_an_address_that_nobody_offers_breaks_nothing(boss, query):
    ContactFactory()

    assert boss.get(f"{CONTACTS}?{query}").status_code in {200, 302, 400}


@pytest.mark.parametrize(("asked", "found"), [
    ("owner=me", {"Mine"}), ("owner=nobody", {"Free", "Urgent"}), ("priority=4", {"Urgent"}),
    ("do_not_call=yes", {"Mine"}), ("lifecycle=qualified", {"Free"}),
])  # fmt: skip
def test_filters_narrow_the_list(rep, asked, found):
    ContactFactory(name="Mine", owner=rep, do_not_call=True)
    ContactFactory(name="Free", lifecycle=Lifecycle.QUALIFIED)
    ContactFactory(name="Urgent", priority=4)

    listed = signed_in(rep).get(f"{CONTACTS}?{asked}").context["cl"].result_list

    assert {one.name for one in listed} == found


@pytest.mark.parametrize("asked", [
    "owner=nonsense", "owner=left", "owner={stranger}", "priority=9", "lifecycle=rich", "do_not_call=perhaps",
    "id_from=yesterday", "owner=me&lifecycle=%00",
])  # fmt: skip
def test_what_no_filter_offers_is_nobody_and_never_everybody(rep, asked):
    ContactFactory(name="Mine", owner=rep)

    page = signed_in(rep).get(f"{CONTACTS}?{asked.format(stranger=UserFactory(bdr=True).pk)}")

    assert not page.context["cl"].result_list
    (said,) = map(str, page.context["messages"])
    assert "nothing is shown" in said


def test_a_colleague_beyond_those_offered_is_asked_for_and_named(boss, rep, monkeypatch):
    monkeypatch.setattr(filters, "COLLEAGUES", 0)
    ContactFactory(name="Mine", owner=rep), ContactFactory(name="Free")

    for window in (boss, signed_in(rep)):
        shown = window.get(f"{CONTACTS}?owner={rep.pk}").context["cl"]
        assert [one.name for one in shown.result_list] == ["Mine"]
        control = next(one.control for one in shown.filter_specs if one.control.name == "owner")
        assert (str(rep.pk), str(rep)) in control.options


def test_days_are_those_of_the_reader(boss):
    ContactFactory(name="Of yesterday", id=first_uuid7_at(NOON - timedelta(days=1)))
    ContactFactory(name="Of the day", id=first_uuid7_at(NOON))

    listed = boss.get(CONTACTS, {"id_from": f"{NOON:%Y-%m-%d}", "id_to": f"{NOON:%Y-%m-%d}"}).context["cl"].result_list

    assert [one.name for one in listed] == ["Of the day"]
