"""What a record may write into rows that exist."""

import random

import pytest

from config.testing import NOON
from crm.choices import ReviewKind
from crm.models import Company, Contact, ContactPoint, Endpoint, OtherName, Project, ProjectContact, ReviewItem
from crm.services import changing, points
from crm.services.feeds.records import CompanyIn, ProjectIn
from crm.tests.factories import UserFactory
from crm.tests.intaking import PHONE, somebody, take

pytestmark = pytest.mark.django_db


def test_the_same_words_again_touch_nothing():
    take(("P-1", somebody("Ada Example", phone=PHONE, title="Clerk")))
    Contact.objects.update(title="")

    account = take(("P-1", somebody("Ada Example", phone=PHONE, title="Clerk")))

    assert (account.unchanged, account.entities) == (1, {})
    assert Contact.objects.get().title == ""


def test_another_source_fills_blanks_and_changes_nothing():
    take(("P-1", somebody("Ada Example", phone=PHONE, title="Clerk")))

    account = take(("P-1", somebody("Ada Example", phone=PHONE, title="Owner", city="Austin")), source="another")

    person = Contact.objects.get()
    assert (person.title, person.city) == ("Clerk", "Austin")
    assert account.updated == 1


def test_a_changed_record_writes_only_what_changed():
    take(somebody("Ada Example", phone=PHONE, contact_id="x-1", title="Clerk", city="Austin"))
    Contact.objects.update(city="Waco")

    take(somebody("Ada Example", phone=PHONE, contact_id="x-1", title="Owner", city="Austin"))

    person = Contact.objects.get()
    assert (person.title, person.city) == ("Owner", "Waco")


def test_an_edit_is_kept_and_listed_once():
    take(somebody("Ada Example", contact_id="x-1", title="Clerk"))
    changing.edit(row=Contact.objects.get(), changes={"title": "Boss"}, by=UserFactory(admin=True), at=NOON)

    for _ in range(2):
        take(somebody("Ada Example", contact_id="x-1", title="Owner"))
        take(somebody("Ada Example", contact_id="x-1", title="Clerk"))

    assert Contact.objects.get().title == "Boss"
    listed = ReviewItem.objects.filter(kind=ReviewKind.KEPT_EDIT)
    assert sorted(listed.values_list("field", "value")) == [("title", "Clerk"), ("title", "Owner")]


def test_a_text_of_any_length_is_listed_against_an_edit():
    long = "".join(random.Random(1).choices("0123456789abcdef", k=20_000))  # packs to no less than half of it
    take((ProjectIn("P-1", description="Short"),))
    changing.edit(row=Project.objects.get(), changes={"description": "Mine"}, by=UserFactory(admin=True), at=NOON)

    for offered in (long, "Short", long):
        take((ProjectIn("P-1", description=offered),))

    assert Project.objects.get().description == "Mine"
    assert sorted(map(len, ReviewItem.objects.values_list("value", flat=True))) == [5, 20_000]


def test_an_edited_company_of_a_contact_is_kept():
    take(somebody("Ada Example", contact_id="x-1", company=CompanyIn(name="Example Plumbing")))
    ours = Company.objects.create(name="Ours", name_key="ours")
    changing.edit(row=Contact.objects.get(), changes={"company": ours}, by=UserFactory(admin=True), at=NOON)

    take(somebody("Ada Example", contact_id="x-1", company=CompanyIn(name="Sample Builders")))

    assert Contact.objects.get().company == ours


def test_a_person_is_renamed_by_the_source_that_knows_their_id():
    take(somebody("Ada Example", contact_id="x-1", first_name="Ada", last_name="Example"))

    take(somebody("Ada Sample", contact_id="x-1", first_name="Ada", last_name="Sample"))

    person = Contact.objects.get()
    assert (person.name, person.last_name) == ("Ada Sample", "Sample")
    assert not OtherName.objects.exists()


def test_a_name_that_was_theirs_once_and_is_taken_back_is_no_other_name():
    take(somebody(contact_id="x-1", phone=PHONE), somebody("Bob", phone=PHONE))
    take(somebody("Cid", contact_id="x-1", phone=PHONE))

    take(somebody(phone=PHONE, title="Clerk"))

    assert Contact.objects.get().name == "Cid"
    assert not OtherName.objects.exists(), "Bob was their name when it was said, and a blank says nothing of it"


