"""Whom a record finds."""

import dataclasses

import pytest

from config.testing import NOON
from crm.choices import PointState, ReviewKind
from crm.models import Contact, ContactPoint, Endpoint, OtherName, Project, ProjectContact, ReviewItem
from crm.services import changing, deleting, intake, points
from crm.services.feeds.records import PhoneIn
from crm.tests.factories import ContactAliasFactory, ContactFactory, UserFactory
from crm.tests.intaking import OTHER_PHONE, PHONE, somebody, take

pytestmark = pytest.mark.django_db


def test_a_contact_without_an_id_adopts_the_one_a_record_brings():
    known = ContactFactory(phone=PHONE)

    account = take(somebody("Ada Example", phone=PHONE, contact_id="x-1"))

    assert Contact.objects.get().contact_id == "x-1"
    assert (account.updated, account.created) == (1, 0)
    assert Contact.objects.get().pk == known.pk


def test_an_alias_finds_its_contact_and_the_id_stays():
    known = ContactFactory(contact_id="x-1")
    ContactAliasFactory(contact=known, value="old-1")

    take(somebody("Ada Example", contact_id="old-1", phone=PHONE))

    known.refresh_from_db()
    assert (known.contact_id, known.primary_phone) == ("x-1", PHONE)
    assert Contact.objects.count() == 1


def test_a_second_person_on_a_line_is_new_and_the_owner_stays():
    owner = ContactFactory(phone=PHONE, contact_id="x-1")

    take(somebody("Bo Sample", phone=PHONE, contact_id="x-2"))

    new = Contact.objects.get(contact_id="x-2")
    line = Endpoint.objects.get(value=PHONE)
    assert line.owner == owner
    assert set(line.points.values_list("contact", flat=True)) == {owner.pk, new.pk}
    assert new.primary_phone == PHONE
    item = ReviewItem.objects.get()
    assert (item.kind, item.contact, item.other, item.value) == (ReviewKind.SHARED_LINE, new, owner, PHONE)


def test_where_phone_and_email_belong_to_two_people_the_phone_decides():
    by_phone, by_email = ContactFactory(phone=PHONE), ContactFactory(email="ada@example.com")

    take(somebody(phone=PHONE, email="ada@example.com"))

    assert not by_phone.points.filter(kind="email").exists()
    item = ReviewItem.objects.get()
    assert (item.kind, item.contact, item.other) == (ReviewKind.TWO_OWNERS, by_phone, by_email)


def test_an_unknown_phone_is_added_to_whom_the_email_finds():
    known = ContactFactory(email="ada@example.com", phone=OTHER_PHONE)

    account = take(somebody(phone=PHONE, email="ada@example.com"))

    assert {point.endpoint.value for point in known.points.filter(kind="phone")} == {PHONE, OTHER_PHONE}
    known.refresh_from_db()
    assert known.primary_phone == OTHER_PHONE, "the first number stays first"
    assert account.entities["points"] == {"created": 1}


def test_somebody_deleted_is_found_and_stays_deleted():
    gone = ContactFactory(phone=PHONE)
    deleting.delete(row=gone, by=UserFactory(admin=True), at=NOON)

    take(somebody("Ada Example", phone=PHONE, title="Owner"))

    gone.refresh_from_db()
    assert gone.deleted_at == NOON
    assert Contact.objects.count() == 1


def test_somebody_new_on_the_line_of_somebody_deleted_is_refused_and_listed():
    gone = ContactFactory(name="Ada Example", phone=PHONE)
    deleting.delete(row=gone, by=UserFactory(admin=True), at=NOON)

    account = take(
        ("P-1", somebody("Cy Three", phone=PHONE), somebody("Bo Sample")), somebody("Dee Four", email="d@x.io")
    )

    assert (account.created, account.updated, account.refused) == (1, 0, 1)
    assert account.reviews == {"deleted_line": 1}
    item = ReviewItem.objects.get()
    assert (item.kind, item.contact, item.value) == (ReviewKind.DELETED_LINE, gone, "Cy Three")
    assert set(Contact.objects.values_list("name", flat=True)) == {"Ada Example", "Dee Four"}
    assert not Project.objects.exists()


def test_the_refusal_says_what_to_do_about_the_deleted_one():
    gone = ContactFactory(name="Ada Example", phone=PHONE)
    deleting.delete(row=gone, by=None, at=NOON)

    posted = [{"contacts": [{"name": name, "phone": PHONE}]} for name in ("Cy Three", "Ada Example")]
    results = intake.take_in_posted(source="api", records=posted, by=None, at=NOON).results

    assert [(result.outcome, result.code) for result in results] == [
        ("refused", "line_of_somebody_deleted"),
        ("unchanged", ""),
    ]
    assert "restore that contact" in results[0].reason


