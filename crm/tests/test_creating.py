"""People who are made by hand or by HTTP: somebody known is added to, and nobody is made twice."""

import pytest
from django.db import IntegrityError

from crm.choices import ReviewKind
from crm.models import Contact, ContactAlias, Endpoint, ReviewItem
from crm.services import creating, deleting, editing, fields, points
from crm.tests.factories import ContactAliasFactory, ContactFactory, UserFactory

pytestmark = pytest.mark.django_db

AUSTIN, DALLAS, PAT = "+15125550134", "+12145550134", "pat@example.com"


@pytest.fixture
def rep():
    return UserFactory(bdr=True)


@pytest.fixture
def contact(rep, at):
    return lambda **told: creating.create_contact(**{"by": rep, "at": at, **told})


def test_a_new_contact_has_points_copies_and_a_score(contact, rep):
    person, created = contact(first_name="Pat", last_name="Sample", phone="(512) 555-0134", email="Pat@Example.com")

    assert created
    assert (person.name, person.primary_phone, person.primary_email) == ("Pat Sample", AUSTIN, PAT)
    assert person.data_quality == 60
    assert person.edited == ["first_name", "last_name"]
    assert Endpoint.objects.filter(owner=person).count() == 2


@pytest.mark.parametrize(
    "keys", [{"contact_id": "C-1"}, {"phone": "512 555 0134"}, {"email": PAT}, {"contact_id": "OLD-1"}]
)
def test_somebody_known_is_not_made_twice_but_added_to(contact, keys):
    known = ContactFactory(contact_id="C-1", phone=AUSTIN, email=PAT, title="Buyer", city="Austin")
    ContactAliasFactory(contact=known, value="OLD-1")

    person, created = contact(**keys, title="", city="Dallas", department="Sales")

    assert (person, created) == (known, False)
    assert (person.title, person.city, person.department) == ("Buyer", "Dallas", "Sales")
    assert Contact.objects.count() == 1


def test_a_known_person_adopts_an_id_and_new_points(contact):
    known = ContactFactory(phone=AUSTIN)

    person, created = contact(contact_id="C-7", phone=AUSTIN, email=PAT)

    assert (person, created) == (known, False)
    assert (person.contact_id, person.primary_email) == ("C-7", PAT)


def test_two_ids_on_one_line_are_two_people_and_the_owner_stays(contact):
    owner = ContactFactory(contact_id="C-1", phone=AUSTIN)

    person, created = contact(contact_id="C-2", name="Somebody Else", phone=AUSTIN)

    assert created
    assert person.primary_phone == AUSTIN
    assert Endpoint.objects.get().owner == owner
    assert ReviewItem.objects.get().kind == ReviewKind.SHARED_LINE


def test_where_phone_and_email_belong_to_two_the_phone_decides_and_both_are_listed(contact):
    by_phone, by_email = ContactFactory(phone=AUSTIN), ContactFactory(email=PAT)

    person, created = contact(phone=AUSTIN, email=PAT)

    assert (person, created) == (by_phone, False)
    assert person.primary_email == ""
    item = ReviewItem.objects.get()
    assert (item.kind, item.contact, item.other, item.value) == (ReviewKind.TWO_OWNERS, by_phone, by_email, PAT)


def test_an_unknown_phone_goes_to_whom_the_email_means(contact):
    known = ContactFactory(email=PAT)

    person, created = contact(phone=DALLAS, email=PAT)

    assert (person, created) == (known, False)
    assert person.primary_phone == DALLAS


def test_a_stranger_s_line_does_not_come_back_by_being_named_again(contact, at):
    known = ContactFactory(contact_id="C-1", phone=AUSTIN)
    points.mark_wrong_person(point=known.points.get(), at=at)

    person, created = contact(contact_id="C-1", phone=AUSTIN)

    assert (person, created, person.primary_phone) == (known, False, "")