@pytest.mark.parametrize("chunk_rows", [1, 100])
def test_other_names_are_counted_alike_in_chunks_of_any_size(chunk_rows):
    take(
        *(somebody(contact_id="x-1", phone=PHONE), ("P-1", somebody("Bob", phone=PHONE))),
        *(somebody("Cid", contact_id="x-1", phone=PHONE), ("P-1", somebody("Dan", phone=PHONE))),
        ("P-2", somebody("Bob", phone=PHONE)),
        chunk_rows=chunk_rows,
    )

    assert set(OtherName.objects.values_list("name_key", "times")) == {("bob", 1), ("dan", 1)}


@pytest.mark.parametrize("chunk_rows", [1, 5])
def test_a_first_name_that_was_replaced_is_another_name_when_it_is_said_again(chunk_rows):
    take(
        *(("P-1", somebody("Bob", phone=PHONE)), somebody(contact_id="x-1", phone=PHONE)),
        *(somebody("Cid", contact_id="x-1", phone=PHONE), ("P-1", somebody("BOB", phone=PHONE))),
        chunk_rows=chunk_rows,
    )

    assert Contact.objects.get().name == "Cid"
    assert set(OtherName.objects.values_list("name_key", "times")) == {("bob", 1)}
    assert ReviewItem.objects.get().value == "BOB"


def test_a_second_name_on_a_line_is_kept_counted_and_listed():
    take(("P-1", somebody("Ada Example", phone=PHONE)))
    take(("P-2", somebody("Bo Sample", phone=PHONE, title="Owner")), ("P-3", somebody("Bo Sample", phone=PHONE)))

    person = Contact.objects.get()
    assert (person.name, person.title) == ("Ada Example", ""), "Bo's title is not Ada's"
    assert list(OtherName.objects.values_list("name", "times")) == [("Bo Sample", 2)]
    assert ReviewItem.objects.get().kind == ReviewKind.SECOND_NAME


def test_a_name_is_counted_for_the_records_that_say_it_now():
    take(("P-1", somebody("Ada Example", phone=PHONE)), ("P-2", somebody("Bo Sample", phone=PHONE)))

    take(("P-2", somebody("Cid Sample", phone=PHONE)))

    assert dict(OtherName.objects.values_list("name", "times")) == {"Bo Sample": 0, "Cid Sample": 1}


def test_the_name_as_it_was_listed_tells_a_second_name():
    listed = {"name_as_listed": "Ada Example, Example Plumbing"}
    take(("P-1", somebody("Ada Example", phone=PHONE, **listed)))
    take(("P-2", somebody("Ada Example", phone=PHONE, **listed)))
    assert not OtherName.objects.exists()

    take(("P-3", somebody("Ada Example", phone=PHONE, name_as_listed="Ada Example, Sample Builders")))

    assert OtherName.objects.get().name == "Ada Example, Sample Builders"


def test_a_number_that_somebody_removed_is_not_brought_back_by_the_same_source():
    said = {"phone": PHONE, "contact_id": "x-1"}
    take(somebody("Ada Example", **said))
    points.remove_point(point=ContactPoint.objects.get(), at=NOON)
    Endpoint.objects.update(owner=Contact.objects.get())

    take(somebody("Ada Example", title="Owner", **said))

    assert not ContactPoint.objects.exists()


def test_roles_are_added_and_never_taken_away():
    take(("P-1", somebody("Ada Example", phone=PHONE, roles=("owner",))))
    account = take(("P-1", somebody("Ada Example", phone=PHONE, roles=("builder", "owner"))))

    assert ProjectContact.objects.get().roles == ["owner", "builder"]
    assert account.entities["pairs"] == {"updated": 1}
    assert account.entities["roles"] == {"created": 1}


def test_whoever_has_an_id_is_put_into_each_project_they_are_named_in():
    ada = somebody("Ada Example", contact_id="x-1")
    take(("P-1", ada))

    account = take(("P-1", ada), ("P-2", ada))

    assert ProjectContact.objects.count() == 2
    assert (account.unchanged, account.created) == (1, 1)
