from datetime import timedelta

import pytest
from django.db import IntegrityError

from config.testing.hearing import hearing
from crm.choices import PointKind, PointState
from crm.models import AuditEvent, Contact, ContactPoint, Endpoint
from crm.services import addresses, deleting, points
from crm.services.locking import RowGone
from crm.services.scope import ExistsOutOfScope
from crm.signals import reachability_changed
from crm.tests.factories import ContactFactory, ContactPointFactory, EndpointFactory, UserFactory, give_point

pytestmark = pytest.mark.django_db

AUSTIN, DALLAS, BOSTON = "+15125550134", "+12145550134", "+16175550134"


@pytest.fixture
def news():
    """What is told while the test runs: one dataclass per signal."""
    with hearing(reachability_changed) as heard:
        yield heard


def fresh(contact):
    return Contact.objects.get(pk=contact.pk)


def test_the_first_number_and_address_become_primary_and_are_copied(at):
    person = ContactFactory()

    points.add_point(contact=person, kind="phone", value="(512) 555-0134", at=at)
    points.add_point(contact=person, kind="email", value="Pat@Example.com", at=at)
    points.add_point(contact=person, kind="phone", value=DALLAS, at=at)

    assert (fresh(person).primary_phone, fresh(person).primary_email) == (AUSTIN, "pat@example.com")
    assert fresh(person).data_quality == 60


def test_a_number_brings_its_line_type_its_extension_and_the_hours_of_its_area(at):
    point = points.add_point(
        contact=ContactFactory(), kind="phone", value="1 800 555 0134 ext. 42", label="desk", at=at
    )

    assert (point.extension, point.label, point.value_given) == ("42", "desk", "1 800 555 0134 ext. 42")
    assert point.endpoint.line_type == "toll_free"
    assert "America/New_York US" in point.endpoint.hours_profile.key


def test_adding_the_same_number_again_returns_the_point_that_is_there_with_what_it_lacked(at):
    person = ContactFactory()
    first, created = points.put_point(contact=person, kind="phone", value=AUSTIN, at=at)
    again, created_again = points.put_point(contact=person, kind="phone", value="512-555-0134", label="office", at=at)
    third, _ = points.put_point(contact=person, kind="phone", value=AUSTIN, label="home", at=at)

    assert (created, created_again) == (True, False)
    assert first == again == third
    assert third.label == "office"
    assert ContactPoint.objects.count() == Endpoint.objects.count() == 1


def test_a_line_that_somebody_uses_is_shared_and_stays_theirs(at):
    owner = ContactFactory(phone=AUSTIN)

    point = points.add_point(contact=ContactFactory(), kind="phone", value=AUSTIN, at=at)

    assert point.endpoint.owner == owner
    assert Endpoint.objects.count() == 1


def test_asking_for_another_primary_moves_the_copy_and_keeps_the_old_point(at):
    person = ContactFactory(phone=AUSTIN)

    points.add_point(contact=person, kind="phone", value=DALLAS, is_primary=True, at=at)

    assert fresh(person).primary_phone == DALLAS
    assert person.points.filter(is_primary=False, endpoint__value=AUSTIN).exists()