def test_nor_does_a_line_that_somebody_else_answers_now(contact, at):
    known, owner = (ContactFactory(contact_id=key, phone=AUSTIN) for key in ("C-1", "C-2"))
    points.mark_wrong_person(point=known.points.get(), at=at)

    person, created = contact(contact_id="C-1", phone=AUSTIN)

    assert (person, created, person.primary_phone) == (known, False, "")
    assert Endpoint.objects.get().owner == owner


@pytest.mark.parametrize("keys", [{}, {"title": "Buyer"}, {"phone": " ", "email": ""}])
def test_nobody_is_not_a_contact(contact, keys):
    with pytest.raises(creating.NobodyNamed):
        contact(**keys)


def test_keys_that_cannot_be_used_are_refused_all_at_once_and_nothing_is_written(contact):
    with pytest.raises(points.UnusableValue) as refusal:
        contact(name="Pat", phone="555-0134", email="pat@", contact_id="x" * 101)

    assert set(refusal.value.details) == {"phone", "email", "contact_id"}
    assert not Contact.objects.exists()


def test_a_field_that_cannot_be_kept_leaves_nothing_half_written(contact):
    with pytest.raises(fields.FieldInvalid):
        contact(name="Pat", phone=AUSTIN, lead_score=300)
    with pytest.raises(fields.FieldRefused):
        contact(name="Pat", phone=AUSTIN, primary_phone=DALLAS)

    assert not Contact.objects.exists()
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize("keys", [{"contact_id": "C-1"}, {"phone": AUSTIN}, {"email": PAT}])
def test_who_belongs_to_a_colleague_exists_out_of_scope_and_nothing_is_said_of_them(contact, keys):
    ContactFactory(contact_id="C-1", phone=AUSTIN, email=PAT, name="Pat Secret", owner=UserFactory(bdr=True))

    with pytest.raises(creating.ExistsOutOfScope) as refusal:
        contact(**keys, title="Mine now")

    assert refusal.value.code == "exists_out_of_scope"
    assert "Secret" not in str(refusal.value)
    assert Contact.objects.get().title == ""


def test_a_deleted_person_is_not_made_anew(contact, at):
    deleting.delete(row=ContactFactory(phone=AUSTIN), by=None, at=at)

    with pytest.raises(editing.RowDeleted, match="Restore"):
        contact(phone=AUSTIN)


def test_a_line_of_somebody_hidden_is_not_shared_by_naming_it(contact):
    """The same rule as in an intake: any line of a hidden owner refuses the whole."""
    mine = ContactFactory(contact_id="C-1", phone=AUSTIN)
    ContactFactory(contact_id="C-2", email=PAT, owner=UserFactory(bdr=True))

    for keys in (
        {"contact_id": "C-1", "email": PAT},
        {"phone": AUSTIN, "email": PAT},
        {"contact_id": "C-9", "email": PAT},
    ):
        with pytest.raises(creating.ExistsOutOfScope):
            contact(**keys, title="Buyer")

    assert not ReviewItem.objects.exists()
    assert Contact.objects.get(pk=mine.pk).title == ""
    assert Contact.objects.count() == 2


def test_only_a_key_means_that_somebody_was_faster(rep, at, monkeypatch):
    """Any other promise of the database that is broken is our fault, and is not answered by trying again."""
    monkeypatch.setattr(fields, "read", lambda row, changes, at: dict(changes))

    with pytest.raises(IntegrityError, match="crm_contact_score_0_to_100"):
        creating.create_contact(by=rep, at=at, name="Pat", lead_score=300)
    with pytest.raises(IntegrityError, match="crm_contact_score_0_to_100"):
        editing.edit(row=ContactFactory(), changes={"lead_score": 300}, by=rep, at=at)


@pytest.mark.django_db(transaction=True)
def test_many_who_make_the_same_person_at_once_make_one(threads, at):
    def make(number):
        given = {"phone": AUSTIN} if number % 2 else {"phone": AUSTIN, "email": PAT}
        return lambda: creating.create_contact(by=None, at=at, name="Pat Sample", **given)

    made = threads(*map(make, range(6)))

    assert Contact.objects.count() == 1
    assert [created for _, created in made].count(True) == 1
    assert Contact.objects.get().points.count() == 2
    assert not ContactAlias.objects.exists()