def test_what_was_said_before_the_deletion_is_no_news_after_it():
    take(somebody("Ada Example", phone=PHONE), somebody("Cy Three", phone=PHONE))
    deleting.delete(row=Contact.objects.get(), by=None, at=NOON)

    account = take(somebody("Ada Example", phone=PHONE), somebody("Cy Three", phone=PHONE))

    assert (account.refused, account.created) == (1, 0)
    assert Contact.objects.count() == 1


def test_whoever_shares_a_line_with_somebody_deleted_is_meant_by_it():
    gone = ContactFactory(name="Ada Example", phone=PHONE, contact_id="x-1")
    take(somebody("Bo Sample", phone=PHONE, contact_id="x-2"))
    deleting.delete(row=gone, by=None, at=NOON)

    account = take(somebody("Bo Sample", phone=PHONE, title="Clerk"))

    assert (account.updated, account.refused) == (1, 0)
    assert Contact.objects.get(contact_id="x-2").title == "Clerk"
    assert Endpoint.objects.get().owner.contact_id == "x-2"


def test_a_line_on_which_a_stranger_answered_is_not_given_back():
    person = ContactFactory(phone=PHONE, contact_id="x-1")
    points.mark_wrong_person(point=person.points.get(), at=NOON)

    take(somebody("Ada Example", phone=PHONE, contact_id="x-1", title="Owner"))

    assert person.points.get().state == PointState.WRONG_PERSON
    assert Endpoint.objects.get().owner is None
    take(somebody("Bo Sample", phone=PHONE))
    assert Endpoint.objects.get().owner.name == "Bo Sample"


def test_a_name_finds_within_its_project_only_whoever_was_created_by_it():
    take(("P-1", somebody("Ada Example")), ("P-2", somebody("Ada Example")), ("P-1", somebody("ada  EXAMPLE".title())))

    assert Contact.objects.count() == 2
    assert set(ProjectContact.objects.values_list("listed_name", flat=True)) == {"ada example"}


def test_a_listed_name_survives_an_edit_of_the_name():
    take(("P-1", somebody("Ada Example")))
    person = Contact.objects.get()
    changing.edit(row=person, changes={"name": "Ada B. Example"}, by=UserFactory(admin=True), at=NOON)

    take(("P-1", somebody("Ada Example")))

    assert Contact.objects.get().name == "Ada B. Example"


@pytest.mark.parametrize("turned", [False, True])
def test_equal_names_with_and_without_a_number_are_listed_and_not_joined(turned):
    rows = [("P-1", somebody("Ada Example")), ("P-1", somebody("Ada Example", phone=PHONE))]
    for row in reversed(rows) if turned else rows:
        take(row)

    assert Contact.objects.count() == 2
    item = ReviewItem.objects.get()
    assert (item.kind, item.project.project_id) == (ReviewKind.SAME_NAME, "P-1")


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("chunk_rows", [1, 9])
def test_a_name_said_elsewhere_meets_its_equal_in_a_project_too(chunk_rows, renamed):
    elsewhere = [somebody("Bea Sample" if renamed else "Ada Example", contact_id="x")]
    elsewhere += [somebody("Ada Example", contact_id="x", title="Owner")] if renamed else []

    take(("P-1", somebody("Ada Example")), *elsewhere, ("P-1", somebody(contact_id="x")), chunk_rows=chunk_rows)

    item = ReviewItem.objects.get()
    assert (item.kind, item.project.project_id) == (ReviewKind.SAME_NAME, "P-1")


def test_whoever_shares_a_switchboard_keeps_their_extension_beside_their_name():
    for name, extension in (("Ada Example", "12"), ("Bo Sample", "13")):
        line = PhoneIn(f"{PHONE} x{extension}", PHONE, extension, "mobile_or_landline", "work")
        take(dataclasses.replace(somebody(name), phones=(line,)))

    assert ContactPoint.objects.get().extension == "12"
    assert OtherName.objects.get().name == "Bo Sample (ext. 13)"
    assert ReviewItem.objects.get().value == "Bo Sample (ext. 13)"


def test_outside_a_project_a_name_belongs_to_the_source_that_said_it():
    take(somebody("Ada Example", title="Clerk"))
    take(somebody("Ada Example", title="Owner"))
    take(somebody("Ada Example"), source="another")

    assert [person.title for person in Contact.objects.order_by("pk")] == ["Owner", ""]