@pytest.mark.parametrize(
    ("kind", "value", "field", "says"),
    [
        ("phone", "555-0134", "value", "area code is missing"),
        ("phone", "1.51255E+10", "value", "spreadsheet"),
        ("email", "pat(at)example.com", "value", "no @"),
        ("address", "  ", "value", "nothing here"),
        ("social", "https://example.com/" + "x" * 500, "value", "At most 500"),
        ("fax", AUSTIN, "kind", "Must be one of"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_field_and_what_to_do(at, kind, value, field, says):
    with pytest.raises(points.UnusableValue) as refusal:
        points.add_point(contact=ContactFactory(), kind=kind, value=value, at=at)

    assert says in refusal.value.details[field]
    assert not ContactPoint.objects.exists()
    assert not Endpoint.objects.exists()


def test_a_country_that_nobody_knows_is_refused(at):
    with pytest.raises(addresses.UnusableAddress) as refusal:
        points.add_point(contact=ContactFactory(), kind="address", value="x", place={"country": "Atlantis"}, at=at)

    assert "ISO code" in refusal.value.details["country"]


def test_a_deleted_contact_gets_no_new_number(at):
    person = deleting.delete(row=ContactFactory(), by=None, at=at)

    with pytest.raises(points.ContactDeleted, match="Restore the contact first"):
        points.add_point(contact=person, kind="phone", value=AUSTIN, at=at)


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


def test_what_a_call_found_out_is_a_fact_also_of_a_deleted_contact(at):
    gone = ContactFactory(phone=AUSTIN)
    deleting.delete(row=gone, by=None, at=at)

    assert points.mark_wrong_person(point=gone.points.get(), at=at).state == PointState.WRONG_PERSON


def test_a_label_and_an_extension_are_corrected_and_nothing_else(at):
    rep, point = UserFactory(bdr=True), give_point(ContactFactory(), "phone", AUSTIN, label="ofice", extension="1")

    points.describe(point=point, label=" office ", extension="", by=rep, at=at)
    event = AuditEvent.objects.get(entity_id=point.pk, operation="update")
    points.describe(point=point, label="office", by=rep, at=at)

    assert (event.actor, event.old) == (rep, {"label": "ofice", "extension": "1"})
    assert event.new == {"label": "office", "extension": ""}
    assert AuditEvent.objects.filter(entity_id=point.pk, operation="update").get() == event
    with pytest.raises(points.UnusableValue) as refusal:
        points.describe(point=give_point(point.contact, "email", "a@example.com"), extension="1", by=rep, at=at)
    assert list(refusal.value.details) == ["extension"]


def test_a_line_that_means_somebody_hidden_is_not_shared_by_naming_it(at):
    rep, person = UserFactory(bdr=True), ContactFactory()
    hidden = ContactFactory(phone=AUSTIN, owner=UserFactory(bdr=True))

    with pytest.raises(ExistsOutOfScope) as refusal:
        points.add_point(contact=person, kind="phone", value=AUSTIN, by=rep, at=at)

    assert str(hidden.pk) not in str(refusal.value)
    assert not person.points.exists()
    assert points.add_point(contact=person, kind="phone", value=AUSTIN, by=UserFactory(admin=True), at=at)


def test_an_address_is_kept_in_parts_and_moves_the_hours_of_the_person_s_lines(at):
    person = ContactFactory(phone=AUSTIN)

    place = {"street": "1 Sample St", "city": "Boston", "region": "massachusetts", "country": "United States"}
    point, created = points.put_point(contact=person, kind="address", value="", place=place, at=at)
    again, created_again = points.put_point(contact=person, kind="address", value="", place=place, at=at)

    assert (point.region, point.country, created, created_again) == ("MA", "US", True, False)
    assert point == again
    assert Endpoint.objects.get().hours_profile.key == "America/Chicago US-TX|America/New_York US-MA"


def test_a_wrong_person_s_number_is_no_longer_first_and_the_next_best_is(at):
    person = ContactFactory(phone=AUSTIN)
    older, verified = (give_point(person, "phone", value) for value in (DALLAS, BOSTON))
    points.verify(point=verified, at=at)

    points.mark_wrong_person(point=person.points.get(is_primary=True), at=at)

    assert fresh(person).primary_phone == BOSTON
    assert not ContactPoint.objects.get(pk=older.pk).is_primary


def test_a_wrong_person_s_line_passes_to_whoever_else_uses_it(at):
    person, other, third = ContactFactory(phone=AUSTIN), ContactFactory(phone=AUSTIN), ContactFactory(phone=AUSTIN)

    points.mark_wrong_person(point=person.points.get(), at=at)
    assert Endpoint.objects.get().owner == other
    assert fresh(person).primary_phone == ""

    for neighbor in (other, third):
        points.mark_wrong_person(point=neighbor.points.get(), at=at)
    assert Endpoint.objects.get().owner is None


def test_a_wrong_person_s_place_says_nothing_about_the_line_any_more(at):
    person = ContactFactory(phone=AUSTIN, region="MA", country="US")
    points.refresh_profiles(endpoint_ids=[Endpoint.objects.get().pk])
    assert "US-MA" in Endpoint.objects.get().hours_profile.key

    points.mark_wrong_person(point=person.points.get(), at=at)

    assert Endpoint.objects.get().hours_profile.key == "America/Chicago US-TX"


def test_a_number_that_was_a_stranger_s_is_not_resurrected_by_being_named_again(at):
    person = ContactFactory(phone=AUSTIN)
    points.mark_wrong_person(point=person.points.get(), at=at)

    with pytest.raises(points.NotTheirs, match="mark it as good"):
        points.add_point(contact=person, kind="phone", value=AUSTIN, at=at)

    assert person.points.get().state == PointState.WRONG_PERSON


@pytest.mark.parametrize("verb", [points.make_primary, points.verify])
def test_a_stranger_s_number_is_neither_first_nor_verified(at, verb):
    person = ContactFactory(phone=AUSTIN)
    wrong = points.mark_wrong_person(point=person.points.get(), at=at)

    with pytest.raises(points.NotTheirs):
        verb(point=wrong, at=at)


def test_taking_wrong_person_back_restores_the_number_its_rank_and_its_owner(at):
    person = ContactFactory(phone=AUSTIN)
    give_point(person, "phone", DALLAS)
    wrong = points.mark_wrong_person(point=person.points.get(is_primary=True), at=at)
    assert fresh(person).primary_phone == DALLAS

    good = points.mark_good(point=wrong, at=at, is_primary=True)

    assert good.is_primary
    assert fresh(person).primary_phone == AUSTIN
    assert good.endpoint.owner == person


def test_marking_twice_changes_nothing_and_tells_nothing(at, news):
    point = ContactFactory(phone=AUSTIN).points.get()
    points.mark_wrong_person(point=point, at=at)
    events, told = AuditEvent.objects.count(), len(news)

    points.mark_wrong_person(point=point, at=at)

    assert (AuditEvent.objects.count(), len(news)) == (events, told)


def test_a_failed_line_rests_for_everybody_until_it_works_again(at, news):
    endpoint = EndpointFactory()

    points.mark_failed(endpoint=endpoint, until=at + timedelta(days=7), at=at)
    points.mark_failed(endpoint=endpoint, until=at + timedelta(days=7), at=at)
    assert Endpoint.objects.get().failed_until == at + timedelta(days=7)

    points.mark_failed(endpoint=endpoint, until=None, at=at)
    assert Endpoint.objects.get().failed_until is None
    assert [event.endpoint_ids for event in news] == [(endpoint.pk,)] * 2


def test_a_line_cannot_rest_until_yesterday(at):
    with pytest.raises(points.NotInTheFuture) as refusal:
        points.mark_failed(endpoint=EndpointFactory(), until=at, at=at)

    assert "until" in refusal.value.details


def test_verifying_never_goes_back_in_time(at):
    point = ContactFactory(phone=AUSTIN).points.get()

    points.verify(point=point, at=at)
    points.verify(point=point, at=at - timedelta(days=1))

    assert ContactPoint.objects.get().verified_at == at


def test_removing_a_number_keeps_its_endpoint_and_promotes_the_next(at):
    person = ContactFactory(phone=AUSTIN)
    give_point(person, "phone", DALLAS)
    first = person.points.get(is_primary=True)

    points.remove_point(point=first, at=at)
    points.remove_point(point=first, at=at)

    assert fresh(person).primary_phone == DALLAS
    assert Endpoint.objects.get(value=AUSTIN).owner is None


def test_a_point_that_somebody_removed_is_gone_for_every_other_verb(at):
    point = ContactFactory(phone=AUSTIN).points.get()
    points.remove_point(point=ContactPoint.objects.get(), at=at)

    with pytest.raises(RowGone, match="Reload"):
        points.make_primary(point=point, at=at)


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
