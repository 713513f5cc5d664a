"""What every verb of points promises: who may, who is told, who is named, and copies that are true."""

import pytest
from django.db import IntegrityError

from crm.choices import PointKind
from crm.models import AuditEvent, Contact
from crm.services import deleting, points
from crm.services.locking import RowGone
from crm.tests import pointing
from crm.tests.factories import ContactFactory, ContactPointFactory, UserFactory
from crm.tests.pointing import AUSTIN, BOSTON, DALLAS, fresh

pytestmark = pytest.mark.django_db
news = pointing.news
VERBS = {
    "add": lambda point, **who: points.add_point(contact=point.contact, kind="phone", value=DALLAS, **who),
    "first": lambda point, **who: points.make_primary(point=point, **who),
    "describe": lambda point, **who: points.describe(point=point, label="desk", **who),
    "wrong": lambda point, **who: points.mark_wrong_person(point=point, **who),
    "good": lambda point, **who: points.mark_good(point=point, **who),
    "verify": lambda point, **who: points.verify(point=point, **who),
    "remove": lambda point, **who: points.remove_point(point=point, **who),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_nobody_does_anything_to_a_point_of_a_deleted_or_hidden_contact(at, verb):
    rep, colleague = UserFactory(bdr=True), UserFactory(bdr=True)
    gone, hidden = ContactFactory(phone=AUSTIN), ContactFactory(phone=BOSTON, owner=colleague)
    deleting.delete(row=gone, by=None, at=at)
    before = AuditEvent.objects.count()

    with pytest.raises(points.ContactDeleted):
        verb(gone.points.get(), by=rep, at=at)
    with pytest.raises(RowGone):
        verb(hidden.points.get(), by=rep, at=at)
    assert AuditEvent.objects.count() == before


def test_every_verb_tells_whose_reachability_changed(at, news):
    person = ContactFactory(phone=AUSTIN)
    point = points.add_point(contact=person, kind="phone", value=DALLAS, at=at)
    points.make_primary(point=point, at=at)
    points.mark_wrong_person(point=point, at=at)
    points.mark_good(point=point, at=at)
    points.remove_point(point=point, at=at)

    assert len(news) == 5
    assert all(event.contact_ids == (person.pk,) and point.endpoint_id in event.endpoint_ids for event in news)


def test_who_adds_a_number_is_in_the_audit_also_outside_a_request(at):
    rep = UserFactory(bdr=True)

    point = points.add_point(contact=ContactFactory(), kind="phone", value=AUSTIN, by=rep, at=at)
    ContactFactory()

    born = AuditEvent.objects.filter(operation="create")
    assert born.get(entity_id=point.pk).actor == rep
    assert born.filter(entity="crm.contact").latest("id").actor is None


def test_copies_are_put_right_for_many_at_once_and_only_where_they_are_wrong(django_assert_num_queries):
    right, blank, stale, leaderless = (ContactFactory(phone=f"+1512555013{n}") for n in range(4))
    ContactFactory(email="pat@example.com")
    nobody = ContactFactory()
    people = Contact.objects.all()
    people.filter(pk=blank.pk).update(primary_phone="")
    people.filter(pk=stale.pk).update(primary_phone="+12125550199", primary_email="old@example.com")
    leaderless.points.update(is_primary=False)
    people.filter(pk=leaderless.pk).update(primary_phone="")
    people.filter(pk=nobody.pk).update(primary_phone="+12125550199")
    ids = list(people.values_list("pk", flat=True))

    with django_assert_num_queries(6):  # four, and the savepoint around them
        changed = points.copy_primaries(contact_ids=ids)
    with django_assert_num_queries(3):
        assert points.copy_primaries(contact_ids=ids) == []

    assert set(changed) == {blank.pk, stale.pk, leaderless.pk, nobody.pk}
    assert fresh(leaderless).primary_phone == "+15125550133"
    assert (fresh(nobody).primary_phone, fresh(stale).primary_email) == ("", "")
    assert fresh(right).primary_phone == "+15125550130"


def test_the_database_refuses_a_second_primary_of_a_kind():
    person = ContactFactory(phone=AUSTIN)

    with pytest.raises(IntegrityError, match="crm_point_one_primary_per_kind"):
        ContactPointFactory(contact=person, is_primary=True)


@pytest.mark.django_db(transaction=True)
def test_two_who_add_the_same_new_number_at_once_share_one_line(threads, at):
    people = ContactFactory.create_batch(4)

    def add(person):
        return lambda: points.add_point(contact=person, kind="phone", value=AUSTIN, at=at).endpoint_id

    assert len(set(threads(*map(add, people)))) == 1
    assert Contact.objects.filter(primary_phone=AUSTIN).count() == 4


@pytest.mark.django_db(transaction=True)
def test_one_who_gets_many_numbers_at_once_has_exactly_one_primary(threads, at):
    person = ContactFactory()

    def add(number):
        return lambda: points.add_point(
            contact=person, kind="phone", value=f"+151255501{number:02}", is_primary=True, at=at
        )

    threads(*map(add, range(6)))

    primary = person.points.get(kind=PointKind.PHONE, is_primary=True)
    assert fresh(person).primary_phone == primary.endpoint.value
    assert person.points.count() == 6
